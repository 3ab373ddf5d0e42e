"""Normal distributions cut to an interval: its mass, and draws within it."""

import jax
import jax.numpy as jnp
from jax.scipy.special import log_ndtr, ndtr, ndtri

from quasistatic.numerics import HALF_LOG_TWO_PI, LOG_ZERO, log_normal_between
from quasistatic.typing import Array, Key

__all__ = ["FARTHEST", "entropy_lost", "log_normal_range", "sample_normal_range"]

FARTHEST = 1e3
"""Standard deviations beyond which an interval's edge counts as infinite."""

_TAIL = -5.0
"""Below it `ndtr` has few digits left, and draws are found by their logarithms."""


@jax.jit  # traced once for all programs
def log_normal_range(low: Array, high: Array, mean: Array, log_variance: Array) -> Array:
    """log-mass of [low, high] (either may be infinite) under N(mean, exp(log_variance)); `LOG_ZERO`
    where it is empty.
    """
    inverse = jnp.exp(-0.5 * log_variance)
    a, b = _in_deviations(low, mean, inverse), _in_deviations(high, mean, inverse)
    swapped = jnp.abs(a) > jnp.abs(b)
    edge, far = jnp.where(swapped, -b, a), jnp.where(swapped, -a, b)
    # Far out the mass is that of the nearer edge: two edges in one place would have none of it, and
    # what is divided by it would be infinitely likely.
    inside = log_normal_between(edge, jnp.where(edge < FARTHEST - 1.0, far, far + 1.0))
    return jnp.where(low < high, inside, LOG_ZERO)


def _standardised(low: Array, high: Array, mean: Array, log_variance: Array) -> tuple[Array, Array]:
    """The edges in standard deviations, mirrored into the lower tail where both lie above the
    mean.
    """
    inverse = jnp.exp(-0.5 * log_variance)
    a, b = _in_deviations(low, mean, inverse), _in_deviations(high, mean, inverse)
    return jnp.where(a > 0, -b, a), jnp.where(a > 0, -a, b)


def _in_deviations(edge: Array, mean: Array, inverse: Array) -> Array:
    """An edge in standard deviations, at most `FARTHEST`; an infinite one has a gradient of 0."""
    there = jnp.isfinite(edge)
    u = (jnp.where(there, edge, mean) - mean) * inverse
    return jnp.where(there, jnp.clip(u, -FARTHEST, FARTHEST), jnp.sign(edge) * FARTHEST)


def entropy_lost(low: Array, high: Array, mean: Array, log_variance: Array) -> Array:
    r"""Entropy of N(mean, exp(log_variance)) less that of it within [low, high], nats: with the
    edges a and b in standard deviations and the mass P

        (b phi(b) - a phi(a)) / 2P - log P.
    """
    inverse = jnp.exp(-0.5 * log_variance)
    log_mass = log_normal_range(low, high, mean, log_variance)

    def moment(edge: Array) -> Array:
        u = _in_deviations(edge, mean, inverse)
        return u * jnp.exp(-0.5 * jnp.square(u) - HALF_LOG_TWO_PI - log_mass)

    return 0.5 * (moment(high) - moment(low)) - log_mass


def sample_normal_range(
    low: Array, high: Array, mean: Array, log_variance: Array, *, key: Key
) -> Array:
    """A draw of N(mean, exp(log_variance)) within [low, high], by the inverse of the distribution
    function; in the tails by that of its logarithm, which Newton's method finds.

    Args:
        low: lower edges, `[D]`; minus infinity for none.
        high: upper edges, `[D]`; infinity for none.
        mean: means `[D]` of the whole distributions.
        log_variance: log-variances `[D]` of the whole distributions.
        key: random key of the draw.
    """
    scale = jnp.exp(0.5 * log_variance)
    a, b = _standardised(low, high, mean, log_variance)
    mirrored = (low - mean) > 0
    below, above = ndtr(a), ndtr(b)
    share = jax.random.uniform(key, mean.shape, minval=1e-7, maxval=1.0 - 1e-7)
    # Far out the distribution is nearly an exponential one, which is where the search begins.
    highest = log_ndtr(b)
    gone = jnp.log(share + (1.0 - share) * jnp.exp(log_ndtr(a) - highest))
    tail = b + gone / jnp.maximum(-b, 1.0)
    for _ in range(2):
        tail = _newton(tail, highest + gone)
    z = jnp.where(b < _TAIL, tail, ndtri(jnp.clip(below + share * (above - below), 1e-7, 1 - 1e-7)))
    return jnp.clip(mean + scale * jnp.where(mirrored, -z, z), low, high)


def _newton(z: Array, target: Array) -> Array:
    """A step towards log Phi(z) = target."""
    value = log_ndtr(z)
    return z - (value - target) * jnp.exp(value + 0.5 * jnp.square(z) + HALF_LOG_TWO_PI)
