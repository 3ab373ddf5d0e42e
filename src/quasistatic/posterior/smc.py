r"""Twisted sequential Monte Carlo: samples of p~(x_0) ~ p(x_0) r(x_0), and the evidence log Z = log
E_p r, without bias in Z.

P particles walk from T down to 0 by the tilted reverse kernel k~; with the promise psi_t(x_t) = E r
under the model's guess (`guide.py`) the intermediate targets and the weights are

    gamma_t(x_t..x_T) = pi(x_T) prod_{s>t} p(x_{s-1}|x_s) psi_t(x_t),       psi_0 = r,
    w_t = p(x_{t-1}|x_t) psi_{t-1}(x_{t-1}) / ( k~(x_{t-1}|x_t) psi_t(x_t) ).

The last target is p(x_0..x_T) r(x_0) for every psi > 0 and every k~, so E Z = E_p r and the
weighted particles converge to the posterior whatever the quality of the guide. Where the effective
sample size of the weights falls below P/2, the particles are resampled (systematically).

For an observed cell without width k~ is the bridge to its value, and the weight p/q of that cell's
noisy path, as in `trajectory.log_weight`: a row that is observed as a whole has its likelihood as
evidence.

Source: Wu et al. 2023 (twisted diffusion sampler); Naesseth, Lindsten, Schoen 2019; Lee and
Whiteley 2018 for the error.
"""

from typing import NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.bound.smc import effective_sample_size, is_uneven, systematic_ancestors
from quasistatic.model import DiffusionModel
from quasistatic.numerics import LOG_ZERO
from quasistatic.posterior.evidence import AbstractEvidence
from quasistatic.posterior.guide import Guess, guess, tilted_kernel
from quasistatic.typing import Array, Float, Int, Key, State, Step

Known = TypeVar("Known")

IMPOSSIBLE = 0.1 * LOG_ZERO
"""A log-weight below this is that of r = 0."""

LEAST_PROMISE = -1e4
"""Promises are kept above this, nats: a particle that looks impossible half way may yet arrive."""


class Posterior(NamedTuple):
    """What a population leaves for a row.

    Args:
        draws: `[P, D]` per block, the first n of them draws of x_0 from the weighted particles; a
            pinned cell holds the middle of its cell.
        log_evidence: log Z, nats; `-inf` if no particle was left (then the draws mean nothing).
        variance: estimate of Var(Z) / Z^2 from the families of particles (an upper one; see
            `bound.smc.Population`); by the delta method the variance of log Z.
        ess: effective sample size of the last weights, between 1 and P.
        families: effective number of first ancestors, between 1 and P: how many independent
            particles there are.
        lowest_ess: the lowest effective sample size on the way.
    """

    draws: State
    log_evidence: Float[Array, ""]
    variance: Float[Array, ""]
    ess: Float[Array, ""]
    families: Float[Array, ""]
    lowest_ess: Float[Array, ""]


class Crowd(NamedTuple):
    """Particles on their way, [P] each, and what is known of all of them."""

    x_t: State
    log_weight: Float[Array, " P"]  # log p/k~ of all steps so far
    due: Float[
        Array, " P"
    ]  # the part of log_weight + promise that a resampling has already paid out
    family: Array
    total: Float[Array, ""]
    resamplings: Float[Array, ""]
    lowest: Float[Array, ""]


class TwistedWalk(eqx.Module):
    """The sampler for one row; call it with `(model, evidence, key=key)`.

    The n draws are taken systematically from the weighted particles, in random order: each has the
    law of a particle drawn by its weight, and as few as possible are taken twice.

    Args:
        particles: P.
        draws: n <= P; as an array it is no part of the compiled program.
        threshold: resample below this share of P.
    """

    particles: int = eqx.field(static=True)
    draws: int | Int[Array, ""]
    threshold: float = eqx.field(static=True, default=0.5)

    def __call__(self, model: DiffusionModel, evidence: AbstractEvidence, *, key: Key) -> Posterior:
        n, last = self.particles, model.trajectory_length
        last_key, walk_key, end_key, draw_key = jax.random.split(key, 4)
        x_last = jax.vmap(lambda k: model.forward.prior().sample(key=k))(
            jax.random.split(last_key, n)
        )

        def look(x_t: State, t: Step) -> Guess:
            return jax.vmap(lambda x: guess(model, evidence, x, t))(x_t)

        def step(crowd: Crowd, t: Step) -> tuple[Crowd, None]:
            select_key, move_key = jax.random.split(jax.random.fold_in(walk_key, t))
            found = look(crowd.x_t, t)
            promise = jnp.maximum(found.guided.log_mass, LEAST_PROMISE)
            crowd, found = resampled(crowd, promise, found, self.threshold, key=select_key)

            def move(x: State, g: Guess, k: Key) -> tuple[State, Array]:
                kernel = tilted_kernel(model, g, x, t)
                x_before = kernel.sample(key=k)
                return x_before, jnp.sum(g.reverse.log_prob(x_before) - kernel.log_prob(x_before))

            x_before, gain = jax.vmap(move)(crowd.x_t, found, jax.random.split(move_key, n))
            return crowd._replace(x_t=x_before, log_weight=crowd.log_weight + gain), None

        crowd, _ = jax.lax.scan(step, newcomers(x_last, n), jnp.arange(last, 1, -1))
        found = look(crowd.x_t, 1)
        x_0, final = jax.vmap(lambda g, k: arrived(g, evidence, key=k))(
            found, jax.random.split(end_key, n)
        )
        log_weight = crowd.log_weight - crowd.due + final
        return summary(crowd, x_0, log_weight, self.draws, key=draw_key)


