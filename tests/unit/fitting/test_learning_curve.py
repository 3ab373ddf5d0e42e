"""What the learning curve says of three bounds, and what it fits on."""

import numpy as np
import pytest

from quasistatic import DataError
from quasistatic.data.table import from_frame
from quasistatic.fitting import FitSettings
from quasistatic.fitting import learning_curve as room
from quasistatic.fitting.learning_curve import _curve, learning_curve

ROWS = (25, 50, 100)


def bounds(rng, *means: float, noise: float = 0.1, n: int = 400) -> np.ndarray:
    """Log p of the same rows after three fits: a spread that they share, and one of their own."""
    return rng.normal(size=n) + np.array(means)[:, None] + noise * rng.normal(size=(3, n))


def test_gains_are_paired_and_the_next_one_follows_the_power(rng):
    log_p = bounds(rng, -3.0, -2.0, -1.5)
    found = _curve(ROWS, log_p)
    np.testing.assert_allclose(found.bounds, log_p.mean(1))
    np.testing.assert_allclose(found.gains, np.diff(log_p.mean(1)))
    spread = np.diff(log_p, axis=0).std(axis=1, ddof=1) / 20
    np.testing.assert_allclose(found.gain_stderrs, spread)
    assert found.gain_stderrs[1] < 0.3 * found.stderrs[1]
    assert found.next_gain == pytest.approx(found.gains[1] ** 2 / found.gains[0])
    draws = log_p[:, rng.integers(0, 400, (2000, 400))].mean(axis=2)  # the bootstrap
    again = (draws[2] - draws[1]) ** 2 / (draws[1] - draws[0])
    assert found.next_stderr == pytest.approx(again.std(), rel=0.15)  # 5 of its own errors
    assert found.answer.startswith("Yes: from 50 to 100 rows the held-out bound changed by +0.5")
    assert "another doubling adds 0.2" in found.answer
    assert found.to_json()["held_out"] == 400


def test_what_cannot_be_seen_is_not_said(rng):
    assert "within chance" in _curve(ROWS, bounds(rng, -3.0, -2.0, -2.0)).answer
    grows = _curve(ROWS, bounds(rng, -3.0, -2.5, -1.5))
    assert "do not yet shrink" in grows.answer
    assert np.isnan(grows.next_gain)
    assert "It cannot be told" in _curve(ROWS, bounds(rng, -3.0, -2.0, -2.5)).answer


@pytest.mark.usefixtures("untrained")
def test_parts_are_nested_and_the_model_itself_is_the_last_fit(build_tiny, monkeypatch):
    rng = np.random.default_rng(1)
    train, holdout = (from_frame(rng.normal(3.0, 2.0, size=(n, 2))) for n in (84, 32))
    model = build_tiny(train, trajectory_length=4)
    given = model.get_params() | {"seed": model.manifest_["seed"]}
    del given["random_state"]
    fitted_on, fit = [], room.fit_constrained

    def watched(table, schemas, settings):
        fitted_on.append({tuple(row) for row in table.frame.rows()})
        assert schemas.options == (model.schema_,)
        assert settings.trajectory_length == 4
        return fit(table, schemas, settings)

    monkeypatch.setattr(room, "fit_constrained", watched)
    found = learning_curve(model.fitted_, FitSettings(**given), train, holdout, 4, seed=2)
    assert found.rows == (21, 42, 84)
    assert [len(rows) for rows in fitted_on] == [21, 42]
    assert fitted_on[0] < fitted_on[1] < set(train.frame.rows())
    own = model.log_likelihood(holdout, "ais", 4, random_state=2)
    assert found.bounds[-1] == pytest.approx(own.mean, abs=1e-5)
    with pytest.raises(DataError, match="fitted on: no hold-out"):
        learning_curve(model.fitted_, FitSettings(**given), train, train)
    with pytest.raises(DataError, match="there are 60 rows, too few"):
        learning_curve(model.fitted_, FitSettings(**given), train.take(np.arange(60)), holdout)
