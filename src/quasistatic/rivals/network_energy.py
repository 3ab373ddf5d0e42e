r"""An energy of numbers: a small network, held together by a parabola.

    log phi(x) = f(x) - 1/2 |x|^2 / s^2,   f a perceptron with smooth units, bounded slopes:

the parabola makes Z finite, the network bends it into any shape.
"""

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.rivals.energy import AbstractEnergy
from quasistatic.typing import Array, Float, Key

__all__ = ["NetworkEnergy", "network_energy", "score"]

_SCALE = 2.0


class NetworkEnergy(AbstractEnergy):
    """A perceptron with two hidden layers and a parabola of width s = 2.

    Args:
        layers: affine maps of the perceptron.
    """

    layers: tuple[eqx.nn.Linear, ...]

    def log_weight(self, x: Float[Array, " D"]) -> Float[Array, ""]:
        h = x
        for layer in self.layers[:-1]:
            h = jax.nn.silu(layer(h))
        return self.layers[-1](h)[0] - 0.5 * jnp.sum(jnp.square(x / _SCALE))


def network_energy(columns: int, width: int, *, key: Key) -> NetworkEnergy:
    """The energy before training.

    Args:
        columns: number of columns D.
        width: width of the hidden layers.
        key: random key.
    """
    keys = jax.random.split(key, 4)
    sizes = (columns, width, width, width, 1)
    return NetworkEnergy(
        tuple(eqx.nn.Linear(a, b, key=k) for a, b, k in zip(sizes, sizes[1:], keys, strict=False))
    )


def score(energy: AbstractEnergy, x: Float[Array, " D"]) -> Float[Array, " D"]:
    """`d log phi / dx`, free of Z."""
    return jax.grad(energy.log_weight)(x)
