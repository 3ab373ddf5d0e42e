"""Log-domain arithmetic. Imports nothing of ours."""

import math

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln, log_ndtr
from jax.typing import ArrayLike

LOG_ZERO = -1e9
"""Stands for log 0 in tables of log-probabilities: `0 * LOG_ZERO` is 0 where `0 * -inf` is NaN."""

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def log_normal_density(x: ArrayLike, mean: ArrayLike, log_variance: ArrayLike) -> jax.Array:
    """log N(x; mean, exp(log_variance)), in nats."""
    squared = jnp.square(jnp.asarray(x) - jnp.asarray(mean))
    return (
        -0.5 * squared * jnp.exp(-jnp.asarray(log_variance))
        - 0.5 * jnp.asarray(log_variance)
        - HALF_LOG_TWO_PI
    )


def _log_sinhc(y: jax.Array) -> jax.Array:
    """log(sinh(y) / y) for y >= 0."""
    large = jnp.maximum(y, 0.1)
    return jnp.where(
        y < 0.1,
        y * y / 6.0 - y**4 / 180.0,
        large + jnp.log1p(-jnp.exp(-2.0 * large)) - jnp.log(2.0 * large),
    )


FAR_TAIL = 10.0
"""Beyond it phi and the mass are so small, and their logarithms so large, that nothing is left of
their difference in float32."""


def _hazard(x: jax.Array) -> jax.Array:
    """`phi(x) / (1 - Phi(x))` for x >= `FAR_TAIL`, to 1e-5."""
    return x + 1.0 / x - 2.0 / x**3


def _tail_ratio(u: jax.Array, h: jax.Array) -> jax.Array:
    """`(1 - Phi(u + h)) / (1 - Phi(u - h))` for u - h >= `FAR_TAIL`, where `phi(u + h) / phi(u - h)
    = exp(-2uh)`.
    """
    edge = jnp.maximum(u - h, FAR_TAIL)
    return jnp.exp(-2.0 * u * h) * _hazard(edge) / _hazard(edge + 2.0 * h)


def _edges_over_mass(u: jax.Array, h: jax.Array, value: jax.Array) -> tuple[jax.Array, jax.Array]:
    """`phi(u - h) / P` and `phi(u + h) / P` for the mass P = exp(value) between these edges, u >=
    0, h >= 0.1.
    """
    edge = u - h
    close = jnp.minimum(edge, FAR_TAIL)  # the branch that is not taken stays finite, too
    tail = _hazard(jnp.maximum(edge, FAR_TAIL)) / (1.0 - _tail_ratio(u, h))
    near = jnp.where(
        edge > FAR_TAIL, tail, jnp.exp(-0.5 * jnp.square(close) - HALF_LOG_TWO_PI - value)
    )
    far = jnp.exp(-0.5 * jnp.square(u + h) - HALF_LOG_TWO_PI - value)
    return near, jnp.where(edge > FAR_TAIL, tail * jnp.exp(-2.0 * u * h), far)


@jax.jit  # traced once for all programs
def log_normal_interval(
    x: jax.Array, width: jax.Array, mean: jax.Array, log_variance: jax.Array
) -> jax.Array:
    r"""Log-mass of a cell under a normal distribution, or its log-density where the cell has no
    width.

    `log [Phi((x + w/2 - mean) / s) - Phi((x - w/2 - mean) / s)]` for `w > 0`, `log N(x; mean, s^2)`
    for `w = 0`.

    The difference of two nearly equal `Phi` loses all digits in float32. With `u = |x - mean| / s`
    and `h = w / 2s`, a narrow cell (h < 0.1) is expanded instead: `log phi(u) + log 2h +
    log(sinh(uh) / uh) - h^2 / 6`, exact to O(h^4) near the centre and to h^2 / 3 (3e-3 nats) in the
    far tail; a wide one is taken in the lower tail, as `log_ndtr(b) + log1p(-exp(log_ndtr(a) -
    log_ndtr(b)))`.
    """
    return _log_normal_interval(x, width, mean, log_variance)


@jax.custom_jvp
def _log_normal_interval(
    x: jax.Array, width: jax.Array, mean: jax.Array, log_variance: jax.Array
) -> jax.Array:
    """`log_normal_interval`, with derivatives of its own."""
    inverse = jnp.exp(-0.5 * log_variance)
    u = jnp.abs(x - mean) * inverse
    h = 0.5 * width * inverse
    narrow_h = jnp.minimum(h, 0.1)
    density = -0.5 * u * u - HALF_LOG_TWO_PI
    log_width = jnp.log(jnp.where(width > 0, width, 1.0)) - 0.5 * log_variance
    narrow = (
        density
        + log_width
        + jnp.where(width > 0, _log_sinhc(u * narrow_h) - narrow_h**2 / 6.0, 0.0)
    )
    wide_h = jnp.maximum(h, 0.1)
    upper, lower = log_ndtr(wide_h - u), log_ndtr(-wide_h - u)
    wide = upper + jnp.log1p(
        -jnp.where(u - wide_h > FAR_TAIL, _tail_ratio(u, wide_h), jnp.exp(lower - upper))
    )
    return jnp.where(h < 0.1, narrow, wide)


