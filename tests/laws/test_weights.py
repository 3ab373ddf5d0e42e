"""Factors of the costs in the loss: each counts for its own step, and the simple ones make the
noise's error count alike at every t."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import randomised
from quasistatic.data.cells import Cells
from quasistatic.forward import GaussianDiffusion, cosine_schedule, linear_schedule
from quasistatic.model import DiffusionModel
from quasistatic.network import ResidualMLP
from quasistatic.train._step import batch_cost
from quasistatic.train.state import time_probabilities
from quasistatic.train.weights import simple_weights

T = 6


@pytest.fixture
def costs_with(rng):
    """The costs of the same draws of one batch as a function of the weights."""
    forward = GaussianDiffusion(cosine_schedule(T), 2)
    network = randomised(
        ResidualMLP(forward.n_features, forward.n_outputs, width=8, key=jax.random.key(0)), 0
    )
    model = DiffusionModel(forward, network)
    x = jnp.asarray(rng.standard_normal((3 * T, 2)), jnp.float32)
    rows = (Cells(x, jnp.ones(x.shape, bool)),)

    def costs(weights):
        found = batch_cost(
            model,
            rows,
            time_probabilities(T, None),
            weights=weights,
            key=jax.random.key(1),
            dropout=False,
        )
        return np.asarray(found, np.float64)

    return costs


def test_each_factor_is_that_of_its_step(costs_with):
    nothing = costs_with((0.0,) * T)
    alone = np.array([costs_with(tuple(np.eye(T)[t].tolist())) - nothing for t in range(T)])
    assert np.all((np.abs(alone).sum(axis=2) > 0).sum(axis=0) == 1)  # every row has one step
    assert np.all((np.abs(alone).sum(axis=2) > 0).sum(axis=1) == 3)  # and every step three rows
    np.testing.assert_allclose(nothing + alone.sum(axis=0), costs_with(None), rtol=1e-4, atol=1e-4)
    weights = (0.5, 3.0, 1.0, 2.0, 0.25, 7.0)
    np.testing.assert_allclose(
        nothing + np.tensordot(weights, alone, 1), costs_with(weights), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize(
    "schedule", [cosine_schedule(T), linear_schedule(40)], ids=["cosine", "linear"]
)
def test_simple_weights_make_the_error_of_the_noise_count_alike(schedule):
    """KL(q(x_{t-1}|x_t,x_0) || q(x_{t-1}|x_t,x_0')) w_t over the squared difference of the noises
    that x_0 and x_0' imply."""
    forward = GaussianDiffusion(schedule, 1)
    x_0, other = jnp.asarray([0.3]), jnp.asarray([-0.4])
    ratios = []
    for t, weight in enumerate(simple_weights(schedule), start=1):
        x_t = jnp.asarray([0.1])
        divergence = forward.bridge(x_t, x_0, t).kl(forward.bridge(x_t, other, t))
        squared = jnp.exp(schedule.log_snr(t)) * jnp.square(x_0 - other)
        ratios.append(float(weight * divergence[0] / squared[0]))
    np.testing.assert_allclose(ratios[1:], ratios[1], rtol=2e-3)
    np.testing.assert_allclose(np.mean(simple_weights(schedule)), 1.0, rtol=1e-6)
