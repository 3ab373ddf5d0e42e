"""The laws compile some hundred small programs that each run once: compiled without optimisation, they take a third of the time.

`tests/surface` runs the same programs as users do.
"""

import jax
import pytest


@pytest.fixture(autouse=True, scope="module")
def _quick_compilation():
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)