@_log_normal_interval.defjvp
def _log_normal_interval_jvp(primals, tangents):
    """Derivatives in closed form: those of the two branches by themselves are slow to compile and
    to run.

    Wide cells: `d log P / d edge = phi(edge) / P`. Narrow ones: of the expansion, where `d log(sinh
    y / y) / dy = coth y - 1/y`.
    """
    x, width, mean, log_variance = primals
    dx, dwidth, dmean, dlog_variance = tangents
    value = _log_normal_interval(x, width, mean, log_variance)
    inverse = jnp.exp(-0.5 * log_variance)
    u, h = (x - mean) * inverse, 0.5 * width * inverse
    narrow = h < 0.1
    near, far = _edges_over_mass(jnp.abs(u), jnp.maximum(h, 0.1), value)
    y = jnp.abs(u) * h
    large = jnp.maximum(y, 0.1)
    bend = jnp.where(y < 0.1, y / 3.0 - y**3 / 45.0, 1.0 / jnp.tanh(large) - 1.0 / large)
    by_u = jnp.where(narrow, -u + jnp.sign(u) * h * bend, jnp.sign(u) * (far - near))
    by_h = jnp.where(narrow, jnp.abs(u) * bend - h / 3.0, near + far)
    by_log_scale = jnp.where(narrow, 1.0, 0.0)  # of the factor width / s in front of the expansion
    du = inverse * (dx - dmean) - 0.5 * u * dlog_variance
    dh = 0.5 * inverse * dwidth - 0.5 * h * dlog_variance
    dlog_width = dwidth / jnp.where(width > 0, width, 1.0)
    return value, by_u * du + by_h * dh + by_log_scale * (dlog_width - 0.5 * dlog_variance)


def log_binomial(n: ArrayLike, k: ArrayLike) -> jax.Array:
    """log of the binomial coefficient (n choose k), for integer arrays."""
    n, k = jnp.asarray(n, jnp.float32), jnp.asarray(k, jnp.float32)
    return gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)


def log_softmax(x: jax.Array) -> jax.Array:
    """`x - log sum exp x` over the last axis. Two entries are written out: on a CPU a reduction
    over an axis of two takes many times as long.
    """
    if x.shape[-1] != 2:
        return jax.nn.log_softmax(x, axis=-1)
    top = jax.lax.stop_gradient(jnp.maximum(x[..., 0], x[..., 1]))
    total = top + jnp.log(jnp.exp(x[..., 0] - top) + jnp.exp(x[..., 1] - top))
    return jnp.stack([x[..., 0] - total, x[..., 1] - total], axis=-1)


def chosen(table: jax.Array, index: jax.Array) -> jax.Array:
    """`table[d, index[d]]`, `[D, K]` and `[D]` to `[D]`: a lookup whose gradient is no scatter,
    which takes ten times as long on a CPU.
    """
    if table.shape[-1] == 2:
        return jnp.where(index == 1, table[:, 1], table[:, 0])
    found = index[:, None] == jnp.arange(table.shape[-1])[None, :]
    return jnp.sum(jnp.where(found, table, 0.0), axis=-1)


_COMPARED = 256
"""Of so few numbers each is compared with all others; more are sorted."""


def ranks(x: jax.Array) -> jax.Array:
    """Number of entries of `x` [D] that lie before each, in their order; of equal ones the first
    lie first. A sort takes several times as long on a CPU where D is small.
    """
    if x.shape[0] > _COMPARED:
        return jnp.argsort(jnp.argsort(x))
    place = jnp.arange(x.shape[0])

    def count(k: jax.Array, before: jax.Array) -> jax.Array:
        ahead = (x[k] < x) | ((x[k] == x) & (k < place))
        return before + ahead.astype(before.dtype)

    # A loop: all pairs at once are fused with what makes x, which is then made for every pair.
    return jax.lax.fori_loop(0, x.shape[0], count, jnp.zeros(x.shape, place.dtype))


def log_mean_exp(x: jax.Array, axis: int = -1) -> jax.Array:
    """log of the mean of exp(x) along `axis`."""
    return jax.nn.logsumexp(x, axis=axis) - math.log(x.shape[axis])


def random_subset(candidates: jax.Array, count: ArrayLike, *, key: jax.Array) -> jax.Array:
    """A uniformly random subset of `count` of the candidates (bool [D] -> bool [D]).

    Every candidate draws a distinct number (31 bits, the lowest ones replaced by its position so
    that none are equal); the threshold below which exactly `count` of them lie is found bit by bit.
    On a CPU this is many times faster than a sort.
    """
    size = candidates.shape[0]
    position_bits = max(size - 1, 1).bit_length()
    position = jnp.arange(size, dtype=jnp.uint32)
    number = (
        jax.random.bits(key, (size,), jnp.uint32) >> (1 + position_bits)
    ) << position_bits | position

    def raise_threshold(i: jax.Array, threshold: jax.Array) -> jax.Array:
        trial = threshold | (jnp.uint32(1) << (jnp.uint32(31) - jnp.asarray(i, jnp.uint32)))
        below = jnp.sum(candidates & (number < trial))
        return jnp.where(below <= count, trial, threshold)

    threshold = jax.lax.fori_loop(0, 32, raise_threshold, jnp.uint32(0))
    return candidates & (number < threshold)
