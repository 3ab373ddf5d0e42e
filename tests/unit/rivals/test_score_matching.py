"""Score matching against the closed form of a Gaussian."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from quasistatic.rivals import score_matching
from quasistatic.rivals.double import in_double
from quasistatic.rivals.energy import AbstractEnergy
from quasistatic.rivals.network_energy import network_energy, score
from rivals_oracles import flat, moved


class Quadratic(AbstractEnergy):
    """`-1/2 (x - m)' P (x - m)`."""

    mean: jax.Array
    root: jax.Array

    def log_weight(self, x):
        return -0.5 * jnp.sum(jnp.square(self.root @ (x - self.mean)))


def gaussian(rows, sigma=0.0):
    """The energy of the rows' mean and covariance, blurred by sigma."""
    precision = np.linalg.inv(np.cov(rows.T, bias=True) + sigma**2 * np.eye(rows.shape[1]))
    return Quadratic(jnp.asarray(rows.mean(axis=0)), jnp.asarray(np.linalg.cholesky(precision).T))


def mean_loss(energy, rows):
    return jnp.mean(jax.vmap(lambda x: score_matching.loss(energy, x))(rows))


def test_the_closed_form_of_a_gaussian_is_the_minimum(rng):
    rows = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 3)) + 1.0
    best = gaussian(rows)
    assert np.abs(flat(in_double(jax.grad(mean_loss), best, rows))).max() < 1e-5
    beside = eqx.tree_at(lambda e: e.root, best, 1.1 * best.root)
    assert in_double(mean_loss, beside, rows) > in_double(mean_loss, best, rows)


def test_the_trace_is_that_of_the_second_derivatives(rng):
    energy = network_energy(3, 8, key=jax.random.key(23))
    x = jnp.asarray(rng.normal(size=3), jnp.float32)
    slope = score(energy, x)
    curvature = jnp.trace(jax.hessian(energy.log_weight)(x))
    assert abs(score_matching.loss(energy, x) - (0.5 * slope @ slope + curvature)) < 1e-4


def mean_blurred(energy, rows):
    blurred = score_matching.denoising(0.3)
    return jnp.mean(jax.vmap(lambda x: blurred(energy, x, jax.random.key(26)))(rows))


@pytest.mark.parametrize("mean", [mean_loss, mean_blurred])
def test_the_gradient_by_finite_differences(mean, rng):
    energy = jax.tree.map(np.float64, network_energy(2, 4, key=jax.random.key(24)))
    rows = rng.normal(size=(5, 2))
    direction = jax.tree.map(lambda x: rng.normal(size=x.shape), energy)
    gradient = flat(in_double(jax.grad(mean), energy, rows)) @ flat(direction)
    up, down = (in_double(mean, moved(energy, direction, s), rows) for s in (1e-5, -1e-5))
    assert abs((up - down) / 2e-5 - gradient) < 1e-6 * max(1, abs(gradient))


def test_both_forms_are_fitted(rng):
    """Within 0.1 of the precision matrix; the denoising one of the blurred rows."""
    rows = rng.normal(size=(4000, 2)) @ np.array([[1.0, 0.5], [0.0, 0.7]])
    start = Quadratic(jnp.zeros(2), jnp.eye(2))
    sigma = 0.5
    for loss, blur in ((score_matching.exact, 0.0), (score_matching.denoising(sigma), sigma)):
        found = score_matching.fit(
            loss, start, jnp.asarray(rows, jnp.float32), updates=1500, rate=0.02,
            key=jax.random.key(25),
        )  # fmt: skip
        best = gaussian(rows, blur).root
        assert np.abs(found.root.T @ found.root - best.T @ best).max() < 0.15
