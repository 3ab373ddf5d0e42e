"""How many rows go side by side, and chunks of them."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from quasistatic import threads
from quasistatic.forward import ErasureSchedule, GaussianDiffusion
from quasistatic.model import DiffusionModel
from quasistatic.network.base import AbstractNetwork
from quasistatic.rows import in_chunks, joined, rows_at_once


class Zero(AbstractNetwork):
    """A network without weights."""

    n_features: int = eqx.field(static=True)
    n_outputs: int = eqx.field(static=True)

    def __call__(self, features, time, *, key=None):
        return jnp.zeros(self.n_outputs)


def of_width(n_columns: int) -> DiffusionModel:
    forward = GaussianDiffusion(ErasureSchedule(2), n_columns)
    return DiffusionModel(forward, Zero(forward.n_features, forward.n_outputs))


@pytest.mark.parametrize(
    ("n_columns", "n_rows", "walks", "size"),
    [
        (10, 1, 1, 64),
        (10, 64, 1, 64),
        (10, 65, 1, 128),
        (10, 5_000, 1, 1024),  # narrow: few sizes
        (784, 1, 1, 2),
        (784, 3, 1, 4),
        (784, 5_000, 1, 167),
        (10**6, 5_000, 1, 16),  # wide: no idle images
        (10, 1, 16, 4),
        (10, 5_000, 16, 64),
        (10, 5_000, 4096, 1),
        (784, 1, 16, 1),  # particles
    ],
)
def test_rows_at_once(n_columns, n_rows, walks, size):
    assert rows_at_once(of_width(n_columns), n_rows, 1024, walks=walks) == size


@pytest.mark.parametrize("n_cores", [1, 3])
@pytest.mark.parametrize("n", [1, 7, 8, 30])
def test_chunks_on_any_number_of_cores(monkeypatch, n, n_cores):
    """In order, each of the one shape, the last one cut."""
    monkeypatch.setattr(threads, "cores", lambda: n_cores)

    def program(index):
        assert index.shape == (8,)
        return {"twice": jnp.asarray(2 * index), "same": index}

    found = joined(in_chunks(program, n, 8))
    np.testing.assert_array_equal(found["same"], np.arange(n))
    np.testing.assert_array_equal(found["twice"], 2 * np.arange(n))
