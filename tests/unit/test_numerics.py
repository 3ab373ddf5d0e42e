"""Log-domain arithmetic against float64."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from quasistatic.numerics import (
    LOG_ZERO,
    log_binomial,
    log_mean_exp,
    log_normal_density,
    random_subset,
)


def test_log_zero_times_zero_is_zero():
    assert jnp.asarray(0.0) * LOG_ZERO == 0
    assert jnp.exp(jnp.asarray(LOG_ZERO)) == 0


def test_log_normal_density():
    x, mean, log_variance = np.random.default_rng(0).standard_normal((3, 20)).astype(np.float32)
    found = log_normal_density(jnp.asarray(x), jnp.asarray(mean), jnp.asarray(log_variance))
    np.testing.assert_allclose(
        found, stats.norm.logpdf(x, mean, np.exp(0.5 * log_variance)), rtol=1e-4, atol=1e-5
    )
    assert math.isclose(log_normal_density(0.0, 0.0, 0.0), -0.9189385, rel_tol=1e-6)


def test_log_binomial():
    n, k = np.array([0, 1, 5, 10, 60, 1000]), np.array([0, 1, 2, 10, 30, 400])
    expected = np.array(
        [math.log(math.comb(a, b)) for a, b in zip(n.tolist(), k.tolist(), strict=True)]
    )
    np.testing.assert_allclose(log_binomial(n, k, 1000), expected, rtol=1e-6, atol=1e-5)


def test_log_mean_exp():
    x = np.random.default_rng(0).normal(0, 5, (3, 7)).astype(np.float32)
    np.testing.assert_allclose(
        log_mean_exp(jnp.asarray(x)), special.logsumexp(x, axis=1) - math.log(7), rtol=1e-5
    )
    np.testing.assert_allclose(
        log_mean_exp(jnp.asarray(x), axis=0), special.logsumexp(x, axis=0) - math.log(3), rtol=1e-5
    )
    assert log_mean_exp(jnp.array([-1e5, -1e5])) == -1e5  # no underflow


@pytest.mark.parametrize("size", [1, 2, 5, 64])
def test_a_random_subset_has_its_count(size):
    draw = jax.jit(random_subset)
    candidates = jnp.arange(size) % 3 != 1
    available = int(candidates.sum())
    for count, seed in itertools.product(range(available + 1), range(3)):
        chosen = draw(candidates, count, key=jax.random.key(seed))
        assert int(chosen.sum()) == count
        assert not jnp.any(chosen & ~candidates)
