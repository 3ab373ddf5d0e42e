"""The same seed gives the same bytes; jit, the order of the rows, the size of a chunk and padding
change nothing."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import UNEVEN, process
from laws.models import all_observed, cells_of, model_of, random_state
from quasistatic.bound import bound_terms, evaluate_log_weights, evaluate_terms
from quasistatic.forward import (
    AbsorbingDiffusion,
    GaussianDiffusion,
    ProductDiffusion,
    cosine_schedule,
)
from quasistatic.forward.categorical import pad_log_probs
from quasistatic.trajectory import log_weight, sample

NAMES = ["absorbing", "gaussian-x-heat-bath"]
N, R = 11, 3


def take(rows, index):
    return tuple(cells.take(index) for cells in rows)


def case(name: str):
    model = model_of(process(name))
    return model, cells_of(model.forward, random_state(model.forward, N), width=0.1)


def evaluate(model, rows, chunk: int = 16):
    key = jax.random.key(1)
    return evaluate_log_weights(model, rows, trajectories=R, key=key, chunk=chunk), evaluate_terms(
        model, rows, repetitions=R, key=key, chunk=chunk
    )


@pytest.mark.parametrize("name", NAMES)
def test_results_of_a_row_depend_on_the_row_alone(name):
    model, rows = case(name)
    log_weights, terms = evaluate(model, rows)
    assert log_weights.shape == terms.total.shape == (N, R)
    assert log_weights.dtype == np.float64
    again = evaluate(model, rows)
    assert log_weights.tobytes() == again[0].tobytes()
    assert eqx.tree_equal(terms, again[1])
    order = np.random.default_rng(0).permutation(N)
    permuted = evaluate(model, take(rows, order))
    np.testing.assert_allclose(permuted[0], log_weights[order], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(permuted[1].total, terms.total[order], rtol=1e-5, atol=1e-5)
    chunked = evaluate_log_weights(model, rows, trajectories=R, key=jax.random.key(1), chunk=8)
    np.testing.assert_allclose(chunked, log_weights, rtol=1e-5, atol=1e-5)
    some = evaluate_log_weights(
        model, take(rows, order[:2]), trajectories=R, key=jax.random.key(1)
    )  # padded from 6 to 8
    np.testing.assert_allclose(some, log_weights[order[:2]], rtol=1e-5, atol=1e-5)
    other = evaluate_log_weights(model, rows, trajectories=R, key=jax.random.key(2), chunk=16)
    assert np.all(np.any(other != log_weights, axis=1))
    if name.startswith(
        "gaussian"
    ):  # rows that differ: rows and trajectories have noise of their own
        assert len(np.unique(log_weights)) == N * R


def test_jit_changes_nothing():
    blocks = (
        GaussianDiffusion(cosine_schedule(2), 1),
        AbsorbingDiffusion(2, pad_log_probs(UNEVEN[:1])),
    )
    model = model_of(ProductDiffusion(blocks))
    row = jax.tree.map(
        lambda x: jnp.asarray(x[0]),
        cells_of(model.forward, random_state(model.forward, 1), width=0.1),
    )

    def everything(model, row, key):
        return (
            log_weight(model, row, key=key),
            bound_terms(model, row, key=key),
            sample(model, all_observed(model.forward), key=key),
        )

    compiled = eqx.filter_jit(everything)(model, row, jax.random.key(0))
    with jax.disable_jit():
        plain = everything(model, row, jax.random.key(0))
    for a, b in zip(jax.tree.leaves(compiled), jax.tree.leaves(plain), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
