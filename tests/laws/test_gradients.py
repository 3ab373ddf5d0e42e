"""Gradients of the training loss against differences in float64, along random directions of all trained parameters at once."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import KERNELS
from laws.models import cells_of, model_of, random_state
from quasistatic.train.state import time_probabilities, trainable
from quasistatic.train.step import batch_cost

NAMES = ["gaussian-learned-random", "heat-bath-uniform", "absorbing", "gaussian-x-absorbing"]


def to_double(tree):
    return jax.tree.map(lambda x: jnp.asarray(x, jnp.float64) if eqx.is_inexact_array(x) else x, tree)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_the_loss(name):
    """The noise is frozen by the key, so that the loss is a smooth function of network and schedule."""
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        model = to_double(model_of(KERNELS[name]()))
        forward = model.forward
        observed = np.arange(forward.n_columns) != 1
        rows = cells_of(forward, random_state(forward, 16), observed, width=0.3)
        rows = jax.tree.map(lambda x: jnp.asarray(x, jnp.float64) if x.dtype == np.float32 else jnp.asarray(x), rows)
        parameters, static = eqx.partition(model, trainable(model))
        probabilities = to_double(time_probabilities(forward.trajectory_length, 0.3))

        @jax.jit
        @jax.value_and_grad
        def loss(parameters):
            cost = batch_cost(eqx.combine(parameters, static), rows, probabilities, key=jax.random.key(3), dropout=True)
            return jnp.mean(cost)

        gradient = loss(parameters)[1]
        rng = np.random.default_rng(0)
        for _ in range(3):
            direction = jax.tree.map(lambda x: jnp.asarray(rng.standard_normal(x.shape)), parameters)
            along = sum(jnp.vdot(g, d) for g, d in zip(*map(jax.tree.leaves, (gradient, direction)), strict=True))
            step = 1e-5
            up, down = (
                loss(jax.tree.map(lambda x, d, s=s: x + s * d, parameters, direction))[0] for s in (step, -step)
            )
            assert up.dtype == np.float64
            np.testing.assert_allclose((up - down) / (2 * step), along, rtol=1e-5, atol=1e-7)
        still = [
            jax.tree_util.keystr(p)
            for p, g in jax.tree_util.tree_leaves_with_path(gradient)
            if not np.any(np.asarray(g))
        ]
        assert not still, "these are not trained"
