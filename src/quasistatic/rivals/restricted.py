r"""The restricted Boltzmann machine: D visible bits, H hidden ones, couplings between the two.

    p(x, h) ∝ exp(b . x + c . h + x' W h),
    log phi(x) = b . x + sum_j softplus(c_j + (x' W)_j)          (h summed out).

The straight line of parameters from an independent machine (W = 0, c = 0) is the path of
Salakhutdinov and Murray (2008) for annealed importance sampling. Source: Smolensky (1986).
"""

from typing import Self

import jax
import jax.numpy as jnp

from quasistatic.rivals.energy import AbstractBinaryEnergy
from quasistatic.typing import Array, Float, Key

__all__ = ["RestrictedBoltzmannMachine", "restricted"]


class RestrictedBoltzmannMachine(AbstractBinaryEnergy):
    """A restricted Boltzmann machine.

    Args:
        bias: biases b of the visible bits, `[D]` nats.
        hidden_bias: biases c of the hidden bits, `[H]` nats.
        coupling: couplings W, `[D, H]` nats.
    """

    bias: Float[Array, " D"]
    hidden_bias: Float[Array, " H"]
    coupling: Float[Array, "D H"]

    @property
    def sites(self) -> int:
        return self.bias.shape[0]

    def log_weight(self, x: Float[Array, " D"]) -> Float[Array, ""]:
        return self.bias @ x + jnp.sum(jax.nn.softplus(self.hidden_bias + x @ self.coupling))

    def logits(self, x: Float[Array, " D"]) -> Float[Array, " D"]:
        drive = self.hidden_bias + x @ self.coupling
        on = drive[None] + (1.0 - x)[:, None] * self.coupling
        off = drive[None] - x[:, None] * self.coupling
        return self.bias + jnp.sum(jax.nn.softplus(on) - jax.nn.softplus(off), axis=1)

    def sweep(
        self, x: Float[Array, " D"], *, key: Key, reverse: bool = False
    ) -> Float[Array, " D"]:
        del reverse  # x -> h -> x is its own reversal
        up, down = jax.random.split(key)
        hidden = _bernoulli(self.hidden_bias + x @ self.coupling, key=up)
        return self.visible(hidden, key=down)

    def visible(self, hidden: Float[Array, " H"], *, key: Key) -> Float[Array, " D"]:
        """Visible bits drawn given the hidden ones.

        Args:
            hidden: hidden bits.
            key: random key.
        """
        return _bernoulli(self.bias + self.coupling @ hidden, key=key)

    def independent(self, bias: Float[Array, " D"]) -> Self:
        zeros = jnp.zeros_like
        return type(self)(bias, zeros(self.hidden_bias), zeros(self.coupling))

    def centred(self, gradient: Self, mean: Float[Array, " D"]) -> Self:
        hidden = jax.nn.sigmoid(self.hidden_bias + mean @ self.coupling)
        coupling = (
            gradient.coupling
            - mean[:, None] * gradient.hidden_bias[None]
            - gradient.bias[:, None] * hidden[None]
        )
        bias = gradient.bias - coupling @ hidden
        return type(self)(bias, gradient.hidden_bias - mean @ coupling, coupling)


def restricted(bias: Float[Array, " D"], hidden: int, *, key: Key) -> RestrictedBoltzmannMachine:
    """A machine before training: couplings N(0, 0.01^2), which break the symmetry of hidden bits.

    Args:
        bias: biases of the visible bits, `[D]` nats.
        hidden: number of hidden bits H.
        key: random key.
    """
    coupling = 0.01 * jax.random.normal(key, (bias.shape[0], hidden), bias.dtype)
    return RestrictedBoltzmannMachine(bias, jnp.zeros(hidden, bias.dtype), coupling)


def _bernoulli(logits: Array, *, key: Key) -> Array:
    uniform = jax.random.uniform(key, logits.shape, logits.dtype)
    return (uniform < jax.nn.sigmoid(logits)).astype(logits.dtype)
