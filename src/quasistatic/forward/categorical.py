r"""Heat bath on discrete columns: with probability beta_t a column forgets its state and draws a
new one from pi.

With two states this is the paper's binomial kernel, `Bernoulli(x (1 - beta_t) + m beta_t)` with `m
= pi(1)`.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.distribution import Categorical
from quasistatic.forward._states import StateLayout
from quasistatic.forward.base import AbstractDiffusion, earlier
from quasistatic.forward.schedule import AbstractSchedule, ErasureSchedule
from quasistatic.numerics import LOG_ZERO
from quasistatic.typing import Array, Bool, Float, Int, Step

__all__ = [
    "CategoricalDiffusion",
    "binomial_block",
    "binomial_diffusion",
    "categorical_block",
    "pad_log_probs",
]

_TINY = 1e-37


def pad_log_probs(probs: Sequence[Sequence[float] | np.ndarray]) -> Float[Array, "D K"]:
    """Log-probabilities of columns with differing numbers of states, padded with `LOG_ZERO`."""
    padded = np.full((len(probs), max(np.size(p) for p in probs)), LOG_ZERO, np.float32)
    for row, p in zip(padded, probs, strict=True):
        p = np.asarray(p, np.float64) / np.sum(p)
        row[: len(p)] = np.where(p > 0, np.log(np.maximum(p, _TINY)), LOG_ZERO)
    return jax.device_put(padded)


class CategoricalDiffusion(AbstractDiffusion):
    r"""`q(x_t = k | x_{t-1}) = (1 - beta_t) [k = x_{t-1}] + beta_t pi_k`, every column with its own
    pi.

    The network's output are logits of x_0, added to `log_marginals` (so that raw = 0 is the
    independent model). With R = softmax of the sum, A_j = q(x_t | x_s = j) and alpha_bar' =
    alpha_bar_s the reverse kernel, the bridge averaged over the posterior of x_0 given the column's
    own noisy state, is

        p(x_s = j | x_t)  ~  A_j [ alpha_bar' R_j + (1 - alpha_bar') pi_j ].

    Args:
        schedule: schedule with one value for all columns.
        log_pi: equilibrium log-probabilities [D, K], `LOG_ZERO` for padding.
        log_marginals: log-frequencies of the data [D, K], `LOG_ZERO` for padding.
    """

    schedule: AbstractSchedule
    log_pi: Float[Array, "D K"]
    log_marginals: Float[Array, "D K"]
    layout: StateLayout

    def __init__(
        self,
        schedule: AbstractSchedule,
        log_pi: Float[Array, "D K"],
        log_marginals: Float[Array, "D K"],
    ) -> None:
        self.schedule, self.log_pi, self.log_marginals = (
            schedule,
            jnp.asarray(log_pi),
            jnp.asarray(log_marginals),
        )
        self.layout = StateLayout.of(np.logaddexp(log_pi, log_marginals))

    @property
    def trajectory_length(self) -> int:
        return self.schedule.trajectory_length

    @property
    def n_columns(self) -> int:
        return self.log_pi.shape[0]

    @property
    def n_states(self) -> int:
        """K, of the column with the most states."""
        return self.log_pi.shape[1]

    @property
    def n_features(self) -> int:
        return self.layout.size

    @property
    def n_outputs(self) -> int:
        return self.layout.size

    def _alpha_bar(self, t: Step) -> Float[Array, ""]:
        return jax.nn.sigmoid(self.schedule.log_snr(t))[0]

    def _beta(self, t: Step, s: Step | None) -> Float[Array, ""]:
        return 1.0 - self._alpha_bar(t) / self._alpha_bar(earlier(t, s))

    def _mix(self, x: Int[Array, " D"], kept: Float[Array, ""]) -> Categorical:
        """State x with probability `kept`, a draw from pi otherwise."""
        probs = kept * jax.nn.one_hot(x, self.n_states) + (1.0 - kept) * jnp.exp(self.log_pi)
        return Categorical(_log(probs))

    def _noisy(self, probs: Float[Array, "D K"], t: Step) -> Categorical:
        """x_t of x_0 with these probabilities."""
        kept = self._alpha_bar(t)
        return Categorical(_log(kept * probs + (1.0 - kept) * jnp.exp(self.log_pi)))

    def prior(self) -> Categorical:
        return Categorical(jnp.asarray(self.log_pi))

    def kernel(self, x: Int[Array, " D"], t: Step, s: Step | None = None) -> Categorical:
        return self._mix(x, 1.0 - self._beta(t, s))

    def marginal(self, x_0: Int[Array, " D"], t: Step) -> Categorical:
        return self._mix(x_0, self._alpha_bar(t))

    def _condition(
        self, before: Categorical, x_t: Int[Array, " D"], t: Step, s: Step | None = None
    ) -> Categorical:
        """`before`, a distribution of x_s, given x_t."""
        beta, pi_x = (
            self._beta(t, s),
            jnp.take_along_axis(jnp.exp(self.log_pi), x_t[:, None], axis=-1),
        )
        likelihood = (1.0 - beta) * jax.nn.one_hot(x_t, self.n_states) + beta * pi_x
        joint = before.log_probs + _log(likelihood)
        return Categorical(jnp.maximum(jax.nn.log_softmax(joint, axis=-1), LOG_ZERO))

    def bridge(
        self, x_t: Int[Array, " D"], x_0: Int[Array, " D"], t: Step, s: Step | None = None
    ) -> Categorical:
        return self._condition(self.marginal(x_0, earlier(t, s)), x_t, t, s)

    def independent(self) -> Categorical:
        return Categorical(self.log_marginals)

    def reverse_kernel(
        self,
        raw: Float[Array, " P"],
        x_t: Int[Array, " D"],
        t: Step,
        s: Step | None = None,
        data: Categorical | None = None,
    ) -> Categorical:
        start = self.independent() if data is None else data
        probs = jax.nn.softmax(self.layout.unpack(raw) + start.log_probs, axis=-1)
        return self._condition(self._noisy(probs, earlier(t, s)), x_t, t, s)

    def log_evidence(self, data: Categorical, x_t: Int[Array, " D"], t: Step) -> Float[Array, " D"]:
        return self._noisy(jnp.exp(data.log_probs), t).log_prob(x_t)

    def features(
        self, x_t: Int[Array, " D"], observed: Bool[Array, " D"], t: Step
    ) -> Float[Array, " F"]:
        return self.layout.features(x_t, observed)


def _log(probs: Float[Array, "D K"]) -> Float[Array, "D K"]:
    return jnp.where(probs > _TINY, jnp.log(jnp.maximum(probs, _TINY)), LOG_ZERO)


def binomial_diffusion(
    schedule: AbstractSchedule,
    m: Sequence[float] | np.ndarray,
    activity: Sequence[float] | np.ndarray | None = None,
) -> CategoricalDiffusion:
    """The paper's binomial kernel: binary columns relax to Bernoulli(m).

    Args:
        schedule: schedule with one value for all columns, usually `ErasureSchedule(T)`.
        m: equilibrium probability of a 1 per column, e.g. 0.5 or the data's mean activity.
        activity: data's mean activity per column, where the reverse process starts its training;
            `m` by default.
    """
    activity = m if activity is None else activity
    return CategoricalDiffusion(
        schedule,
        pad_log_probs([(1 - p, p) for p in m]),
        pad_log_probs([(1 - p, p) for p in activity]),
    )


def binomial_block(trajectory_length: int, marginals: Sequence[np.ndarray]) -> CategoricalDiffusion:
    """The heat bath whose pi are the data's frequencies.

    Args:
        trajectory_length: number of steps T.
        marginals: state frequencies of each column in the data.
    """
    log_marginals = pad_log_probs(marginals)
    return CategoricalDiffusion(ErasureSchedule(trajectory_length), log_marginals, log_marginals)


def categorical_block(
    trajectory_length: int, marginals: Sequence[np.ndarray]
) -> CategoricalDiffusion:
    """The heat bath with uniform pi (m = 0.5 for a binary column).

    Args:
        trajectory_length: number of steps T.
        marginals: state frequencies of each column in the data.
    """
    uniform = pad_log_probs([np.ones_like(p) for p in marginals])
    schedule = ErasureSchedule(trajectory_length)
    return CategoricalDiffusion(schedule, uniform, pad_log_probs(marginals))
