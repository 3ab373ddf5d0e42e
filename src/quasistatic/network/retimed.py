"""A network asked at K of its T times."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp

from quasistatic.network.base import AbstractNetwork
from quasistatic.typing import Array, Float, Key


class RetimedNetwork(AbstractNetwork):
    """At the time k/K it answers as the whole network does at `times[k-1]`.

    Args:
        whole: the network that was trained.
        times: K of its times t/T.
    """

    whole: AbstractNetwork
    times: tuple[float, ...] = eqx.field(static=True)

    def __init__(self, whole: AbstractNetwork, times: Sequence[float]) -> None:
        self.whole, self.times = whole, tuple(times)

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
        return self.whole(features, jnp.asarray(self.times, jnp.float32)[k - 1], key=key)
