"""Draws of p p' r / Z for one evidence r: populations of `ProductWalk`, weighed with the other
model's likelihood of their rows.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.model import DiffusionModel
from quasistatic.numerics import LOG_ZERO
from quasistatic.posterior.evidence import AbstractEvidence
from quasistatic.posterior.product import Particles, ProductWalk
from quasistatic.posterior.query import CHUNK, Conditioned
from quasistatic.typing import Array, Key, State


def multiply_rows(
    model: DiffusionModel,
    evidence: AbstractEvidence,
    n_rows: int,
    *,
    expert: DiffusionModel | None,
    log_p: Callable[[State], np.ndarray],
    key: Key,
    particles: int = 64,
    populations: int = 8,
) -> Conditioned:
    """`n_rows` draws of p(x) p'(x) r(x) / Z, exactly that many (none if Z is 0), and log Z = log
    E_p p' r.

    Args:
        model: p.
        evidence: r, of one row.
        n_rows: how many.
        expert: p' for the guide, where it lives in the same space as `model`; None: the last weight
            alone has it.
        log_p: from rows `[N, D]` per block to log of an unbiased estimate of p'(x) `[N]`, nats.
        key: random key.
        particles: P of one population.
        populations: at least this many.
    """
    runs = max(populations, -(-2 * n_rows // particles))
    walk, size = ProductWalk(particles), max(CHUNK // particles, 1)
    parts = []
    for begin in range(0, runs, size):
        index = jnp.arange(begin, begin + size, dtype=jnp.uint32)
        found = _walk_runs(walk, model, expert, evidence, index, jax.random.fold_in(key, 0))
        parts.append(jax.tree.map(lambda x, n=min(size, runs - begin): np.asarray(x)[:n], found))
    whole: Particles = jax.tree.map(lambda *xs: np.concatenate(xs), *parts)
    x_0 = jax.tree.map(lambda x: x.reshape(runs * particles, -1), whole.x_0)
    log_weight = (
        np.asarray(whole.log_weight, np.float64) + np.asarray(whole.total, np.float64)[:, None]
    )
    possible = np.isfinite(log_weight) & (log_weight > 0.1 * LOG_ZERO)
    log_weight = np.where(possible, log_weight + log_p(x_0).reshape(runs, particles), -np.inf)
    return _shared_out(x_0, log_weight, n_rows, key=jax.random.fold_in(key, 1))


@eqx.filter_jit
def _walk_runs(
    walk: ProductWalk,
    model: DiffusionModel,
    expert: DiffusionModel | None,
    evidence: AbstractEvidence,
    index: Array,
    key: Key,
) -> Particles:
    return jax.vmap(lambda i: walk(model, expert, evidence, key=jax.random.fold_in(key, i)))(index)


def _shared_out(x_0: State, log_weight: np.ndarray, n_rows: int, *, key: Key) -> Conditioned:
    """Draws by weight from all particles of all runs `[runs, P]`; the error of log Z is from the
    spread over the runs.
    """
    n = log_weight.size
    highest = log_weight.max()
    if not np.isfinite(highest):
        return Conditioned(jax.tree.map(lambda x: x[:0], x_0), -np.inf, np.nan, 0.0, n)
    weight = np.exp(log_weight - highest)
    z = weight.mean(axis=1)
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)).tolist())
    comb = (np.arange(n_rows) + rng.random()) / max(n_rows, 1)
    chosen = np.searchsorted(np.cumsum(weight) / weight.sum(), comb).clip(0, n - 1)
    chosen = rng.permutation(chosen)
    states = jax.tree.map(lambda x: x[chosen], x_0)
    stderr = float(z.std(ddof=1) / z.mean() / np.sqrt(len(z)))
    ess = float(weight.sum() ** 2 / np.square(weight).sum())
    return Conditioned(states, float(np.log(z.mean()) + highest), stderr, ess, n)
