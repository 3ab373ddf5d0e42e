"""`DiffusionDensity.privacy`: a model that repeats its table is found, and what is refused."""

import numpy as np
import pytest

from quasistatic import DataError, SettingError
from quasistatic.data.table import from_frame
from quasistatic.fitted import privacy as room
from quasistatic.fitted.privacy_words import sentences


@pytest.fixture(scope="module")
def model(build_tiny):
    """Two continuous columns, random weights."""
    X = np.random.default_rng(1).normal(3.0, 2.0, size=(48, 2))
    return build_tiny(X, trajectory_length=4)


@pytest.fixture(scope="module")
def tables():
    rng = np.random.default_rng(1)
    return rng.normal(3.0, 2.0, size=(48, 2)), rng.normal(3.0, 2.0, size=(32, 2))


def test_the_models_own_rows_are_nobodys(model, tables):
    found = model.privacy(*tables, n=40, random_state=2)
    assert (found.drawn, found.train, found.holdout) == (40, 48, 32)
    assert found.fitted_on_train
    assert found.nearer.expected == 0.6
    assert abs(found.nearer.share - 0.6) < 5 * found.nearer.stderr
    assert found.copies_drawn == found.copies_holdout == 0
    assert found.membership.rows == (48, 32)
    assert set(found.guesses) == {"x0", "x1"}
    log_p = [model.log_likelihood(t, "ais", random_state=2).lower for t in tables]
    assert found.membership.gap == pytest.approx(log_p[0].mean() - log_p[1].mean(), abs=1e-4)
    assert found == model.privacy(*tables, n=40, random_state=2)
    assert model.privacy(*tables, rows=20, random_state=2).membership.rows == (20, 20)
    assert found.to_json()["nearer"]["rows"] == 40


def test_a_model_that_repeats_its_table_is_found(model, tables, monkeypatch):
    """In every answer but the likelihood, which is not asked of draws."""
    copied = from_frame(tables[0])
    monkeypatch.setattr(room, "sample", lambda fitted, n, key: copied.take(np.arange(n)))
    found = model.privacy(*tables, n=48)
    assert found.copies_drawn == 48
    assert min(found.nearer.share, found.nearer_of_closest.share) > 1 - 1e-12
    assert found.guess.train == 0
    assert found.guess.advantage > 3 * found.guess.stderr
    said = " ".join(sentences(found))
    assert "100.0 % of 48 drawn rows" in said
    assert said.count("more than chance explains") == 3
    other = model.privacy(tables[0][:30], tables[1], n=30)
    assert "not, row by row, the table" in " ".join(sentences(other))


def test_what_is_no_hold_out(model, tables):
    train, holdout = tables
    with pytest.raises(DataError, match="the table that the model was fitted on: no hold-out"):
        model.privacy(train, train)
    with pytest.raises(DataError, match="these are the rows of"):
        model.privacy(holdout, holdout[::-1])
    with pytest.raises(DataError, match="there are 19 rows, too few"):
        model.privacy(train, holdout[:19])
    with pytest.raises(SettingError, match="n = 5 must be at least 20"):
        model.privacy(train, holdout, n=5)
    with pytest.raises(SettingError, match="rows = 2 must be at least 20"):
        model.privacy(train, holdout, rows=2)
    inside = np.concatenate([holdout[:5], train[:27]])
    assert "Most rows of the hold-out" in " ".join(sentences(model.privacy(train, inside)))
