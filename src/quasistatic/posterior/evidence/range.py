"""Ranges of continuous columns: low <= x <= high, either of them infinite."""

from typing import Self

import equinox as eqx
import jax.numpy as jnp

from quasistatic.belief import Belief, NormalBelief
from quasistatic.numerics import LOG_ZERO
from quasistatic.posterior.evidence.base import AbstractClosedEvidence
from quasistatic.typing import Array, ArrayLike, Float, State

__all__ = ["Range"]


class Range(AbstractClosedEvidence):
    """`r(x_0) = 1` where every column lies in its interval, 0 elsewhere; log E r is the
    log-probability of the box.

    Args:
        low: lower edge of each column, `[D]`, minus infinity for none.
        high: upper edge of each column, `[D]`, infinity for none.
        block: number of the continuous block (default 0).
    """

    low: Float[Array, "... D"]
    high: Float[Array, "... D"]
    block: int = eqx.field(static=True, default=0)

    @classmethod
    def of(cls, low: ArrayLike, high: ArrayLike, block: int = 0) -> Self:
        """From the edges [D]."""
        return cls(jnp.asarray(low, jnp.float32), jnp.asarray(high, jnp.float32), block)

    def log_prob(self, x_0: State) -> Float[Array, ""]:
        x = x_0[self.block]
        return jnp.sum(jnp.where((x >= self.low) & (x <= self.high), 0.0, LOG_ZERO))

    def condition(self, belief: Belief) -> Belief:
        part = belief.parts[self.block]
        assert isinstance(part, NormalBelief)
        return belief.updated(self.block, *part.cut(self.low, self.high))

    def tempered(self, share: Float[Array, ""]) -> Self:
        return self
