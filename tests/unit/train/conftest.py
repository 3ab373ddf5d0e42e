"""A model of two columns that compiles quickly, and rows for it."""

import jax
import numpy as np
import pytest

from quasistatic.assemble import assemble
from quasistatic.config import ModelConfig
from quasistatic.data.cells import Cells

NAMES = ("x", "c", "d")


def rows_of(n: int, seed: int = 0) -> tuple[Cells, Cells]:
    rng = np.random.default_rng(seed)
    c = rng.random(n) < 0.3
    d = rng.random(n) < 0.2 + 0.6 * c
    value = (rng.normal(size=n) * 0.5 + c).astype(np.float32)[:, None]
    codes = np.stack([c, d], axis=1).astype(np.int32)
    return Cells(value, np.ones((n, 1), bool)), Cells(codes, np.ones((n, 2), bool))


@pytest.fixture(scope="session")
def rows():
    return rows_of(64)


@pytest.fixture(scope="session")
def valid_rows():
    return rows_of(32, seed=1)


@pytest.fixture(scope="session")
def model():
    config = ModelConfig(2, width=4, depth=1, dropout=0.25)
    return assemble(config, np.zeros(1), [np.array([0.7, 0.3])] * 2, key=jax.random.key(0))
