"""SMC: E Z = p(x_0) with resampling, for any promise; log Z below log p (z-tests, false-alarm rate
1e-6, fixed seeds)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from cases import process
from laws.enumeration import Chain
from laws.models import Constant, cells_of, flags_of, model_of, random_state
from laws.statistics import assert_mean, assert_mean_at_most
from laws.test_linear_gaussian import affine_model, moments
from quasistatic.bound import evaluate_log_weights, weighted_bound
from quasistatic.bound.smc import evaluate_populations, population_bound
from quasistatic.bound.twist import Twist, fit_twist
from quasistatic.data.cells import Cells
from quasistatic.forward import ErasureSchedule, binomial_diffusion, cosine_schedule
from quasistatic.model import DiffusionModel

RUNS = 512
NAMES = ["heat-bath-uniform", "absorbing-many-steps", "gaussian-erasure", "gaussian-x-absorbing"]


def greedy(model) -> Twist:
    """A bad promise: G + A, as if the model's guess were exact. It resamples often."""
    return Twist(jnp.ones(model.trajectory_length + 1), jnp.ones(model.trajectory_length + 1))


def populations(model, rows, particles=4, threshold=0.9, seed=1):
    return evaluate_populations(
        model,
        rows,
        greedy(model),
        particles=particles,
        runs=RUNS,
        key=jax.random.key(seed),
        threshold=threshold,
        chunk=1 << 12,
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_normaliser_is_unbiased_with_resampling(name):
    forward = process(name)
    model = model_of(forward, scale=0.2 if name.startswith("gaussian") else 0.4)
    x_0 = random_state(forward, 4, seed=3)
    log_p = Chain(model).log_prob(x_0)
    found = populations(model, cells_of(forward, x_0))
    assert found.n_resampled.mean() > 0.3
    assert_mean(np.exp(found.log_z - log_p[:, None]), 1.0, tolerance=1e-3)
    assert_mean_at_most(found.log_z, log_p, tolerance=2e-4)
    bound = population_bound(found)
    assert np.all(np.abs(bound.lower - log_p) < 6 * bound.stderr)
    assert np.all((bound.ess >= 1) & (bound.ess <= 4 * RUNS * 1.001))


def test_a_row_with_a_hole():
    forward = process("absorbing-many-steps")
    model, observed = model_of(forward, scale=0.4), np.array([True, False, True])
    x_0 = random_state(forward, 2, seed=3)
    chain = Chain(model, flags_of(forward, observed))
    log_p = np.logaddexp.reduce([chain.log_prob((x_0[0].at[:, 1].set(v),)) for v in range(3)])
    found = populations(model, cells_of(forward, x_0, observed))
    assert_mean(np.exp(found.log_z - log_p[:, None]), 1.0, tolerance=1e-3)


def test_cells_fillers_and_densities_of_a_linear_model():
    """Closed form: a column of an atom is integrated out, the other has a density; and the whole
    density."""
    model = affine_model(cosine_schedule(8))
    mean, covariance = moments(model)
    x = np.array([[0.3, -0.2], [-1.0, 0.5]], np.float32)
    flags, zeros = np.ones(x.shape, bool), np.zeros(x.shape, np.float32)
    filler = np.broadcast_to(np.array([False, True]), x.shape)
    log_p = stats.norm(mean[0], np.sqrt(covariance[0, 0])).logpdf(x[:, 0])
    found = populations(model, (Cells(x, flags, zeros, filler),))
    assert found.n_resampled.mean() > 0.1
    assert_mean(np.exp(found.log_z - log_p[:, None]), 1.0, tolerance=2e-3)
    log_p = stats.multivariate_normal(mean, covariance).logpdf(x)
    found = populations(model, (Cells(x, flags),))
    assert_mean(np.exp(found.log_z - log_p[:, None]), 1.0, tolerance=2e-3)


def test_without_resampling_it_is_importance_weighting():
    forward = process("heat-bath-uniform")
    model, x_0 = model_of(forward), random_state(forward, 4)
    rows = cells_of(forward, x_0)
    found = populations(model, rows, particles=16, threshold=0.0)
    assert np.all(found.n_resampled == 0)
    plain = weighted_bound(
        evaluate_log_weights(
            model, rows, trajectories=16 * RUNS, key=jax.random.key(9), chunk=1 << 12
        ).reshape(-1, 16)
    )
    shape = (4, RUNS)
    assert_mean(found.log_z - plain.lower.reshape(shape), 0.0, tolerance=1e-4)
    # Without resampling the family variance is that of independent weights.
    np.testing.assert_allclose(np.sqrt(found.variance).mean(), plain.stderr.mean(), rtol=0.1)


def test_a_fitted_promise_resamples_nothing_without_dissipation():
    """The null model: all weights are equal, and one particle is as good as many."""
    forward = binomial_diffusion(ErasureSchedule(6), [0.2, 0.5])
    model = DiffusionModel(forward, Constant(jnp.zeros(forward.n_outputs), forward.n_features))
    twist = fit_twist(model, key=jax.random.key(0), n_rows=8, trajectories=4)
    x_0 = random_state(model.forward, 4)
    found = evaluate_populations(
        model, cells_of(model.forward, x_0), twist, particles=4, runs=2, key=jax.random.key(1)
    )
    assert np.all(found.n_resampled == 0)
    np.testing.assert_allclose(found.ess, 4.0, rtol=1e-4)
    np.testing.assert_allclose(found.variance, 0.0, atol=1e-5)
    exact = np.log(np.array([0.2, 0.5]))[None] * np.asarray(x_0[0]) + np.log([0.8, 0.5])[None] * (
        1 - np.asarray(x_0[0])
    )
    np.testing.assert_allclose(found.log_z, np.repeat(exact.sum(1)[:, None], 2, 1), atol=1e-4)
