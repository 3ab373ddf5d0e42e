"""Parts of particle samplers: when to resample, the sum over populations, draws by weight."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from quasistatic.particles import combine, families, init, is_uneven, resample, share_out


@pytest.mark.parametrize("n", [2, 16, 64, 2048])
def test_a_whole_effective_number_of_particles_is_not_below_itself(n):
    """Half of the particles with equal weights: n / 2 up to rounding, either way."""
    for exact in (n / 2 * (1 - 2e-7), n / 2 * (1 + 2e-7)):
        assert not is_uneven(jnp.asarray(exact, jnp.float32), 0.5, n)
    assert is_uneven(jnp.asarray(n / 2 - 0.01, jnp.float32), 0.5, n)


def test_resampling_keeps_the_mean_weight_and_what_belongs_together():
    """Of 8 particles one has nearly all of the weight; even weights are left as they are."""
    begin = init((jnp.arange(8.0),), jnp.zeros(8))
    target = jnp.where(jnp.arange(8) == 3, 5.0, -5.0)
    after, known = resample(begin, target, jnp.arange(8), 0.5, key=jax.random.key(0))
    assert np.array_equal(known, after.ancestors)
    assert np.array_equal(after.x_t[0], known)
    assert np.all(np.asarray(known) == 3)
    np.testing.assert_allclose(after.log_z, jax.nn.logsumexp(target) - np.log(8), rtol=1e-6)
    np.testing.assert_array_equal(after.log_applied, target[known])
    assert families(after, jnp.zeros(8)).effective == 1
    same, _ = resample(begin, jnp.zeros(8), jnp.arange(8), 0.5, key=jax.random.key(0))
    assert np.array_equal(same.ancestors, np.arange(8))
    assert (same.n_resampled, same.lowest_ess) == (0, 8)


def test_a_population_without_particles_counts_as_nothing():
    log_z = np.array([[0.0, -np.inf], [-np.inf, -np.inf]])
    ess = np.array([[2.0, 0.0], [0.0, 0.0]])
    found = combine(log_z, ess, np.zeros((2, 2)))
    np.testing.assert_allclose(found.log_z, [-np.log(2), -np.inf])
    np.testing.assert_allclose(found.ess, [2.0, 0.0])
    np.testing.assert_allclose(found.stderr[0], 1.0)


def test_one_population_has_the_error_within_it():
    found = combine(np.array([[3.0]]), np.array([[4.0]]), np.array([[0.25]]))
    np.testing.assert_allclose(np.array(found), [[3.0], [0.5], [4.0]])


@pytest.mark.parametrize("n", [0, 1, 10])
def test_draws_are_shared_out_by_weight(n):
    weight = np.array([[0.5, 0.0], [1.5, 2.0]])
    chosen = share_out(weight, n, np.random.default_rng(1))
    assert np.all(np.diff(chosen) >= 0)
    expected = n * weight.ravel() / weight.sum()
    counts = np.bincount(chosen, minlength=4)
    assert np.all((counts >= np.floor(expected)) & (counts <= np.ceil(expected)))
