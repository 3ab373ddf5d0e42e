"""The network that has learned nothing."""

import equinox as eqx
import jax.numpy as jnp

from quasistatic.network.base import AbstractNetwork
from quasistatic.typing import Array, Float, Key

__all__ = ["ZeroNetwork"]


class ZeroNetwork(AbstractNetwork):
    """0 whatever the state: the model is what the process makes of outputs of 0.

    Args:
        n_features: length of the input.
        n_outputs: length of the output.
    """

    n_features: int = eqx.field(static=True)
    n_outputs: int = eqx.field(static=True)

    def __call__(
        self, features: Float[Array, " F"], time: Float[Array, ""], *, key: Key | None = None
    ) -> Float[Array, " P"]:
        return jnp.zeros(self.n_outputs)
