"""Numbers of a row within limits: linear forms of several columns, whatever they are made from."""

from collections.abc import Callable
from typing import Self

import equinox as eqx
import jax.numpy as jnp

from quasistatic.belief import Belief
from quasistatic.numerics import LOG_ZERO
from quasistatic.posterior.evidence._expansion import guide_by_expansion
from quasistatic.posterior.evidence.base import AbstractOpenEvidence
from quasistatic.typing import Array, Float, State

__all__ = ["Within"]


class Within(AbstractOpenEvidence):
    """`r(x_0) = 1` where every number lies within its limits, 0 elsewhere.

    The guide is `exp(-(distance / scale)^2 / 2)`, of the numbers before they are rounded.

    Args:
        numbers: function of a state, and of whether columns are rounded to their lattice, to the R
            numbers.
        low: lower limits, `[R]`, minus infinity for none.
        high: upper limits, `[R]`, infinity for none.
        scale: distances beyond the limits at which the guide falls, `[R]`.
    """

    numbers: Callable[[State, bool], Array] = eqx.field(static=True)
    low: Float[Array, "... R"]
    high: Float[Array, "... R"]
    scale: Float[Array, "... R"]

    def log_prob(self, x_0: State) -> Float[Array, ""]:
        numbers = self.numbers(x_0, True)
        return jnp.where(jnp.all((numbers >= self.low) & (numbers <= self.high)), 0.0, LOG_ZERO)

    def guide(self, belief: Belief) -> Belief:
        def times_about(at: State) -> Belief:
            found = belief
            for i, part in enumerate(belief.parts):
                found = found.updated(i, part.expand(self._of_block(i, at), at[i]), jnp.zeros(1))
            return found

        return guide_by_expansion(belief, self._smooth, times_about, expansions=1)

    def _smooth(self, x_0: State) -> Float[Array, ""]:
        numbers = self.numbers(x_0, False)
        beyond = jnp.maximum(self.low - numbers, 0.0) + jnp.maximum(numbers - self.high, 0.0)
        return jnp.maximum(-0.5 * jnp.sum(jnp.square(beyond / self.scale)), LOG_ZERO)

    def _of_block(self, i: int, at: State) -> Callable[[Array], Array]:
        """The guide's log r of the state of block i, the other blocks where they are."""
        return lambda x: self._smooth((*at[:i], x, *at[i + 1 :]))

    def tempered(self, share: Float[Array, ""]) -> Self:
        return self
