"""What an energy is: a distribution known up to its normaliser Z.

    p(x) = phi(x) / Z,   log phi(x) = -(free energy of x),   Z = sum or integral of phi.

To add one:

- subclass `AbstractBinaryEnergy` (bits) in a file of its own, with arrays as its parameters, so
  that the straight line between two sets of parameters is the path of annealing;
- define its methods; `logits` and `sweep` must belong to the same `log_weight`;
- add a line to `ENERGIES` in `tests/cases.py`: enumeration then checks all methods on it.
"""

import abc
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.typing import Array, Float, Key

__all__ = [
    "AbstractBinaryEnergy",
    "AbstractEnergy",
    "between",
    "flip_log_ratios",
    "independent_bits",
    "independent_log_partition",
    "starting_bias",
]


class AbstractEnergy(eqx.Module):
    """log phi of a row, bits or numbers."""

    @abc.abstractmethod
    def log_weight(self, x: Float[Array, " D"]) -> Float[Array, ""]:
        """`log phi(x)`, minus the free energy, nats."""


class AbstractBinaryEnergy(AbstractEnergy):
    """An energy of D bits."""

    @property
    @abc.abstractmethod
    def sites(self) -> int:
        """The number of bits D."""

    @abc.abstractmethod
    def logits(self, x: Float[Array, " D"]) -> Float[Array, " D"]:
        """`log phi(x with bit i = 1) - log phi(x with bit i = 0)` for every i, nats: the log-odds
        of bit i given the others.
        """

    @abc.abstractmethod
    def sweep(
        self, x: Float[Array, " D"], *, key: Key, reverse: bool = False
    ) -> Float[Array, " D"]:
        """One sweep of Gibbs sampling, which leaves p as it is.

        Args:
            x: row of bits.
            key: random key.
            reverse: whether the time reversal of the sweep is drawn (default False).
        """

    @abc.abstractmethod
    def independent(self, bias: Float[Array, " D"]) -> Self:
        """The energy of the same structure whose bits are independent, with log-odds `bias`."""

    @abc.abstractmethod
    def centred(self, gradient: Self, mean: Float[Array, " D"]) -> Self:
        """The direction of a gradient taken in the parametrisation by centred bits, x - mean, in
        which biases and couplings hardly disturb each other (Montavon and Mueller 2012).

        Args:
            gradient: gradient of an objective in these parameters.
            mean: means of the bits; hidden bits have those that belong to them.
        """


def flip_log_ratios(energy: AbstractBinaryEnergy, x: Float[Array, " D"]) -> Float[Array, " D"]:
    """`log phi(x) - log phi(x with bit i flipped)` for every i, nats: all that pseudolikelihood,
    minimum probability flow and ratio matching look at.
    """
    return (2.0 * x - 1.0) * energy.logits(x)


def independent_log_partition(energy: AbstractBinaryEnergy) -> Float[Array, ""]:
    """log Z of an energy whose bits are independent, nats: its weight at 0 and a factor a bit."""
    zero = jnp.zeros(energy.sites)
    return energy.log_weight(zero) + jnp.sum(jax.nn.softplus(energy.logits(zero)))


def independent_bits(bias: Float[Array, " D"], n: int, *, key: Key) -> Float[Array, "n D"]:
    """Rows of independent bits.

    Args:
        bias: log-odds of the bits, `[D]` nats.
        n: number of rows.
        key: random key.
    """
    uniform = jax.random.uniform(key, (n, bias.shape[0]), bias.dtype)
    return (uniform < jax.nn.sigmoid(bias)[None]).astype(bias.dtype)


def between(
    start: AbstractBinaryEnergy, end: AbstractBinaryEnergy, share: Float[Array, ""] | float
) -> AbstractBinaryEnergy:
    """The energy on the straight line between the parameters of two of one structure.

    Args:
        start: energy at share 0.
        end: energy at share 1.
        share: place on the line, 0 to 1.
    """
    return jax.tree.map(lambda a, b: (1.0 - share) * a + share * b, start, end)


def starting_bias(frequencies: Float[Array, " D"], rows: int) -> Float[Array, " D"]:
    """Log-odds of the frequencies of 1 among so many rows, half a row more for 0 and for 1."""
    ones = frequencies * rows + 0.5
    return jnp.log(ones) - jnp.log(rows + 1.0 - ones)
