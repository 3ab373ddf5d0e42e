"""The rank of a row's likelihood among rows of the model, and the line that a warning names."""

import contextlib
import copy
import warnings

import numpy as np
import polars as pl
import pytest

from quasistatic import DataError, DiffusionImputer, SettingError
from quasistatic.fitted.ranks import ranks_among
from quasistatic.posterior import query


@pytest.fixture(scope="module")
def model(build_tiny):
    """Two continuous columns, random weights."""
    X = np.random.default_rng(1).normal(3.0, 2.0, size=(48, 2))
    return build_tiny(X, trajectory_length=4)


def test_ranks_of_the_models_own_rows_are_uniform(model):
    """Kolmogorov-Smirnov between 200 ranks and 400 reference rows: the distance is below 0.21 but
    for a rate of 1e-5, and the seeds are fixed."""
    found = model.rank(model.sample(200, random_state=7), n=400, random_state=3)
    assert found.rows == 400
    grid = (np.arange(200) + 0.5) / 200
    assert np.max(np.abs(np.sort(found.share) - grid)) < 0.21


def test_a_row_far_away_has_rank_0_with_an_error(model):
    far = np.array([[3.0, 3.0], [15.0, -9.0]])
    found = model.rank(far, n=50)
    assert found.share[1] == 0
    assert found.share[0] > 0.2
    assert np.all((found.stderr > 0) & (found.stderr < 0.1))
    np.testing.assert_array_equal(found.share, model.rank(far, n=50).share)


def test_the_error_is_that_of_a_share():
    found = ranks_among(np.array([0.5]), np.arange(10_000) / 10_000)
    assert found.share[0] == 0.5
    assert found.stderr[0] == pytest.approx(0.005, rel=0.01)


def test_what_has_no_rank(model):
    with pytest.raises(DataError, match="only whole rows have a rank"):
        model.rank(np.array([[1.0, np.nan]]))
    with pytest.raises(SettingError, match="n = 1 must be at least 2"):
        model.rank(np.zeros((1, 2)), n=1)
    with pytest.raises(SettingError, match="method = 'best'"):
        model.rank(np.zeros((1, 2)), method="best")


class Stopped(Exception):
    """A walk that was about to begin."""


@pytest.fixture
def without_walks(monkeypatch):
    """Whatever walks stops there: nothing to compile."""

    def stop(*_):
        raise Stopped

    monkeypatch.setattr(query, "_walk_chunk", stop)


def warned_at(call) -> set[str]:
    """The files that the warnings of a call name, those before a walk."""
    with warnings.catch_warnings(record=True) as caught, contextlib.suppress(Stopped):
        warnings.simplefilter("always")
        call()
    assert caught
    return {entry.filename for entry in caught}


@pytest.mark.usefixtures("without_walks")
def test_a_warning_names_the_line_of_the_caller(model):
    """Through the density, through a transformer that scikit-learn wraps, and through a result."""
    far = np.array([[1e6, np.nan]])
    assert warned_at(lambda: model.impute(far, 1)) == {__file__}
    assert warned_at(lambda: model.denoise(far, 1.0, n_draws=2, particles=2)) == {__file__}
    assert warned_at(lambda: model.condition({"x0": 1e6})) == {__file__}
    guessed = model.posterior(lambda row: row["x0"] * np.nan, guided=False)
    assert warned_at(lambda: guessed.log_evidence) == {__file__}


@pytest.mark.usefixtures("without_walks")
def test_a_warning_through_scikit_learns_wrapper_names_the_line_of_the_caller(model):
    imputer = DiffusionImputer(particles=2, random_state=0).set_output(transform="polars")
    density = copy.copy(model)
    density.feature_names_in_ = np.array(["x0", "x1"], dtype=object)
    imputer.density_, imputer._seed = density, 0
    imputer.n_features_in_ = 2
    imputer.feature_names_in_ = np.array(["x0", "x1"], dtype=object)
    frame = pl.DataFrame({"x0": [1e6], "x1": [None]}, schema={"x0": pl.Float64, "x1": pl.Float64})
    assert warned_at(lambda: imputer.transform(frame)) == {__file__}
