"""Draws of the posterior of ONE piece of evidence, from several independent populations: p r / Z,
or p p' r / Z of two models.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.forward import tabulated
from quasistatic.model import DiffusionModel
from quasistatic.particles import combine, share_out
from quasistatic.posterior.evidence.base import AbstractEvidence
from quasistatic.posterior.query import (
    CHUNK,
    SHORT,
    Posteriors,
    numbers_among_equals,
    walk_rows,
)
from quasistatic.posterior.walks.ordered import OrderedWalk, is_absorbing
from quasistatic.posterior.walks.product import ProductParticles, ProductWalk
from quasistatic.posterior.walks.twisted import IMPOSSIBLE, TwistedWalk
from quasistatic.rows import in_chunks, joined
from quasistatic.typing import Array, Key, State

__all__ = ["condition_rows", "product_rows"]


def condition_rows(
    model: DiffusionModel,
    evidence: AbstractEvidence,
    n_rows: int,
    *,
    key: Key,
    particles: int = 64,
    populations: int = 8,
) -> Posteriors:
    """`n_rows` draws of the posterior of one piece of evidence, exactly that many (none if the
    evidence is impossible), and log Z.

    Independent populations are run, at least so many that there are two particles for each draw;
    the draws are shared out among the populations in proportion to their Z, so that the bias of one
    small population is that of all particles together.

    Args:
        model: model p.
        evidence: evidence r of one row (no leading axis).
        n_rows: number n of draws.
        key: random key of populations and draws.
        particles: number P of particles of a population (default 64).
        populations: number of populations, at least (default 8).

    Returns:
        Of N = 1; its error is that of the spread of the populations, its `particles` are those of
        all of them.
    """
    runs = _populations(n_rows, particles, populations)
    same, numbers = np.zeros(runs, np.uint32), np.arange(runs, dtype=np.uint32)
    n = jnp.asarray(particles, jnp.int32)
    threshold = 0.0 if model.trajectory_length <= SHORT else 0.5
    walk = (
        OrderedWalk(particles, n)
        if is_absorbing(model)
        else TwistedWalk(particles, n, threshold=threshold)
    )
    found = walk_rows(walk, model, evidence, same, numbers, key, CHUNK, shared=True)
    if found.impossible.all():
        return _nothing(jax.tree.map(lambda x: x[0], found.draws), runs * particles)
    z = np.exp(found.log_evidence - found.log_evidence.max())
    rng = _generator(jax.random.fold_in(key, 1))
    run = share_out(z, n_rows, rng)
    place = numbers_among_equals(run) % particles
    order = rng.permutation(n_rows)
    whole = combine(*(x[None] for x in (found.log_evidence, found.ess, found.stderr**2)))
    return Posteriors(
        jax.tree.map(lambda x: x[run[order], place[order]][None], found.draws),
        whole.log_z,
        whole.stderr,
        whole.ess,
        found.lowest_ess[found.ess > 0].min(keepdims=True),
        runs * particles,
    )


def product_rows(
    model: DiffusionModel,
    evidence: AbstractEvidence,
    n_rows: int,
    *,
    expert: DiffusionModel | None,
    log_p: Callable[[State], np.ndarray],
    key: Key,
    particles: int = 64,
    populations: int = 8,
) -> Posteriors:
    """`n_rows` draws of p(x) p'(x) r(x) / Z, exactly that many (none if Z is 0), and log Z = log
    E_p p' r.

    Args:
        model: model p.
        evidence: evidence r of one row (no leading axis).
        n_rows: number n of draws.
        expert: model p' for the guide, where it lives in the same space as `model`; None: the last
            weight alone has it.
        log_p: function from rows `[N, D]` per block to log of an unbiased estimate of p'(x), `[N]`
            nats.
        key: random key of populations and draws.
        particles: number P of particles of a population (default 64).
        populations: number of populations, at least (default 8).

    Returns:
        Of N = 1; its error is that of the spread of the populations, its `particles` are those of
        all of them.
    """
    runs = _populations(n_rows, particles, populations)
    walk, walk_key = ProductWalk(particles), jax.random.fold_in(key, 0)

    def program(index: np.ndarray) -> ProductParticles:
        numbers = jnp.asarray(index, jnp.uint32)
        return _walk_runs(walk, model, expert, evidence, numbers, walk_key)

    whole: Any = joined(in_chunks(program, runs, max(CHUNK // particles, 1)))
    x_0 = jax.tree.map(lambda x: x.reshape(runs * particles, -1), whole.x_0)
    log_weight = np.asarray(whole.log_weight, np.float64) + np.asarray(whole.log_z)[:, None]
    possible = np.isfinite(log_weight) & (log_weight > IMPOSSIBLE)
    log_weight = np.where(possible, log_weight + log_p(x_0).reshape(runs, particles), -np.inf)
    return _drawn(x_0, log_weight, n_rows, key=jax.random.fold_in(key, 1))


def _populations(n_rows: int, particles: int, least: int) -> int:
    """So many that there are two particles for each draw."""
    return max(least, -(-2 * n_rows // particles))


@eqx.filter_jit
def _walk_runs(
    walk: ProductWalk,
    model: DiffusionModel,
    expert: DiffusionModel | None,
    evidence: AbstractEvidence,
    index: Array,
    key: Key,
) -> ProductParticles:
    model, expert = tabulated((model, expert))
    return jax.vmap(lambda i: walk(model, expert, evidence, key=jax.random.fold_in(key, i)))(index)


def _drawn(
    x_0: tuple[np.ndarray, ...], log_weight: np.ndarray, n_rows: int, *, key: Key
) -> Posteriors:
    """Draws by weight from all particles of all runs `[runs, P]`; the error of log Z is from the
    spread over the runs.
    """
    n, highest = log_weight.size, log_weight.max()
    if not np.isfinite(highest):
        return _nothing(x_0, n)
    weight = np.exp(log_weight - highest)
    z = weight.mean(axis=1)
    rng = _generator(key)
    chosen = rng.permutation(share_out(weight, n_rows, rng))
    stderr = z.std(ddof=1) / z.mean() / np.sqrt(len(z))
    ess = weight.sum() ** 2 / np.square(weight).sum()
    numbers = np.log(z.mean()) + highest, stderr, ess, ess
    draws = jax.tree.map(lambda x: x[chosen][None], x_0)
    return Posteriors(draws, *(np.array([x], np.float64) for x in numbers), particles=n)


def _generator(key: Key) -> np.random.Generator:
    return np.random.default_rng(np.asarray(jax.random.key_data(key)).tolist())


def _nothing(states: tuple[np.ndarray, ...], particles: int) -> Posteriors:
    """What is found of impossible evidence: no draw; the states `[n, D]` give the shapes."""
    nothing = np.zeros(1)
    draws = tuple(x[None, :0] for x in states)
    return Posteriors(draws, nothing - np.inf, nothing + np.nan, nothing, nothing, particles)
