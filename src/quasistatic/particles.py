r"""The parts that every sequential Monte Carlo sampler is made of: weighted particles, systematic
resampling, effective sample size, the error from families, the mean of several populations.

P particles walk from t = T down to 0. After each step their weights are those of an intermediate
target; a sampler says what the target is (`bound/smc.py`, `posterior/walks/`), all else is here. Z,
the mean of the weights times the means at all resamplings, estimates the last target's normaliser
without bias, for every intermediate one.

Source: Del Moral (2004); Carpenter et al. (1999) for systematic resampling.
"""

from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.numerics import log_mean_exp
from quasistatic.typing import Array, Bool, Float, Int, Key

__all__ = [
    "Combined",
    "Families",
    "Known",
    "ParticleState",
    "combine",
    "draw",
    "effective_sample_size",
    "families",
    "init",
    "is_uneven",
    "of_the_row",
    "resample",
    "share_out",
    "systematic",
]

Known = TypeVar("Known")


class ParticleState(NamedTuple):
    """P particles of one row on their way, and what is known of all of them.

    Args:
        x_t: states of the particles, arrays with the leading axis P.
        log_weight: log of model over proposal of all steps so far, `[P]` nats.
        log_applied: the part of the log-target that earlier resamplings have applied, `[P]` nats.
        ancestors: number of each particle's first ancestor, int `[P]`.
        log_z: log of the mean weights at the resamplings so far, nats.
        n_resampled: number of resamplings so far.
        lowest_ess: lowest effective sample size so far.
    """

    x_t: Any
    log_weight: Float[Array, " P"]
    log_applied: Float[Array, " P"]
    ancestors: Int[Array, " P"]
    log_z: Float[Array, ""]
    n_resampled: Float[Array, ""]
    lowest_ess: Float[Array, ""]


def init(x_t: Any, log_weight: Float[Array, " P"]) -> ParticleState:
    """Particles that have not moved yet.

    Args:
        x_t: states of the particles, arrays with the leading axis P.
        log_weight: log-weights to begin with, `[P]` nats.
    """
    n, zero = log_weight.shape[0], jnp.zeros(())
    nothing = jnp.zeros(n)
    return ParticleState(
        x_t, log_weight, nothing, jnp.arange(n), zero, zero, jnp.full((), float(n))
    )


def of_the_row(tree: Known, *, key: Key) -> Known:
    """The same numbers, marked as those of one row: where a part of a scan's carry has no row at
    first and gets one on the way, `vmap` over rows traces the body twice.

    Args:
        tree: arrays, of the particles of a row at the start, say.
        key: random key of the row.
    """
    nothing = 0 * jnp.ravel(jax.random.key_data(key))[0]
    return jax.tree.map(lambda x: x + nothing.astype(x.dtype), tree)


def resample(
    state: ParticleState,
    log_target: Float[Array, " P"],
    known: Known,
    threshold: float,
    *,
    key: Key,
) -> tuple[ParticleState, Known]:
    """The particles after resampling towards a target, if their effective sample size is below
    `threshold` P; else as they are.

    Args:
        state: particles on their way.
        log_target: log of intermediate target over proposal of each particle, `[P]` nats: its
            log-weight so far plus the twist, say.
        known: arrays with the leading axis P of what else belongs to the particles; it follows
            them.
        threshold: share of P below which the effective sample size makes resample.
        key: random key of the resampling.
    """
    n = log_target.shape[0]
    preference = log_target - state.log_applied
    ess = effective_sample_size(preference)
    uneven = is_uneven(ess, threshold, n)
    chosen = jnp.where(uneven, systematic(preference, n, key=key), jnp.arange(n))
    x_t, log_weight, log_target, log_applied, ancestors, known = jax.tree.map(
        lambda x: x[chosen],
        (state.x_t, state.log_weight, log_target, state.log_applied, state.ancestors, known),
    )
    return ParticleState(
        x_t,
        log_weight,
        jnp.where(uneven, log_target, log_applied),
        ancestors,
        state.log_z + jnp.where(uneven, log_mean_exp(preference), 0.0),
        state.n_resampled + uneven.astype(jnp.float32),
        jnp.minimum(state.lowest_ess, ess),
    ), known


def effective_sample_size(log_weight: Float[Array, " P"]) -> Float[Array, ""]:
    """`(sum w)^2 / sum w^2`, between 1 and P."""
    return 1.0 / jnp.sum(jnp.square(jax.nn.softmax(log_weight)))


def is_uneven(ess: Float[Array, ""], threshold: float, particles: int) -> Bool[Array, ""]:
    """Whether to resample: the effective sample size is below `threshold` P, and clearly so.

    Equal weights of a part of the particles give a whole number, often `threshold` P itself: its
    rounding shall not decide.
    """
    return ess < threshold * particles - 1e-3


