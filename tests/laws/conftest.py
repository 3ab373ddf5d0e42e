"""The laws compile some hundred small programs that each run once: compiled without optimisation, they take a third of the time."""

import jax
import pytest


@pytest.fixture(autouse=True, scope="module")
def _quick_compilation(request):
    """For every module but those that set `OPTIMISED = True`: they test the programs as users run them."""
    jax.config.update("jax_disable_most_optimizations", not getattr(request.module, "OPTIMISED", False))
    yield
    jax.config.update("jax_disable_most_optimizations", False)
