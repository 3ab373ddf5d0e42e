"""Log-domain arithmetic. Imports nothing of ours."""

import math
from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from numpy.polynomial import Chebyshev, Polynomial
from scipy import special

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
        large + jnp.log((1.0 - jnp.exp(-2.0 * large)) / (2.0 * large)),
    )


_LEAST = 1e-30
_TAIL_SCALE = 2.0 * math.sqrt(2.0)


def _tail_coefficients(degree: int = 9) -> tuple[float, ...]:
    """Of the polynomial in t = c / (c + x), c = `_TAIL_SCALE`, that is `log (1 - Phi(x)) / phi(x)
    - log t` up to a constant: smooth from x = 0 (t = 1) to infinity (t = 0). Interpolated at
    Chebyshev's nodes, to 2e-7.
    """

    def departure(t: np.ndarray) -> np.ndarray:
        x = _TAIL_SCALE * (1.0 / t - 1.0)
        return np.log(0.5 * special.erfcx(x / math.sqrt(2.0)) / t)

    fitted = Chebyshev.interpolate(departure, degree, domain=(0.0, 1.0))
    return tuple(fitted.convert(kind=Polynomial).coef[::-1].tolist())


_TAIL = _tail_coefficients()


def _log_scaled_tail(x: jax.Array) -> jax.Array:
    """`log (1 - Phi(x)) + x^2 / 2` for x >= 0, to 4e-7: no branches, and no digit lost far out."""
    t = _TAIL_SCALE / (_TAIL_SCALE + x)
    return jnp.log(t) + reduce(lambda total, c: total * t + c, _TAIL)


def _between(edge: jax.Array, far: jax.Array, farther: jax.Array) -> tuple[jax.Array, jax.Array]:
    """log P of the mass P of N(0, 1) between two edges, and `phi(edge) / P`, for far >= |edge|;
    `farther` is `(far^2 - edge^2) / 2`, which has no digits of its own where both are large.

    With Q = 1 - Phi, P is `Q(edge) - Q(far)` where both edges lie in the upper tail, in which
    `Q(far) / Q(edge)` is `phi(far) / phi(edge)` times a ratio of scaled tails; else `1 - Q(-edge) -
    Q(far)`.
    """
    in_tail = edge > 0
    log_edge, log_far = _log_scaled_tail(jnp.abs(edge)), _log_scaled_tail(far)
    of_edge = 0.5 * edge * edge
    beyond = jnp.exp(log_far - jnp.where(in_tail, farther + log_edge, of_edge + farther))
    before = jnp.where(in_tail, 0.0, jnp.exp(log_edge - of_edge))
    # What the mass is of 1, or of Q(edge). The error 6e-8 of log(1 - x) is that of the sums; log1p
    # makes the compiled loop five times as long.
    left = jnp.maximum(1.0 - (before + beyond), _LEAST)
    value = jnp.where(in_tail, log_edge - of_edge, 0.0) + jnp.log(left)
    log_density = -jnp.where(in_tail, log_edge, of_edge) - HALF_LOG_TWO_PI
    return value, jnp.exp(log_density) / left


@jax.custom_jvp
def log_normal_between(edge: jax.Array, far: jax.Array) -> jax.Array:
    """log-mass of N(0, 1) between two edges of which `far` lies on the positive side, and farther
    from 0: far >= |edge|, nats.
    """
    return _between(edge, far, _farther(edge, far))[0]


def _farther(edge: jax.Array, far: jax.Array) -> jax.Array:
    return 0.5 * (far - edge) * (far + edge)


@log_normal_between.defjvp
def _log_normal_between_jvp(primals, tangents):
    (edge, far), (d_edge, d_far) = primals, tangents
    farther = _farther(edge, far)
    value, near = _between(edge, far, farther)
    return value, near * (jnp.exp(-farther) * d_far - d_edge)


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
    far tail; a wide one is taken from the tails that it leaves (`_between`).
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
    wide, _ = _between(u - wide_h, u + wide_h, 2.0 * u * wide_h)
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
    y = jnp.abs(u) * h
    large = jnp.maximum(y, 0.1)
    bend = jnp.where(y < 0.1, y / 3.0 - y**3 / 45.0, 1.0 / jnp.tanh(large) - 1.0 / large)
    wide_h = jnp.maximum(h, 0.1)
    size = jnp.abs(u)
    _, near = _between(size - wide_h, size + wide_h, 2.0 * size * wide_h)
    far = near * jnp.exp(-2.0 * y)
    by_u = jnp.where(narrow, -u + jnp.sign(u) * h * bend, jnp.sign(u) * (far - near))
    by_h = jnp.where(narrow, jnp.abs(u) * bend - h / 3.0, near + far)
    by_log_scale = jnp.where(narrow, 1.0, 0.0)  # of the factor width / s in front of the expansion
    du = inverse * (dx - dmean) - 0.5 * u * dlog_variance
    dh = 0.5 * inverse * dwidth - 0.5 * h * dlog_variance
    dlog_width = dwidth / jnp.where(width > 0, width, 1.0)
    return value, by_u * du + by_h * dh + by_log_scale * (dlog_width - 0.5 * dlog_variance)


def log_binomial(n: ArrayLike, k: ArrayLike, most: int) -> jax.Array:
    """log of the binomial coefficient (n choose k) of integers 0 <= k <= n <= `most`, looked up."""
    n, k = jnp.asarray(n), jnp.asarray(k)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, most + 1)))])
    table = jnp.asarray(log_factorial, jnp.float32)
    return table[n] - table[k] - table[n - k]


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
