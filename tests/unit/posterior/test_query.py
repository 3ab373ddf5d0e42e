"""Whole tables: chunks, order, equal rows, holes; exactly the number of rows asked for; impossible
evidence as data."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import KERNELS
from laws.models import cells_of, model_of, random_state
from quasistatic.data.cells import Cells
from quasistatic.errors import DataError
from quasistatic.posterior import AllOf, Function, Observed, Range, Soft
from quasistatic.posterior.condition import condition_rows
from quasistatic.posterior.query import evidence_of_rows, impute_rows, posterior_rows

KEY = jax.random.key(3)


@pytest.fixture(scope="module")
def model():
    return model_of(KERNELS["gaussian-x-absorbing"](), scale=0.2)


@pytest.fixture(scope="module")
def rows(model):
    x = random_state(model.forward, 12, seed=2)
    x = jax.tree.map(lambda a: np.concatenate([a, a[:2]]), x)  # the last two equal the first two
    z, codes = cells_of(model.forward, x, width=0.25)
    return z._replace(observed=np.arange(14)[:, None] % 3 != 0), codes._replace(
        observed=codes.observed & (np.arange(14) % 4 != 1)[:, None]
    )


def test_holes_are_filled_and_the_rest_is_kept(model, rows):
    found = impute_rows(model, rows, n_imputations=3, particles=8, key=KEY)
    for drawn, cells in zip(found.draws, rows, strict=True):
        state = np.moveaxis(drawn, 1, 0)
        assert state.shape == (3, *cells.value.shape)
        assert state.dtype == cells.value.dtype
        assert np.array_equal(
            state[:, cells.observed],
            np.broadcast_to(cells.value[cells.observed], (3, cells.observed.sum())),
        )
    assert np.all(found.draws[1] < 3)
    whole = rows[0].observed.all(1) & rows[1].observed.all(1)
    assert np.array_equal(np.isnan(found.log_evidence), whole)
    holes = ~rows[0].observed[:, 0]
    assert len(np.unique(found.draws[0][holes, :, 0])) > holes.sum()  # not one value
    assert found.draws[0][0, 0, 0] != found.draws[0][12, 0, 0]  # equal rows, other draws


def test_chunks_and_order_change_nothing(model, rows):
    one = evidence_of_rows(model, rows, particles=8, key=KEY)
    chunked = evidence_of_rows(model, rows, particles=8, key=KEY, chunk=16)
    np.testing.assert_allclose(one.lower, chunked.lower, rtol=1e-5)
    order = np.random.default_rng(0).permutation(12)
    some = evidence_of_rows(model, tuple(c.take(order) for c in rows), particles=8, key=KEY)
    np.testing.assert_allclose(one.lower[:12][order], some.lower, rtol=1e-5)
    np.testing.assert_allclose(one.lower[:2], one.lower[12:], rtol=1e-5)  # equal rows, equal noise


def test_a_row_without_cells_is_a_plain_sample(model, rows):
    nothing = tuple(c._replace(observed=np.zeros_like(c.observed)) for c in rows)
    found = impute_rows(model, nothing, n_imputations=2, particles=8, key=KEY)
    assert np.all(found.log_evidence == 0)
    assert np.all(found.draws[1] < 3)
    with pytest.raises(DataError, match="no row"):
        evidence_of_rows(model, tuple(c.take(np.zeros(0, int)) for c in rows), particles=8, key=KEY)


@pytest.mark.parametrize("n", [0, 1, 7, 300])
def test_exactly_as_many_rows_as_asked_for(model, n):
    evidence = AllOf(
        (Range.of([0.2], [jnp.inf]), Soft.of([[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]], block=1))
    )
    found = condition_rows(model, evidence, n, key=KEY)
    assert found.draws[0].shape == (1, n, 1)
    assert np.all(found.draws[0] >= 0.2)
    assert np.all(found.draws[1][:, :, 0] == 0)
    assert np.isfinite(found.log_evidence)
    assert found.stderr < 0.2
    assert 1 <= found.ess <= found.particles


def test_impossible_evidence_returns_nothing(model):
    contradiction = AllOf((Range.of([1.0], [jnp.inf]), Range.of([-jnp.inf], [0.5])))
    for evidence in (
        contradiction,
        Function(lambda x: jnp.where(x[0][0] > 99.0, 0.0, -jnp.inf), guided=False),
        Function(lambda x: jnp.nan * x[0][0]),
    ):
        found = condition_rows(model, evidence, 5, key=KEY)
        assert found.log_evidence == -np.inf
        assert found.draws[0].shape == (1, 0, 1)
        assert found.ess == 0


def test_collapse_is_told(model):
    """A range of probability 1e-5, unguided: hardly a particle gets there."""
    needle = Function(lambda x: jnp.where(jnp.abs(x[0][0]) < 0.02, 0.0, -jnp.inf), guided=False)
    row = jax.tree.map(
        lambda x: x[None],
        AllOf(
            (
                Observed.of(
                    (
                        Cells(np.zeros(1, np.float32), np.array([False])),
                        Cells(np.zeros(2, np.int32), np.array([True, False])),
                    )
                ),
                needle,
            )
        ),
    )
    found = posterior_rows(model, row, draws=2, particles=8, key=KEY)
    assert found.collapsed[0]
    assert eqx.tree_equal(found.impossible, ~np.isfinite(found.log_evidence))