def systematic(
    log_weight: Float[Array, " P"], n: int | Int[Array, ""], *, key: Key
) -> Int[Array, " P"]:
    """Indices of particles, P of them, of which the first n are drawn systematically: particle i is
    taken `n W_i` times in expectation, rounded up or down.

    Args:
        log_weight: log-weights of the particles, `[P]` nats.
        n: number of draws, at most P; as an array it is no part of the compiled program.
        key: random key of the draws.
    """
    size = log_weight.shape[0]
    edges = jnp.cumsum(jax.nn.softmax(log_weight))
    place = jnp.arange(size, dtype=jnp.float32) + jax.random.uniform(key)
    comb = place / jnp.asarray(n, jnp.float32)
    return jnp.clip(jnp.searchsorted(edges / edges[-1], comb), 0, size - 1)


def draw(log_weight: Float[Array, " P"], n: int | Int[Array, ""], *, key: Key) -> Int[Array, " P"]:
    """Indices of particles; the first n are drawn systematically by weight and stand in random
    order, so that each has the law of a particle drawn by its weight.

    Args:
        log_weight: log-weights of the particles, `[P]` nats.
        n: number of draws, at most P; as an array it is no part of the compiled program.
        key: random key of the draws.
    """
    comb_key, order_key = jax.random.split(key)
    place = jnp.arange(log_weight.shape[0])
    order = jnp.argsort(jnp.where(place < n, jax.random.uniform(order_key, place.shape), 2.0))
    return systematic(log_weight, n, key=comb_key)[order]


class Families(NamedTuple):
    """What the descendants of the first ancestors tell of Z.

    Args:
        effective: effective number of first ancestors, `1 / sum_a (sum of the weights of a's
            descendants)^2`, between 1 and P; without resampling the effective sample size. After
            many resamplings few ancestors are left, and it is pessimistic.
        variance: estimate of Var(Z) / Z^2 of particles that were never resampled, `P / (P-1) (sum
            of W_i^2 - 1/P)`, by the delta method the variance of log Z; NaN of others, which have
            ancestors in common: several populations tell it.
    """

    effective: Float[Array, ""]
    variance: Float[Array, ""]


def families(state: ParticleState, log_weight: Float[Array, " P"]) -> Families:
    """The families of first ancestors, by the weights of their descendants.

    Args:
        state: particles at the end of their way.
        log_weight: log-weights of the particles since the last resampling, `[P]` nats.
    """
    n = log_weight.shape[0]
    shares = jax.ops.segment_sum(jax.nn.softmax(log_weight), state.ancestors, n)
    same = jnp.sum(jnp.square(shares))
    variance = jnp.maximum(same - 1.0 / n, 0.0) * n / (n - 1) if n > 1 else jnp.nan
    return Families(1.0 / same, jnp.where(state.n_resampled > 0, jnp.nan, variance))


class Combined(NamedTuple):
    """The mean of Z over independent populations, `[N]` for N rows, float64.

    Args:
        log_z: log of the mean of Z, nats; `-inf` where it is 0.
        stderr: standard error of `log_z`, nats.
        ess: effective sample size of all populations together.
    """

    log_z: np.ndarray
    stderr: np.ndarray
    ess: np.ndarray


def combine(log_z: np.ndarray, ess: np.ndarray, variance: np.ndarray) -> Combined:
    """`log mean Z` over the populations of each row: Z is unbiased, so their mean is.

    The standard error is that of the spread of the populations by the delta method where there are
    at least 2, and else the square root of the variance within the one (NaN where it resampled).

    Args:
        log_z: log Z of every population, `[N, runs]` nats; `-inf` where it has no particle left.
        ess: effective sample size of every population, `[N, runs]`.
        variance: estimate of Var(Z) / Z^2 within every population, `[N, runs]`.

    Example:
        >>> import numpy as np
        >>> found = combine(np.log([[1.0, 3.0]]), np.ones((1, 2)), np.zeros((1, 2)))
        >>> float(found.log_z[0].round(3)), float(found.ess[0].round(3))
        (0.693, 1.6)
    """
    log_z, runs = np.asarray(log_z, np.float64), log_z.shape[1]
    highest = log_z.max(axis=1, keepdims=True)
    highest = np.where(np.isfinite(highest), highest, 0.0)
    z = np.exp(log_z - highest)
    mean = z.mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        if runs > 1:
            stderr = z.std(axis=1, ddof=1) / mean / np.sqrt(runs)
        else:
            stderr = np.sqrt(np.asarray(variance, np.float64)[:, 0])
        together = z.sum(axis=1) ** 2 / np.sum(np.where(z > 0, z**2 / ess, 0.0), axis=1)
        return Combined(np.log(mean) + highest[:, 0], stderr, np.where(mean > 0, together, 0.0))


def share_out(weight: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """n indices, drawn systematically by weight, increasing: the NumPy form of `systematic`.

    Args:
        weight: weights, of any shape, at least one of them positive; indices are of them in a row.
        n: number of draws.
        rng: random generator; one number is taken of it.
    """
    comb = (np.arange(n) + rng.random()) / max(n, 1)
    return np.searchsorted(np.cumsum(weight) / weight.sum(), comb).clip(0, weight.size - 1)
