"""Noisy observation in the table's own units: y = value(z) + e, e ~ N(0, sigma^2), where z -> value
is the codec's curve.
"""

from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.numerics import log_normal_density
from quasistatic.posterior.belief import Belief, NormalBelief, best_step, log_expectation
from quasistatic.posterior.evidence import AbstractOpenEvidence, block_of
from quasistatic.posterior.units import Units
from quasistatic.typing import Array, Bool, Float, State

EXPANSIONS = 3
"""Times that the curve is made straight."""


class Measured(AbstractOpenEvidence):
    """`r(x_0) = prod_d N(y_d; value_d(z_d), sigma_d^2)` over the cells that were seen.

    The guide takes the curve as straight at the believed mean, three times (Newton's method); the
    weight has the rest.

    Args:
        y: what was seen, in the columns' units [D].
        sigma: in the same units [D].
        seen: which cells [D].
        units: the curves.
    """

    y: Float[Array, " D"]
    sigma: Float[Array, " D"]
    seen: Bool[Array, " D"]
    units: Units

    def log_prob(self, x_0: State) -> Float[Array, ""]:
        value = self.units.values(block_of(x_0, 0))
        terms = log_normal_density(self.y, value, 2.0 * jnp.log(self.sigma))
        return jnp.sum(jnp.where(self.seen, terms, 0.0))

    def guide(self, belief: Belief) -> Belief:
        part = belief.parts[0]
        assert isinstance(part, NormalBelief)
        found, state = belief, belief.best()
        for _ in range(EXPANSIONS):
            state = best_step(belief, self.log_prob, state, found.best())
            at = block_of(state, 0)
            value, rate = jax.jvp(self.units.values, (at,), (jnp.ones_like(at),))
            seen_z = at + jnp.clip((self.y - value) / rate, -6.0, 6.0)
            log_noise = 2.0 * (jnp.log(self.sigma) - jnp.log(rate))
            found = belief.updated(
                0, part.times_normal(self.seen, seen_z, log_noise)[0], jnp.zeros(1)
            )
        return found.updated(0, found.parts[0], log_expectation(belief, found, self.log_prob)[None])

    def tempered(self, share: Float[Array, ""]) -> Self:
        return eqx.tree_at(lambda r: r.sigma, self, self.sigma / jnp.sqrt(share))
