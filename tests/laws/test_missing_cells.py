"""Missing cells: nothing of an unobserved cell enters a result, and its column contributes 0.

That the rest is the likelihood of the observed cells is in `test_likelihood.py` and
`test_linear_gaussian.py`."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import KERNELS, process
from laws.models import cells_of, flags_of, model_of, random_state
from quasistatic.bound import bound_terms, step_cost
from quasistatic.data.cells import Cells
from quasistatic.trajectory import log_weight, start

NAMES = ["gaussian-cosine", "gaussian-fourier-learned", "absorbing", "gaussian-x-heat-bath"]


@eqx.filter_jit
def everything(model, row, t, key):
    """All results of one row; the cost per column for every t."""
    cost = jax.vmap(lambda s: step_cost(model, start(model.forward, row, key=key), s, key=key))(t)
    begin = start(model.forward, row, key=key)
    features = model.forward.features(begin.x_0, begin.observed, 1)
    return log_weight(model, row, key=key), bound_terms(model, row, key=key), cost, features


def results(name: str, observed, seed: int):
    """Of a row whose unobserved cells hold values that depend on the seed."""
    model = model_of(process(name))
    forward = model.forward
    kept, other = (
        cells_of(forward, random_state(forward, 1, s), observed, width=0.5) for s in (0, seed)
    )

    def merge(a: Cells, b: Cells) -> Cells:
        value = np.where(a.observed, a.value, b.value)
        return jax.tree.map(lambda x: jnp.asarray(x[0]), a._replace(value=value))

    row = tuple(map(merge, kept, other))
    t = jnp.arange(1, forward.trajectory_length + 1)
    return jax.tree.map(np.asarray, everything(model, row, t, jax.random.key(5)))


@pytest.mark.parametrize("name", NAMES)
def test_the_stored_value_of_a_missing_cell_does_not_matter(name):
    D = process(name).n_columns
    for hole in (0, D - 1):
        observed = np.arange(D) != hole
        first, second = results(name, observed, 1), results(name, observed, 4)
        assert eqx.tree_equal(first, second)
        log_weight_, terms, cost, _ = first
        assert np.all(cost[:, hole] == 0)
        assert np.all(np.isfinite(cost))
        assert np.isfinite(log_weight_)
        assert np.isfinite(terms.total)
        assert np.any(cost[:, observed] != 0)


@pytest.mark.parametrize("name", NAMES)
def test_a_row_with_nothing_observed_weighs_one(name):
    log_weight_, terms, _, features = results(name, np.zeros(process(name).n_columns, bool), 1)
    assert log_weight_ == 0
    assert terms.total == 0
    assert np.all(features == 0)


@pytest.mark.parametrize("name", KERNELS)
def test_features_do_not_leak(name):
    forward = process(name)
    features = jax.jit(lambda x, o: jax.vmap(lambda y: forward.features(y, o, 1))(x))
    x = random_state(forward, 32)
    for hole in range(forward.n_columns):
        observed = np.arange(forward.n_columns) != hole
        flags = flags_of(forward, observed)
        found = np.asarray(features(x, flags))
        assert found.shape == (32, forward.n_features)
        whole = np.asarray(features(x, jax.tree.map(lambda f: jnp.ones_like(f), flags)))
        changed = np.any(found != whole, axis=0)
        assert np.any(changed)  # the hole is seen as a hole
        assert np.all(found[:, changed] == 0)