def resampled(
    crowd: Crowd, promise: Float[Array, " P"], known: Known, threshold: float, *, key: Key
) -> tuple[Crowd, Known]:
    """The crowd after resampling by weight and promise, if its effective sample size is below
    `threshold` P.

    Args:
        crowd: the particles.
        promise: log psi_t of each, nats.
        known: whatever else belongs to the particles, arrays with the leading axis P; it follows
            them.
        threshold: share of P.
        key: random key.
    """
    n = promise.shape[0]
    preference = crowd.log_weight + promise - crowd.due
    ess = effective_sample_size(preference)
    uneven = is_uneven(ess, threshold, n)
    ancestors = jnp.where(uneven, systematic_ancestors(preference, key=key), jnp.arange(n))
    x_t, log_weight, promise, due, family, known = jax.tree.map(
        lambda x: x[ancestors],
        (crowd.x_t, crowd.log_weight, promise, crowd.due, crowd.family, known),
    )
    kept = Crowd(
        x_t,
        log_weight,
        jnp.where(uneven, log_weight + promise, due),
        family,
        crowd.total + jnp.where(uneven, _log_mean(preference), 0.0),
        crowd.resamplings + uneven.astype(jnp.float32),
        jnp.minimum(crowd.lowest, ess),
    )
    return kept, known


def arrived(
    found: Guess, evidence: AbstractEvidence, *, key: Key
) -> tuple[State, Float[Array, ""]]:
    """x_0 from p(x_0|x_1) times the evidence, and `log p(x_0|x_1) r(x_0) / k~(x_0|x_1)`; in closed
    form where r has one.

    Args:
        found: what is guessed at x_1.
        evidence: r.
        key: random key.
    """
    x_0 = found.guided.sample(key=key)
    ratio = found.conditioned.log_prob(x_0) - found.guided.log_prob(x_0)
    return x_0, found.conditioned.log_mass + ratio + evidence.log_residual(x_0)


def summary(
    crowd: Crowd,
    x_0: State,
    log_weight: Float[Array, " P"],
    draws: int | Int[Array, ""],
    *,
    key: Key,
) -> Posterior:
    """What is left of a population at x_0; weights that are not finite, or below `IMPOSSIBLE`, are
    0.

    Args:
        crowd: families, the normaliser of earlier resamplings, and what else is known of all
            particles.
        x_0: the particles.
        log_weight: theirs since the last resampling.
        draws: how many are taken, n <= P.
        key: random key.
    """
    n = log_weight.shape[0]
    possible = jnp.isfinite(log_weight) & (log_weight > IMPOSSIBLE)
    alive = jnp.any(possible)
    usable = jnp.where(alive, jnp.where(possible, log_weight, -jnp.inf), 0.0)
    kin = jax.ops.segment_sum(jax.nn.softmax(usable), crowd.family, n)
    same = jnp.sum(jnp.square(kin))
    inflation = (crowd.resamplings + 1.0) * -jnp.log1p(-1.0 / n) if n > 1 else jnp.nan
    variance = jnp.maximum(1.0 - jnp.exp(inflation) * (1.0 - same), 0.0)
    ess = effective_sample_size(usable)
    chosen = _picked(usable, draws, key=key)
    log_evidence = jnp.where(alive, crowd.total + _log_mean(usable), -jnp.inf)
    something = jnp.where(alive, 1.0, 0.0)
    return Posterior(
        jax.tree.map(lambda x: x[chosen], x_0),
        log_evidence,
        variance,
        something * ess,
        something / same,
        something * jnp.minimum(crowd.lowest, ess),
    )


def newcomers(x_t: State, n: int) -> Crowd:
    """A crowd of n particles that have not moved yet."""
    nothing, zero = jnp.zeros(n), jnp.zeros(())
    return Crowd(x_t, nothing, nothing, jnp.arange(n), zero, zero, jnp.full((), float(n)))


def _picked(
    log_weight: Float[Array, " P"], n: int | Int[Array, ""], *, key: Key
) -> Int[Array, " P"]:
    """Indices of particles; the first n are taken systematically by weight and stand in random
    order.
    """
    comb_key, order_key = jax.random.split(key)
    place = jnp.arange(log_weight.shape[0])
    edges = jnp.cumsum(jax.nn.softmax(log_weight))
    comb = (place.astype(jnp.float32) + jax.random.uniform(comb_key)) / jnp.asarray(n, jnp.float32)
    order = jnp.argsort(jnp.where(place < n, jax.random.uniform(order_key, place.shape), 2.0))
    return jnp.clip(jnp.searchsorted(edges / edges[-1], comb), 0, log_weight.shape[0] - 1)[order]


def _log_mean(log_weight: Float[Array, " P"]) -> Float[Array, ""]:
    return jax.nn.logsumexp(log_weight) - jnp.log(float(log_weight.shape[0]))
