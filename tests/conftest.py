"""Strict JAX, one compilation cache for the whole suite, and fixed seeds."""

import os
from pathlib import Path

import hypothesis
import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]

hypothesis.settings.register_profile("house", deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    """Make JAX strict before any test module is imported; subprocesses share the cache through the environment."""
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(config.cache.mkdir("jax"))
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.3"
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ["COLUMNS"] = "120"
    os.environ["NO_COLOR"] = "1"
    import jax

    jax.config.update("jax_numpy_dtype_promotion", "strict")
    jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture
def key():
    """A JAX key, the same in every run."""
    import jax

    return jax.random.key(20150309)


@pytest.fixture
def rng() -> np.random.Generator:
    """A NumPy generator, the same in every run."""
    return np.random.default_rng(20150309)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def penguins_path() -> Path:
    """The example table: 344 rows, numbers, categories, holes."""
    return REPOSITORY / "examples" / "penguins.csv"


@pytest.fixture(autouse=True, scope="module")
def _forget_programs():
    """Programs of one module are of no use to the next, and a process with thousands of them runs out of memory maps."""
    yield
    import jax

    jax.clear_caches()
