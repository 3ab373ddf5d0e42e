"""The network of a sub-schedule: K of the T times that it was trained at."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from quasistatic.network.base import AbstractNetwork
from quasistatic.typing import Array, Float, Key

__all__ = ["RetimedNetwork"]


class RetimedNetwork(AbstractNetwork):
    """At the time k/K it answers as the whole network does at `times[k-1]`.

    Args:
        whole: network that was trained on T steps.
        times: times t/T of the K steps that are kept, increasing.
    """

    whole: AbstractNetwork
    times: Array | np.ndarray  # NumPy [K]: see `ThinnedDiffusion.path`

    def __init__(self, whole: AbstractNetwork, times: Sequence[float]) -> None:
        self.whole, self.times = whole, np.array(times, np.float32)

    @property
    def n_features(self) -> int:
        return self.whole.n_features

    @property
    def n_outputs(self) -> int:
        return self.whole.n_outputs

    def __call__(
        self, features: Float[Array, " F"], time: Float[Array, ""], *, key: Key | None = None
    ) -> Float[Array, " P"]:
        k = jnp.round(time * len(self.times)).astype(jnp.int32)
        return self.whole(features, jnp.asarray(self.times)[k - 1], key=key)
