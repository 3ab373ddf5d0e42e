"""Noisy observation of continuous cells, in the model's space or in the table's own units."""

from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.belief import Belief, NormalBelief
from quasistatic.numerics import log_normal_density
from quasistatic.posterior.decode import Units
from quasistatic.posterior.evidence._expansion import guide_by_expansion
from quasistatic.posterior.evidence.base import AbstractClosedEvidence, AbstractOpenEvidence
from quasistatic.typing import Array, ArrayLike, Bool, Float, State

__all__ = ["Measured", "Noisy"]


class Noisy(AbstractClosedEvidence):
    """y = x + e, e ~ N(0, sigma^2), in the model's space: `r(x_0) = prod_d N(y_d; x_d, sigma_d^2)`
    over the cells that were seen.

    Args:
        y: observed values, `[D]`.
        log_variance: log sigma^2 of each cell, `[D]`.
        seen: which cells were seen, bool `[D]`.
        block: number of the continuous block (default 0).
    """

    y: Float[Array, "... D"]
    log_variance: Float[Array, "... D"]
    seen: Bool[Array, "... D"]
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
        terms = log_normal_density(self.y, x_0[self.block], self.log_variance)
        return jnp.sum(jnp.where(self.seen, terms, 0.0))

    def condition(self, belief: Belief) -> Belief:
        part = belief.parts[self.block]
        assert isinstance(part, NormalBelief)
        return belief.updated(self.block, *part.times_normal(self.seen, self.y, self.log_variance))

    def tempered(self, share: Float[Array, ""]) -> Self:
        # A factor that does not depend on x is left out: N^share is N of the variance / share, but
        # for its height.
        return type(self)(self.y, self.log_variance - jnp.log(share), self.seen, self.block)


class Measured(AbstractOpenEvidence):
    """y = value(z) + e, e ~ N(0, sigma^2) in the table's units, where z -> value is the codec's
    curve: `r(x_0) = prod_d N(y_d; value_d(z_d), sigma_d^2)` over the cells that were seen.

    The guide takes the curve as straight at the believed mean, three times (Newton's method); the
    weight has the rest.

    Args:
        y: observed values, in the columns' units, `[D]`.
        sigma: standard deviation of the noise, in the same units, `[D]`.
        seen: which cells were seen, bool `[D]`.
        units: curves of the D columns.
        block: number of the continuous block (default 0).
    """

    y: Float[Array, "... D"]
    sigma: Float[Array, "... D"]
    seen: Bool[Array, "... D"]
    units: Units
    block: int = eqx.field(static=True, default=0)

    def log_prob(self, x_0: State) -> Float[Array, ""]:
        value = self.units.values(x_0[self.block])
        terms = log_normal_density(self.y, value, 2.0 * jnp.log(self.sigma))
        return jnp.sum(jnp.where(self.seen, terms, 0.0))

    def guide(self, belief: Belief) -> Belief:
        part = belief.parts[self.block]
        assert isinstance(part, NormalBelief)

        def times_about(state: State) -> Belief:
            at = state[self.block]
            value, rate = jax.jvp(self.units.values, (at,), (jnp.ones_like(at),))
            seen_z = at + jnp.clip((self.y - value) / rate, -6.0, 6.0)
            log_noise = 2.0 * (jnp.log(self.sigma) - jnp.log(rate))
            straight = part.times_normal(self.seen, seen_z, log_noise)[0]
            return belief.updated(self.block, straight, jnp.zeros(1))

        return guide_by_expansion(belief, self.log_prob, times_about)

    def tempered(self, share: Float[Array, ""]) -> Self:
        return eqx.tree_at(lambda r: r.sigma, self, self.sigma / jnp.sqrt(share))
