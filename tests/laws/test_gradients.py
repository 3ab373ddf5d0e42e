"""Gradients of the training loss against differences in float64, along random directions of all
trained parameters at once."""

from functools import lru_cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import KERNELS, process
from laws.models import cells_of, model_of, random_state
from quasistatic.train._step import batch_cost
from quasistatic.train.state import time_probabilities, trainable
from quasistatic.trajectory import start

NAMES = ["gaussian-learned-random", "heat-bath-uniform", "absorbing", "gaussian-x-absorbing"]


def to_double(tree):
    return jax.tree.map(
        lambda x: jnp.asarray(x, jnp.float64) if eqx.is_inexact_array(x) else x, tree
    )


@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_the_loss(name):
    """The noise is frozen by the key, so that the loss is a smooth function of network and
    schedule."""
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        model = to_double(model_of(process(name)))
        forward = model.forward
        observed = np.arange(forward.n_columns) != 1
        rows = cells_of(forward, random_state(forward, 16), observed, width=0.3)
        rows = jax.tree.map(
            lambda x: jnp.asarray(x, jnp.float64) if x.dtype == np.float32 else jnp.asarray(x), rows
        )
        parameters, static = eqx.partition(model, trainable(model))
        probabilities = to_double(time_probabilities(forward.trajectory_length, 0.3))

        @jax.jit
        @jax.value_and_grad
        def loss(parameters):
            cost = batch_cost(
                eqx.combine(parameters, static),
                rows,
                probabilities,
                key=jax.random.key(3),
                dropout=True,
            )
            return jnp.mean(cost)

        gradient = loss(parameters)[1]
        rng = np.random.default_rng(0)
        for _ in range(3):
            direction = jax.tree.map(
                lambda x: jnp.asarray(rng.standard_normal(x.shape)), parameters
            )
            along = sum(
                jnp.vdot(g, d)
                for g, d in zip(*map(jax.tree.leaves, (gradient, direction)), strict=True)
            )
            step = 1e-5
            up, down = (
                loss(jax.tree.map(lambda x, d, s=s: x + s * d, parameters, direction))[0]
                for s in (step, -step)
            )
            assert up.dtype == np.float64
            np.testing.assert_allclose((up - down) / (2 * step), along, rtol=1e-5, atol=1e-7)
        still = [
            jax.tree_util.keystr(p)
            for p, g in jax.tree_util.tree_leaves_with_path(gradient)
            if not np.any(np.asarray(g))
        ]
        assert not still, "these are not trained"


@lru_cache
def costs_and_gradients(name):
    """The process, and the function of raw outputs `[n, P]` and t: costs `[n]` and their
    gradients."""
    forward = process(name)
    begin = start(
        forward,
        jax.tree.map(lambda x: x[0], cells_of(forward, random_state(forward, 1), width=0.01)),
        key=jax.random.key(0),
    )

    def cost(raw, t):
        x_t = forward.marginal(begin.x_0, t).sample(key=jax.random.key(1))
        reverse = forward.reverse_kernel(raw, x_t, t)
        divergence = forward.bridge(x_t, begin.x_0, t).kl(reverse)
        return jnp.sum(jnp.where(t == 1, -reverse.log_cell(begin.x_0, begin.width), divergence))

    return forward, jax.jit(jax.vmap(jax.value_and_grad(cost), in_axes=(0, None)))


@pytest.mark.parametrize("size", [-1e3, -100.0, 100.0, 1e3])
@pytest.mark.parametrize("name", KERNELS)
def test_costs_and_their_gradients_stay_finite_however_sure_the_network_is(name, size):
    """A column that is the same in all rows drives the outputs towards infinity; one NaN would end
    the training."""
    forward, evaluate = costs_and_gradients(name)
    raws = size * jnp.concatenate([jnp.eye(forward.n_outputs), jnp.ones((1, forward.n_outputs))])
    for t in (1, 2, forward.trajectory_length):
        value, gradient = evaluate(raws, jnp.asarray(t))
        assert np.all(np.isfinite(value)), t
        assert np.all(np.isfinite(gradient)), t
