"""The mass of a cell under a normal distribution, against float64, from cells without width to
cells wider than everything."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erfcx, log_ndtr

from quasistatic.distribution.interval import log_normal_range
from quasistatic.numerics import log_normal_interval

U = np.array([0.0, 1e-3, 0.1, 0.5, 1.0, 2.0, 3.5, 5.0, 8.0, 12.0, 20.0, 40.0, 100.0, 1000.0])
H = np.array([1e-7, 1e-5, 1e-3, 0.01, 0.05, 0.0999, 0.1001, 0.2, 0.7, 1.0, 3.0, 8.0, 30.0, 1e3])


def exact(u, h):
    """log [Phi(u + h) - Phi(u - h)] in float64: in the tail, or by Gauss-Legendre quadrature where
    that cancels."""
    narrow = (h < 0.5) & (u * h < 20)
    nodes, weights = np.polynomial.legendre.leggauss(60)
    thin, centre = np.where(narrow, h, 0.1), np.where(narrow, u, 0.0)
    s = thin[..., None] * nodes
    integral = np.sum(weights * np.exp(-centre[..., None] * s - 0.5 * s * s), -1) * thin
    upper, lower = log_ndtr(h - u), log_ndtr(-h - u)
    wide = upper + np.log1p(-np.exp(np.where(narrow, -1.0, lower - upper)))
    return np.where(narrow, np.log(integral) - 0.5 * u * u - 0.5 * np.log(2 * np.pi), wide)


@pytest.fixture(scope="module")
def interval():
    def of(x, width, mean, log_variance):
        return log_normal_interval(x, width, mean, log_variance)

    value = jax.jit(of)
    gradient = jax.jit(jax.vmap(jax.grad(of, argnums=(0, 2, 3))))
    return value, gradient


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_mass_of_a_cell(interval, sign):
    """To 1e-5 of the value and of 1 (float32 has a precision of 6e-8, and u^2/2 doubles the
    relative error of u)."""
    u, h = (g.ravel() for g in np.meshgrid(U, H))
    got = interval[0](
        *(
            jnp.asarray(a, jnp.float32)
            for a in (sign * u, 2 * h, np.zeros_like(u), np.zeros_like(u))
        )
    )
    expected = exact(u, h)
    assert np.all(np.isfinite(got))
    np.testing.assert_array_less(
        np.abs(np.asarray(got, np.float64) - expected), 2e-5 * (1 + np.abs(expected))
    )


def test_location_and_scale(interval):
    rng = np.random.default_rng(0)
    mean, log_variance = rng.normal(0, 2, 200), rng.uniform(-9, 4, 200)
    scale = np.exp(0.5 * log_variance)
    u, h = rng.uniform(0, 4, 200), 10 ** rng.uniform(-3, 1, 200)
    got = interval[0](
        *(
            jnp.asarray(a, jnp.float32)
            for a in (mean + u * scale, 2 * h * scale, mean, log_variance)
        )
    )
    np.testing.assert_allclose(
        got, exact(u, h), rtol=2e-3, atol=2e-3
    )  # x - mean loses digits where the scale is small


def test_a_cell_without_width_is_a_density(interval):
    u = jnp.asarray(U, jnp.float32)
    zero = jnp.zeros_like(u)
    got = interval[0](u, zero, zero, zero + 1.0)
    np.testing.assert_allclose(
        got, -0.5 * U**2 * np.exp(-1.0) - 0.5 - 0.5 * np.log(2 * np.pi), rtol=1e-6
    )


def test_a_narrow_cell_is_density_times_width(interval):
    u = jnp.asarray(U, jnp.float32)
    zero = jnp.zeros_like(u)
    mass, density = interval[0](u, zero + 1e-5, zero, zero), interval[0](u, zero, zero, zero)
    np.testing.assert_allclose(mass - density, np.log(1e-5), rtol=1e-5, atol=1e-6 * U.max() ** 2)


def test_the_gradient_is_finite_and_right(interval):
    """In x, mean and log-variance, at every width and far in the tails; against differences in
    float64."""
    u, h = (g.ravel() for g in np.meshgrid(U, np.concatenate([[0.0], H])))
    zero = np.zeros_like(u)
    found = interval[1](*(jnp.asarray(a, jnp.float32) for a in (u, 2 * h, zero, zero)))
    for part in found:
        assert np.all(np.isfinite(part))
    inside = (h > 0) & (u > 0) & (u < 50)
    u, h, e = u[inside], h[inside], 1e-5
    d_x = (exact(u + e, h) - exact(u - e, h)) / (2 * e)
    grow = np.exp(-0.5 * e)
    d_log_variance = (exact(u * grow, h * grow) - exact(u / grow, h / grow)) / (2 * e)
    ordinary = np.isfinite(d_x) & (exact(u, h) < -1e-9)
    for got, expected in zip(found, (d_x, -d_x, d_log_variance), strict=True):
        error = np.abs(np.asarray(got)[inside] - expected)[ordinary]
        assert np.all(error <= 5e-3 * (1 + np.abs(expected[ordinary])))


def test_the_far_tail_keeps_its_value_and_its_gradient(interval):
    """u up to 1e7, where phi and the mass have no digits in common: d log P / d edge from the
    scaled complement of erf."""
    u, h = (
        g.ravel()
        for g in np.meshgrid(
            10.0 ** np.arange(1.5, 7.1, 0.25), [0.1001, 0.5, 2.0, 10.0, 100.0, 1e4, 1e7]
        )
    )
    tail = u - h > 12.0
    u, h = u[tail], h[tail]
    zero = np.zeros_like(u)
    arguments = [jnp.asarray(a, jnp.float32) for a in (u, 2 * h, zero, zero)]
    value, (d_x, d_mean, d_log_variance) = interval[0](*arguments), interval[1](*arguments)
    near, far = (
        np.sqrt(2 / np.pi) / erfcx(edge / np.sqrt(2)) for edge in (u - h, u + h)
    )  # phi / (1 - Phi)
    ratio = np.exp(-2 * u * h) * near / far
    slope = near * (1 - np.exp(-2 * u * h)) / (1 - ratio)
    spread = near * (1 + np.exp(-2 * u * h)) / (1 - ratio)
    np.testing.assert_allclose(value, log_ndtr(h - u) + np.log1p(-ratio), rtol=1e-5)
    np.testing.assert_allclose(d_x, -slope, rtol=1e-4)
    np.testing.assert_allclose(d_mean, slope, rtol=1e-4)
    np.testing.assert_allclose(d_log_variance, 0.5 * (u * slope - h * spread), rtol=2e-3)


def test_the_mass_within_limits_and_its_gradient():
    """Of intervals and half-lines on either side of the mean, against float64: values to 1e-5,
    gradients in mean and log-variance to 2e-5, of their size and of 1."""
    rng = np.random.default_rng(0)
    mean, log_variance = rng.normal(0, 2, 500), rng.uniform(-3, 3, 500)
    scale = np.exp(0.5 * log_variance)
    low = mean + rng.normal(0, 3, 500) * scale
    high = low + scale * 10 ** rng.uniform(-1, 1, 500)
    high[::5], low[1::5] = np.inf, -np.inf

    def exact(mean, log_variance):
        a, b = ((edge - mean) * np.exp(-0.5 * log_variance) for edge in (low, high))
        a, b = np.where(a > 0, -b, a), np.where(a > 0, -a, b)
        return log_ndtr(b) + np.log(-np.expm1(log_ndtr(a) - log_ndtr(b)))

    def of(mean, log_variance, low, high):
        return log_normal_range(low, high, mean, log_variance)

    rows = [jnp.asarray(a, jnp.float32) for a in (mean, log_variance, low, high)]
    found = jax.vmap(of)(*rows), *jax.vmap(jax.grad(of, argnums=(0, 1)))(*rows)
    e = 1e-5
    slopes = (
        (exact(mean + e, log_variance) - exact(mean - e, log_variance)) / (2 * e),
        (exact(mean, log_variance + e) - exact(mean, log_variance - e)) / (2 * e),
    )
    for got, expected, error in zip(
        found, (exact(mean, log_variance), *slopes), (1e-5, 2e-5, 2e-5), strict=True
    ):
        assert np.all(np.abs(np.asarray(got) - expected) <= error * (1 + np.abs(expected)))
