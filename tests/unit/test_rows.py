"""How many rows go side by side."""

import equinox as eqx
import jax.numpy as jnp
import pytest

from quasistatic.forward import ErasureSchedule, GaussianDiffusion
from quasistatic.model import DiffusionModel
from quasistatic.network.base import AbstractNetwork
from quasistatic.rows import rows_at_once


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
