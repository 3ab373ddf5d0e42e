r"""What is believed of x_0 at step t: the model's guess p(x_0|x_t), column by column, times
evidence of closed form.

A step of the chain guesses x_0 and walks back from there (`forward.bridge`); to condition the step
is to condition the guess. A belief is a guess that can be multiplied with evidence, stays
normalised and keeps the logarithm of the mass that was left,

    log_mass = log E_{p(x_0|x_t)} r(x_0).

A continuous column is a normal distribution cut to an interval, or pinned to a cell
(`numbers.py`); a discrete one a table of probabilities (`states.py`).
"""

import abc
from collections.abc import Callable
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.data.cells import Cells
from quasistatic.typing import Array, Float, Key, State

__all__ = ["AbstractBelief", "Belief"]


class AbstractBelief(eqx.Module):
    """What is believed of the columns of one block: independent columns, normalised."""

    @abc.abstractmethod
    def log_prob(self, x: Array) -> Float[Array, " D"]:
        """log-density or log-probability of x, nats per column; 0 where a column is known."""

    @abc.abstractmethod
    def sample(self, *, key: Key) -> Array:
        """A draw [D]; the middle of its cell where a column is known."""

    @abc.abstractmethod
    def best(self) -> Array:
        """One likely value of each column [D]."""

    @abc.abstractmethod
    def observe(self, cells: Cells) -> tuple[Self, Float[Array, " D"]]:
        """The belief given the observed cells, and the log-mass of each column, nats."""

    @abc.abstractmethod
    def expand(self, log_r: Callable[[Array], Array], at: Array) -> Self:
        """The belief times about r, column by column, by what changes of one column do to `log_r`
        of the block at the state `at`.
        """

    @abc.abstractmethod
    def between(self, at: Array, proposed: Array, share: Array) -> Array:
        """The state a share of the way from `at` to `proposed`; discrete columns stay `at`."""

    @abc.abstractmethod
    def merged(self, weights: Float[Array, " C"]) -> Self:
        """One belief in place of C (every array of `self` has a leading axis [C]), with the moments
        of their mixture, or its probabilities, in every column.
        """


class Belief(eqx.Module):
    """A belief of a whole row: one of each block, and the log-mass of the evidence so far, nats."""

    parts: tuple[AbstractBelief, ...]
    log_mass: Float[Array, ""]

    @classmethod
    def of(cls, parts: tuple[AbstractBelief, ...]) -> Self:
        """A belief without evidence."""
        return cls(parts, jnp.zeros(()))

    def updated(self, block: int, part: AbstractBelief, gain: Float[Array, " D"]) -> Self:
        """With another belief of one block.

        Args:
            block: number of the block.
            part: belief that takes the place of the block's own.
            gain: log-mass of the change per column, `[D]` nats.
        """
        parts = (*self.parts[:block], part, *self.parts[block + 1 :])
        return type(self)(parts, self.log_mass + jnp.sum(gain))

    def weighted(self, gain: Float[Array, ""]) -> Self:
        """The same with its log-mass grown by `gain`, nats."""
        return type(self)(self.parts, self.log_mass + gain)

    def sample(self, *, key: Key) -> State:
        """A draw of x_0."""
        return tuple(p.sample(key=jax.random.fold_in(key, i)) for i, p in enumerate(self.parts))

    def log_prob(self, x_0: State) -> Float[Array, ""]:
        """log-density of x_0, columns that are known left out, nats."""
        return jnp.sum(
            jnp.concatenate([p.log_prob(x) for p, x in zip(self.parts, x_0, strict=True)])
        )

    def best(self) -> State:
        """One likely x_0."""
        return tuple(part.best() for part in self.parts)
