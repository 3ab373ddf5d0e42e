"""Evidence on discrete columns: a likelihood for each state; flipped bits and confused categories
are cases of it.
"""

from typing import Self

import equinox as eqx
import jax.numpy as jnp

from quasistatic.belief import Belief, StateBelief
from quasistatic.numerics import LOG_ZERO
from quasistatic.posterior.evidence.base import AbstractClosedEvidence
from quasistatic.typing import Array, ArrayLike, Float, State

__all__ = ["Soft"]


class Soft(AbstractClosedEvidence):
    """`r(x_0) = prod_d r_d(x_d)`, a table of the states; only ratios within a column matter to the
    posterior.

    Args:
        log_r: log r of every state, `[D, K]` nats; 0 for a column without evidence, `LOG_ZERO` for
            an impossible state.
        block: number of the discrete block (default 0).
    """

    log_r: Float[Array, "... D K"]
    block: int = eqx.field(static=True, default=0)

    @classmethod
    def of(cls, r: ArrayLike, block: int = 0) -> Self:
        """From r itself, [D, K]."""
        r = jnp.asarray(r, jnp.float32)
        return cls(jnp.where(r > 0, jnp.log(jnp.maximum(r, 1e-37)), LOG_ZERO), block)

    @classmethod
    def confused(
        cls, seen: ArrayLike, matrix: ArrayLike, where: ArrayLike | None = None, block: int = 0
    ) -> Self:
        """Categories seen through a confusion matrix.

        Args:
            seen: states that were seen, int `[D]`.
            matrix: P(seen = j | true = k), `[D, k, j]`.
            where: which columns were seen, bool `[D]` (default None: all).
            block: number of the discrete block (default 0).
        """
        seen, matrix = jnp.asarray(seen, jnp.int32), jnp.asarray(matrix, jnp.float32)
        r = jnp.take_along_axis(matrix, seen[:, None, None], axis=-1)[:, :, 0]
        return cls.of(r if where is None else jnp.where(jnp.asarray(where)[:, None], r, 1.0), block)

    @classmethod
    def flipped(cls, seen: ArrayLike, rate: ArrayLike, block: int = 0) -> Self:
        """Bits [D] of which each was flipped with probability `rate`, one or per column."""
        seen = jnp.asarray(seen, jnp.int32)
        rate = jnp.broadcast_to(jnp.asarray(rate, jnp.float32), seen.shape)
        stay = jnp.stack([1.0 - rate, rate], axis=-1)
        return cls.confused(seen, jnp.stack([stay, stay[:, ::-1]], axis=1), block=block)

    def log_prob(self, x_0: State) -> Float[Array, ""]:
        x = x_0[self.block]
        return jnp.sum(jnp.take_along_axis(self.log_r, x[:, None], axis=-1))

    def condition(self, belief: Belief) -> Belief:
        part = belief.parts[self.block]
        assert isinstance(part, StateBelief)
        return belief.updated(self.block, *part.times(self.log_r))

    def tempered(self, share: Float[Array, ""]) -> Self:
        return type(self)(
            jnp.where(self.log_r > 0.5 * LOG_ZERO, share * self.log_r, LOG_ZERO), self.block
        )
