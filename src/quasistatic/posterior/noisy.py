"""Noisy observation of continuous cells: y = x + e, e ~ N(0, sigma^2), sigma known per cell."""

from typing import Self

import equinox as eqx
import jax.numpy as jnp

from quasistatic.numerics import log_normal_density
from quasistatic.posterior.belief import Belief, NormalBelief
from quasistatic.posterior.evidence import AbstractClosedEvidence, block_of
from quasistatic.typing import Array, ArrayLike, Bool, Float, State


class Noisy(AbstractClosedEvidence):
    """`r(x_0) = prod_d N(y_d; x_d, sigma_d^2)` over the cells that were seen, in the model's space.

    Args:
        y: what was seen [D].
        log_variance: log sigma^2 [D].
        seen: which cells [D].
        block: the continuous block.
    """

    y: Float[Array, " D"]
    log_variance: Float[Array, " D"]
    seen: Bool[Array, " D"]
    block: int = eqx.field(static=True, default=0)

    @classmethod
    def of(
        cls, y: ArrayLike, sigma: ArrayLike, seen: ArrayLike | None = None, block: int = 0
    ) -> Self:
        """From the standard deviation sigma > 0, one or per cell; all cells are seen by default."""
        y = jnp.asarray(y, jnp.float32)
        log_variance = jnp.broadcast_to(2.0 * jnp.log(jnp.asarray(sigma, jnp.float32)), y.shape)
        return cls(
            y, log_variance, jnp.ones(y.shape, bool) if seen is None else jnp.asarray(seen), block
        )

    def log_prob(self, x_0: State) -> Float[Array, ""]:
        terms = log_normal_density(self.y, block_of(x_0, self.block), self.log_variance)
        return jnp.sum(jnp.where(self.seen, terms, 0.0))

    def condition(self, belief: Belief) -> Belief:
        part = belief.parts[self.block]
        assert isinstance(part, NormalBelief)
        return belief.updated(self.block, *part.times_normal(self.seen, self.y, self.log_variance))

    def tempered(self, share: Float[Array, ""]) -> Self:
        # A factor that does not depend on x is left out: N^share is N of the variance / share, but
        # for its height.
        return type(self)(self.y, self.log_variance - jnp.log(share), self.seen, self.block)
