r"""Twisted sequential Monte Carlo: samples of p~(x_0) ~ p(x_0) r(x_0), and the evidence log Z = log
E_p r, without bias in Z.

P particles walk from T down to 0 by the tilted reverse kernel k~; with the twist psi_t(x_t) = E r
under the model's guess (`posterior/_guide.py`) the intermediate targets and the weights are

    gamma_t(x_t..x_T) = pi(x_T) prod_{s>t} p(x_{s-1}|x_s) psi_t(x_t),       psi_0 = r,
    w_t = p(x_{t-1}|x_t) psi_{t-1}(x_{t-1}) / ( k~(x_{t-1}|x_t) psi_t(x_t) ).

The last target is p(x_0..x_T) r(x_0) for every psi > 0 and every k~, so E Z = E_p r and the
weighted particles converge to the posterior whatever the quality of the guide. Where the effective
sample size of the weights falls below P/2, the particles are resampled (systematically); never on
short walks (`query.walk_of`), of which Z is the mean of independent weights.

For an observed cell without width k~ is the bridge to its value, and the weight p/q of that cell's
noisy path, as in `trajectory.log_weight`: a row that is observed as a whole has its likelihood as
evidence.

Source: Wu et al. 2023 (twisted diffusion sampler); Naesseth, Lindsten, Schoen 2019.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.model import DiffusionModel
from quasistatic.numerics import LOG_ZERO, log_mean_exp
from quasistatic.particles import (
    ParticleState,
    draw,
    effective_sample_size,
    families,
    init,
    of_the_row,
    resample,
)
from quasistatic.posterior._guide import Guess, guess, tilted_kernel
from quasistatic.posterior.evidence.base import AbstractEvidence
from quasistatic.posterior.walks._solved import solved_step, with_pivot
from quasistatic.typing import Array, Float, Int, Key, State, Step

__all__ = [
    "IMPOSSIBLE",
    "LEAST_TWIST",
    "Posterior",
    "TwistedWalk",
    "draw_last",
    "finish",
    "last_step",
]

IMPOSSIBLE = 0.1 * LOG_ZERO
"""A log-weight below this is that of r = 0."""

LEAST_TWIST = -1e4
"""Log-twists are kept above this, nats: a particle that looks impossible half way may yet
arrive."""


class Posterior(NamedTuple):
    """The posterior of one row, as the particles at x_0 have it.

    Args:
        draws: `[P, D]` per block, the first n of them draws of x_0 from the weighted particles; a
            pinned cell holds the middle of its cell.
        log_evidence: log Z, nats; `-inf` if no particle was left (then the draws mean nothing).
        variance: estimate of Var(Z) / Z^2, by the delta method the variance of log Z; NaN of one
            population that was resampled (`Populations` is of several).
        ess: effective sample size of the last weights, between 1 and P.
        ancestors: effective number of first ancestors, between 1 and P: how many independent
            particles there are.
        lowest_ess: the lowest effective sample size on the way.
    """

    draws: State
    log_evidence: Float[Array, ""]
    variance: Float[Array, ""]
    ess: Float[Array, ""]
    ancestors: Float[Array, ""]
    lowest_ess: Float[Array, ""]


class TwistedWalk(eqx.Module):
    """The sampler for one row; call it with `(model, evidence, key=key)`.

    The n draws are taken systematically from the weighted particles, in random order: each has the
    law of a particle drawn by its weight, and as few as possible are taken twice.

    Args:
        particles: number P of particles.
        draws: number n <= P of draws; as an array it is no part of the compiled program.
        threshold: share of P below which the effective sample size makes resample (default 1/2); 0
            for never.
    """

    particles: int = eqx.field(static=True)
    draws: int | Int[Array, ""]
    threshold: float = eqx.field(static=True, default=0.5)

    def __call__(self, model: DiffusionModel, evidence: AbstractEvidence, *, key: Key) -> Posterior:
        n = self.particles
        last_key, walk_key, end_key, draw_key = jax.random.split(key, 4)

        def look(x_t: State, t: Step) -> Guess:
            return jax.vmap(lambda x: guess(model, evidence, x, t))(x_t)

        def walk_on(state: ParticleState, found: Guess, t: Step) -> ParticleState:
            select_key, move_key = jax.random.split(jax.random.fold_in(walk_key, t))
            if self.threshold > 0:
                log_twist = jnp.maximum(found.guided.log_mass, LEAST_TWIST)
                target = state.log_weight + log_twist
                state, found = resample(state, target, found, self.threshold, key=select_key)

            def move(x: State, g: Guess, k: Key) -> tuple[State, Float[Array, ""]]:
                kernel = tilted_kernel(model, g, x, t)
                x_before = kernel.sample(key=k)
                return x_before, jnp.sum(g.reverse.log_prob(x_before) - kernel.log_prob(x_before))

            x_before, gain = jax.vmap(move)(state.x_t, found, jax.random.split(move_key, n))
            return state._replace(x_t=x_before, log_weight=state.log_weight + gain)

        def arrive(state: ParticleState, found: Guess, t: Step) -> ParticleState:
            x_0, final = jax.vmap(lambda g, k: last_step(g, evidence, key=k))(
                found, jax.random.split(end_key, n)
            )
            return state._replace(x_t=x_0, log_weight=state.log_weight - state.log_applied + final)

        def step(state: ParticleState, t: Step) -> tuple[ParticleState, None]:
            return jax.lax.cond(t > 1, walk_on, arrive, state, look(state.x_t, t), t), None

        # The last step too lies within the scan: the network is compiled once.
        begin = of_the_row(init(draw_last(model, n, key=last_key), jnp.zeros(n)), key=key)
        state, _ = jax.lax.scan(step, begin, jnp.arange(model.trajectory_length, 0, -1))
        return finish(state, state.x_t, state.log_weight, self.draws, key=draw_key)


def draw_last(model: DiffusionModel, n: int, *, key: Key) -> State:
    """n states x_T of the prior, `[n, D]` per block."""
    prior = model.forward.prior()
    return jax.vmap(lambda k: prior.sample(key=k))(jax.random.split(key, n))


def last_step(
    found: Guess, evidence: AbstractEvidence, *, key: Key
) -> tuple[State, Float[Array, ""]]:
    """x_0 from p(x_0|x_1) times the evidence, and `log p(x_0|x_1) r(x_0) / k~(x_0|x_1)`; in closed
    form where r has one.

    Args:
        found: guess at x_1.
        evidence: evidence r of the row.
        key: random key of the draw.
    """
    within = with_pivot(evidence)
    if within is not None:
        x_0, log_weight = solved_step(found, within, key=key)
        return x_0, log_weight + evidence.log_residual(x_0)
    x_0 = found.guided.sample(key=key)
    ratio = found.conditioned.log_prob(x_0) - found.guided.log_prob(x_0)
    return x_0, found.conditioned.log_mass + ratio + evidence.log_residual(x_0)


def finish(
    state: ParticleState,
    x_0: State,
    log_weight: Float[Array, " P"],
    draws: int | Int[Array, ""],
    *,
    key: Key,
) -> Posterior:
    """The posterior that particles at x_0 stand for; weights that are not finite, or below
    `IMPOSSIBLE`, are 0.

    Args:
        state: particles on their way, for ancestors and earlier resamplings.
        x_0: states of the particles, `[P, D]` per block.
        log_weight: log-weights of the particles since the last resampling, `[P]` nats.
        draws: number n <= P of draws.
        key: random key of the draws.
    """
    possible = jnp.isfinite(log_weight) & (log_weight > IMPOSSIBLE)
    alive = jnp.any(possible)
    usable = jnp.where(alive, jnp.where(possible, log_weight, -jnp.inf), 0.0)
    found, ess = families(state, usable), effective_sample_size(usable)
    chosen = draw(usable, draws, key=key)
    log_evidence = jnp.where(alive, state.log_z + log_mean_exp(usable), -jnp.inf)
    something = jnp.where(alive, 1.0, 0.0)
    return Posterior(
        jax.tree.map(lambda x: x[chosen], x_0),
        log_evidence,
        found.variance,
        something * ess,
        something * found.effective,
        something * jnp.minimum(state.lowest_ess, ess),
    )
