"""A sub-schedule: the same process seen at K of its T steps."""

from collections.abc import Sequence
from itertools import pairwise

import jax.numpy as jnp
import numpy as np

from quasistatic.distribution import AbstractDistribution
from quasistatic.forward.base import AbstractDiffusion, earlier
from quasistatic.typing import Array, Bool, Float, Int, Step

__all__ = ["ThinnedDiffusion"]


class ThinnedDiffusion(AbstractDiffusion):
    """Step k of this process are the steps `steps[k-1] + 1 .. steps[k]` of the whole one: q is the
    same, seen less often.

    Args:
        whole: process of T steps, of one block.
        steps: numbers of the K steps that are kept, increasing, of 1..T; the last should be T,
            where the data are forgotten.
    """

    whole: AbstractDiffusion
    path: Array | np.ndarray  # [K + 1], 0 and the steps
    # NumPy arrays are no part of compiled programs, which all sub-schedules of K steps share, and
    # neither trained nor stored.

    def __init__(self, whole: AbstractDiffusion, steps: Sequence[int]) -> None:
        path = (0, *(int(t) for t in steps))
        if len(path) < 2 or any(a >= b for a, b in pairwise((*path, whole.trajectory_length + 1))):
            raise ValueError(
                f"steps must increase from at least 1 to at most {whole.trajectory_length}, "
                f"got {path[1:]}"
            )
        self.whole, self.path = whole, np.array(path, np.int32)

    @property
    def trajectory_length(self) -> int:
        return len(self.path) - 1

    @property
    def n_columns(self) -> int:
        return self.whole.n_columns

    @property
    def n_features(self) -> int:
        return self.whole.n_features

    @property
    def n_outputs(self) -> int:
        return self.whole.n_outputs

    def _whole_step(self, k: Step) -> Int[Array, ""]:
        return jnp.asarray(self.path)[k]

    def prior(self) -> AbstractDistribution:
        return self.whole.prior()

    def kernel(self, x: Array, t: Step, s: Step | None = None) -> AbstractDistribution:
        return self.whole.kernel(x, self._whole_step(t), self._whole_step(earlier(t, s)))

    def marginal(self, x_0: Array, t: Step) -> AbstractDistribution:
        return self.whole.marginal(x_0, self._whole_step(t))

    def bridge(
        self, x_t: Array, x_0: Array, t: Step, s: Step | None = None
    ) -> AbstractDistribution:
        return self.whole.bridge(x_t, x_0, self._whole_step(t), self._whole_step(earlier(t, s)))

    def independent(self) -> AbstractDistribution:
        return self.whole.independent()

    def reverse_kernel(
        self,
        raw: Float[Array, " P"],
        x_t: Array,
        t: Step,
        s: Step | None = None,
        data: AbstractDistribution | None = None,
    ) -> AbstractDistribution:
        return self.whole.reverse_kernel(
            raw, x_t, self._whole_step(t), self._whole_step(earlier(t, s)), data
        )

    def log_evidence(self, data: AbstractDistribution, x_t: Array, t: Step) -> Float[Array, " D"]:
        return self.whole.log_evidence(data, x_t, self._whole_step(t))

    def features(self, x_t: Array, observed: Bool[Array, " D"], t: Step) -> Float[Array, " F"]:
        return self.whole.features(x_t, observed, self._whole_step(t))
