r"""Several independent populations for one row: what they find together, and how far they differ.

    Z = mean_r Z_r,     Var log Z ~ sum_r (Z_r - Z)^2 / (R (R - 1) Z^2),     R populations,

by the delta method. Particles that were resampled have no other error: they have ancestors in
common, systematically resampled ones more evenly than by chance, and no estimate from one such
population is near its variance. As `E Z_r f(x_0 drawn from r) = E_p r f`, draws that populations
share in proportion to their Z_r converge to the posterior as R grows, however small each is; what a
population that went astray makes of its draws counts as little as its Z_r.

Source: Verge, Dubarry, Del Moral, Moulines (2015), on island particle models.
"""

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.model import DiffusionModel
from quasistatic.numerics import log_mean_exp
from quasistatic.particles import draw
from quasistatic.posterior.evidence.base import AbstractEvidence
from quasistatic.posterior.walks.twisted import Posterior, TwistedWalk
from quasistatic.typing import Array, Float, Int, Key

__all__ = ["Populations"]


class Populations(eqx.Module):
    """The sampler for one row; call it with `(model, evidence, key=key)`.

    Args:
        size: number of particles of a population.
        runs: number R of populations, at least 2.
        draws: number n <= R x size of draws: systematically from all populations, in random order;
            as an array it is no part of the compiled program.
    """

    size: int = eqx.field(static=True)
    runs: int = eqx.field(static=True)
    draws: int | Int[Array, ""]

    @property
    def particles(self) -> int:
        """Number of particles of all populations."""
        return self.size * self.runs

    def __call__(self, model: DiffusionModel, evidence: AbstractEvidence, *, key: Key) -> Posterior:
        walk_key, draw_key = jax.random.split(key)
        walk = TwistedWalk(self.size, self.size)
        keys = jax.random.split(walk_key, self.runs)
        found = jax.vmap(lambda k: walk(model, evidence, key=k))(keys)
        alive = jnp.any(jnp.isfinite(found.log_evidence))
        log_z = jnp.where(alive, found.log_evidence, 0.0)
        z = jnp.exp(log_z - jnp.max(log_z))
        # The draws of a population are equally likely ones of it.
        chosen = draw(jnp.repeat(log_z, self.size), self.draws, key=draw_key)
        log_mean = jnp.where(alive, log_mean_exp(log_z), -jnp.inf)
        variance = jnp.var(z, ddof=1) / jnp.square(jnp.mean(z)) / self.runs
        return Posterior(
            jax.tree.map(lambda x: x.reshape(self.particles, *x.shape[2:])[chosen], found.draws),
            log_mean,
            jnp.where(alive, variance, jnp.nan),
            _together(z, found.ess),
            _together(z, found.ancestors),
            _together(z, found.lowest_ess),
        )


def _together(z: Float[Array, " R"], ess: Float[Array, " R"]) -> Float[Array, ""]:
    """The effective number of particles of all populations, by those of each; 0 of none."""
    parts = jnp.where(ess > 0, jnp.square(z) / jnp.maximum(ess, 1.0), 0.0)
    return jnp.where(
        jnp.any(ess > 0), jnp.square(jnp.sum(z)) / jnp.maximum(jnp.sum(parts), 1e-30), 0.0
    )
