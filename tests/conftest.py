"""Strict JAX, one compilation cache for the whole suite, and fixed seeds."""

import os
from pathlib import Path

import hypothesis
import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
QUICK_ROOMS = [
    REPOSITORY / "tests" / room
    for room in (
        "laws",
        "unit/estimator",
        "unit/fitting",
        "unit/posterior",
        "unit/report",
        "unit/train",
        "surface/test_cli_images.py",
        "surface/test_bad_images.py",
    )
]

hypothesis.settings.register_profile("house", deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    """Make JAX strict before any test module is imported; subprocesses share the cache through the
    environment."""
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(config.cache.mkdir("jax"))
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.3"
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ["COLUMNS"] = "120"
    os.environ["NO_COLOR"] = "1"
    import jax

    jax.config.update("jax_numpy_dtype_promotion", "strict")
    jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """How XLA compiles is a matter of the room, settled before any fixture of whatever scope: same
    room, same bits.

    Rooms of many small programs that each run once are compiled without optimisation, which takes a
    third of the time; `tests/surface` runs the same programs as users do, but for images, whose
    networks are slow to compile. Between modules all programs are forgotten: they are of no use to
    the next, and a process with thousands of them runs out of memory maps."""
    import jax

    if item.path != _last_path[0]:
        jax.clear_caches()
        _last_path[0] = item.path
    jax.config.update(
        "jax_disable_most_optimizations",
        any(room in (item.path, *item.path.parents) for room in QUICK_ROOMS),
    )


_last_path: list[Path | None] = [None]


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
