"""Memory grows neither with T nor with the number of rows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from quasistatic import rows as chunked
from quasistatic.assemble import assemble
from quasistatic.bound import bound_terms, evaluate_log_weights, evaluate_terms
from quasistatic.config import ModelConfig
from quasistatic.data.cells import Cells
from quasistatic.trajectory import log_weight, sample, sample_rows

N_CONTINUOUS, N_DISCRETE = 3, 4


def model_of(length: int):
    config = ModelConfig(length, width=16, depth=1, dropout=0.0)
    return assemble(
        config, np.zeros(N_CONTINUOUS), [np.array([0.3, 0.7])] * N_DISCRETE, key=jax.random.key(0)
    )


def rows_of(n: int) -> tuple[Cells, Cells]:
    rng = np.random.default_rng(0)
    return (
        Cells(
            rng.normal(size=(n, N_CONTINUOUS)).astype(np.float32), np.ones((n, N_CONTINUOUS), bool)
        ),
        Cells(rng.integers(0, 2, (n, N_DISCRETE)).astype(np.int32), np.ones((n, N_DISCRETE), bool)),
    )


def working_bytes(function, length: int) -> int:
    """Of one chunk of 256 rows, compiled."""
    n, model = 256, model_of(length)
    rows = jax.tree.map(jnp.asarray, rows_of(n))

    def chunk(rows, key):
        return jax.vmap(lambda row, i: function(model, row, jax.random.fold_in(key, i)))(
            rows, jnp.arange(n)
        )

    return (
        jax.jit(chunk).lower(rows, jax.random.key(0)).compile().memory_analysis().temp_size_in_bytes
    )


OBSERVED = (np.ones(N_CONTINUOUS, bool), np.ones(N_DISCRETE, bool))
WALKS = {
    "bound": lambda model, row, key: bound_terms(model, row, key=key),
    "ais": lambda model, row, key: log_weight(model, row, key=key),
    "sample": lambda model, row, key: sample(model, OBSERVED, key=key),
}


@pytest.mark.parametrize("walk", list(WALKS))
def test_working_memory_does_not_grow_with_the_steps(walk):
    """Tables of the process are, T times some numbers a column; the path of every row would be 25
    times as much."""
    short, long = working_bytes(WALKS[walk], 10), working_bytes(WALKS[walk], 1000)
    assert short > 0
    assert (long - short) / 990 <= 24 * 4 * N_CONTINUOUS


def test_rows_are_evaluated_in_chunks(monkeypatch):
    shapes = []

    def note(function, model, rows, checksums, repetition, key):
        shapes.append(checksums.shape[0])
        assert all(leaf.shape[0] == checksums.shape[0] for leaf in jax.tree.leaves(rows))
        return np.asarray(repetition, np.float32)

    monkeypatch.setattr(chunked, "evaluate_pairs", note)
    result = evaluate_log_weights(model_of(2), rows_of(700), trajectories=5, key=jax.random.key(0))
    assert shapes == [chunked.CHUNK] * 4
    np.testing.assert_array_equal(result, np.tile(np.arange(5), (700, 1)))
    shapes.clear()
    evaluate_log_weights(model_of(2), rows_of(3), trajectories=3, key=jax.random.key(0), chunk=4)
    assert shapes == [4, 4, 4]


def test_the_chunk_does_not_change_the_result():
    model, rows = model_of(3), rows_of(9)
    whole = evaluate_terms(model, rows, repetitions=2, key=jax.random.key(1)).total
    parts = evaluate_terms(model, rows, repetitions=2, key=jax.random.key(1), chunk=4).total
    np.testing.assert_allclose(parts, whole, atol=1e-5, rtol=0)


def test_rows_are_sampled_in_chunks(monkeypatch):
    import quasistatic.trajectory as trajectory

    sizes = []

    def note(one, model, index, key):
        assert one is sample
        sizes.append(index.shape[0])
        return (np.asarray(index, np.int32)[:, None],)

    monkeypatch.setattr(trajectory, "_reverse", note)
    drawn = sample_rows(model_of(2), 2 * chunked.CHUNK + 5, key=jax.random.key(0))
    assert sizes == [chunked.CHUNK] * 3
    np.testing.assert_array_equal(drawn[0][:, 0], np.arange(2 * chunked.CHUNK + 5))
