r"""Absorbing kernel: pi puts all mass on a mask state, and at step t the columns are masked, a few
at a time.

The heat bath with this pi masks every column with probability `t/T`. Here exactly `floor(D t/T)` of
the D columns are masked, a uniformly random subset: the same bound as T grows, but with T = D every
step masks one column and the reverse trajectory is an autoregression in random order, exact in D
steps (the order's probability is the same forward and backward and drops out).
"""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from quasistatic.distribution import Binary, Categorical, RandomSubset
from quasistatic.forward._states import StateLayout
from quasistatic.forward.base import AbstractDiffusion, earlier
from quasistatic.forward.categorical import pad_log_probs
from quasistatic.numerics import LOG_ZERO, log_softmax
from quasistatic.typing import Array, Bool, Float, Int, Step

__all__ = ["AbsorbingDiffusion", "absorbing_block", "paired"]


class AbsorbingDiffusion(AbstractDiffusion):
    """Random columns fall into the mask state K, `floor(D t / T)` of them after step t.

    The network's output are logits of the values of the masked columns, added to `log_marginals`
    (raw = 0: independent model), or to those of other `data`. With `paired` a binary block has one
    output a column, r, and the logits are (-r, r).

    Args:
        trajectory_length: number of steps T; T = D masks one column a step.
        log_marginals: log-frequencies of the data [D, K], `LOG_ZERO` for padding.
        paired: whether two states share an output (default False), a fraction of the work where
            there are many components.
    """

    trajectory_length: int = eqx.field(static=True)
    log_marginals: Float[Array, "D K"]
    layout: StateLayout
    paired: bool = eqx.field(static=True)

    def __init__(
        self, trajectory_length: int, log_marginals: Float[Array, "D K"], *, paired: bool = False
    ) -> None:
        self.trajectory_length, self.log_marginals = trajectory_length, jnp.asarray(log_marginals)
        self.layout = StateLayout.of(log_marginals)
        self.paired = paired and self.layout.is_binary

    @property
    def n_columns(self) -> int:
        return self.log_marginals.shape[0]

    @property
    def mask_state(self) -> int:
        """The state after the last value, K."""
        return self.log_marginals.shape[1]

    @property
    def n_features(self) -> int:
        return self.layout.size

    @property
    def n_outputs(self) -> int:
        return self.n_columns if self.paired else self.layout.size

    def _masked(self, t: Step) -> Int[Array, ""]:
        """Number of masked columns after step t."""
        return jnp.asarray(t) * self.n_columns // self.trajectory_length

    def _mask_some(self, x: Int[Array, " D"], count: Int[Array, ""]) -> RandomSubset:
        mask = jnp.full(self.n_columns, self.mask_state, jnp.int32)
        return RandomSubset(x, x != self.mask_state, count, mask)

    def _reveal_some(
        self,
        x_t: Int[Array, " D"],
        values: Int[Array, " D"] | Categorical | Binary,
        t: Step,
        s: Step | None,
    ) -> RandomSubset:
        count = self._masked(t) - self._masked(earlier(t, s))
        return RandomSubset(x_t, x_t == self.mask_state, count, values)

    def prior(self) -> RandomSubset:
        return self._mask_some(jnp.zeros(self.n_columns, jnp.int32), jnp.asarray(self.n_columns))

    def kernel(self, x: Int[Array, " D"], t: Step, s: Step | None = None) -> RandomSubset:
        return self._mask_some(x, self._masked(t) - self._masked(earlier(t, s)))

    def marginal(self, x_0: Int[Array, " D"], t: Step) -> RandomSubset:
        return self._mask_some(x_0, self._masked(t))

    def bridge(
        self, x_t: Int[Array, " D"], x_0: Int[Array, " D"], t: Step, s: Step | None = None
    ) -> RandomSubset:
        return self._reveal_some(x_t, x_0, t, s)

    def independent(self) -> Categorical:
        return Categorical(self.log_marginals)

    def reverse_kernel(
        self,
        raw: Float[Array, " P"],
        x_t: Int[Array, " D"],
        t: Step,
        s: Step | None = None,
        data: Categorical | None = None,
    ) -> RandomSubset:
        start = self.independent() if data is None else data
        if self.paired:
            log_odds = start.log_probs[:, 1] - start.log_probs[:, 0] + 2.0 * raw
            return self._reveal_some(x_t, Binary(log_odds), t, s)
        log_probs = log_softmax(self.layout.unpack(raw) + start.log_probs)
        return self._reveal_some(x_t, Categorical(jnp.maximum(log_probs, LOG_ZERO)), t, s)

    def log_evidence(self, data: Categorical, x_t: Int[Array, " D"], t: Step) -> Float[Array, " D"]:
        """Of the columns that are left; a mask says nothing of x_0."""
        masked = x_t == self.mask_state
        return jnp.where(masked, 0.0, data.log_prob(jnp.where(masked, 0, x_t)))

    def features(
        self, x_t: Int[Array, " D"], observed: Bool[Array, " D"], t: Step
    ) -> Float[Array, " F"]:
        return self.layout.features(x_t, observed)


def absorbing_block(trajectory_length: int, marginals: Sequence[np.ndarray]) -> AbsorbingDiffusion:
    """The absorbing kernel of columns with these state frequencies.

    Args:
        trajectory_length: number of steps T.
        marginals: state frequencies of each column in the data.
    """
    return AbsorbingDiffusion(trajectory_length, pad_log_probs(marginals))


def paired(block: AbstractDiffusion) -> AbstractDiffusion:
    """The block with one output for both states of a column where it is an absorbing kernel of
    binary columns; another as it is.

    Args:
        block: block of a process whose reverse kernels are mixtures.
    """
    if not isinstance(block, AbsorbingDiffusion):
        return block
    return AbsorbingDiffusion(block.trajectory_length, block.log_marginals, paired=True)
