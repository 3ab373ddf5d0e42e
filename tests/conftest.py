"""Strict JAX, one compilation cache for the whole suite, and fixed seeds."""

import gc
import os
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from jaxtyping import install_import_hook

from house.checker import PACKAGES
from rooms import RoomScheduling, place_of

REPOSITORY = Path(__file__).resolve().parents[1]
COMPILER = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
"""XLA's quickest way to compile: the suite is thousands of small programs that each run once or
twice. With `jax_disable_most_optimizations` it takes a quarter of the time that users wait."""

# Here, before another conftest imports JAX; subprocesses inherit it.
os.environ["XLA_FLAGS"] = f"{COMPILER} {os.environ.get('XLA_FLAGS', '')}".strip()
os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.3"
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["COLUMNS"] = "120"
os.environ["NO_COLOR"] = "1"

# The annotations of the mathematical rooms are checked on every call.
install_import_hook(PACKAGES, "house.checker.checked")

hypothesis.settings.register_profile("house", deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    """Make JAX strict; subprocesses share its cache."""
    import jax

    from quasistatic import compiled

    gc.set_threshold(50_000, 20, 20)  # tracing makes little garbage; looking for it costs a tenth
    if config.pluginmanager.has_plugin("cacheprovider"):
        cache = os.environ["JAX_COMPILATION_CACHE_DIR"] = str(config.cache.mkdir("jax"))
        jax.config.update("jax_compilation_cache_dir", cache)
    jax.config.update("jax_disable_most_optimizations", True)  # where JAX was there already
    jax.config.update("jax_numpy_dtype_promotion", "strict")
    jax.config.update("jax_numpy_rank_promotion", "raise")
    compiled.QUICKLY["xla_backend_optimization_level"] = 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest rooms first (`rooms.py`)."""
    items.sort(key=lambda item: place_of(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log) -> RoomScheduling:
    """Rooms are handed out whole, and in order."""
    config.option.loadscopereorder = False
    return RoomScheduling(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Programs stay for all tests of the process, up to the number that it has memory maps for."""
    from quasistatic.compiled import forget_programs_if_crowded

    if item.path != _last_path[0]:
        forget_programs_if_crowded()
        _last_path[0] = item.path


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
