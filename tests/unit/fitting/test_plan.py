"""How much of a fit is done: by what was counted, less what was given up, never more than all."""

import numpy as np
import polars as pl
import pytest

from quasistatic import DiffusionDensity, workers
from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.table import from_frame
from quasistatic.fitting import FitSettings, _plan
from quasistatic.fitting._candidates import candidates
from quasistatic.fitting._plan import Plan, groups


def test_shares_of_what_was_counted():
    plan = Plan()
    plan.count(7)
    assert plan.done("a", 0.5) == pytest.approx(0.5 / 7)
    assert plan.done("a", 1.0) == pytest.approx(1 / 7)
    plan.give_up(4)
    assert plan.done("b", 0.5) == pytest.approx(1.5 / 3)


def test_more_than_was_counted_is_all_of_it():
    plan = Plan()
    assert plan.done("a", 1.0) == 1.0
    assert plan.done("b", 0.0) == 0.5
    assert plan.done("b", 1.0) == 1.0


@pytest.mark.parametrize(
    ("n_folds", "completed", "expected"),
    [
        (None, False, [3, 1]),
        (None, True, [3, 3, 1]),
        (4, False, [3, 9, 1, 1]),
        (4, True, [3, 3, 4, 1, 1, 1]),  # one trial goes on, each training is two
        (1, True, [3, 0, 1, 1, 1, 1]),
    ],
)
def test_groups_of_three_trials_and_two_members(n_folds, completed, expected):
    assert groups(3, n_folds, 2, completed=completed) == expected


@pytest.mark.usefixtures("untrained")
def test_a_fit_ends_with_all_of_it_done():
    """Four folds of two candidates, one of which is given up, and all rows."""
    rows = np.random.default_rng(0).normal(size=(80, 2))
    told = []
    DiffusionDensity(random_state=0, members=2).fit(rows, callback=told.append)
    shares = [event.share for event in told]
    assert max(shares) == shares[-1] == 1.0
    assert 0 < shares[0] < 0.3


@pytest.mark.parametrize(
    ("n_cores", "processes", "minutes"),
    [(1, 1, 10 / 12), (2, 1, 10 / 7), (8, 1, 10 / 4), (8, 2, 10 / 12)],
)
def test_a_limit_of_time_is_dealt_to_the_trainings_after_one_another(
    monkeypatch, n_cores, processes, minutes
):
    """Two candidates of four folds, all rows, three further members: twelve trainings."""
    monkeypatch.setattr(_plan, "cores", lambda: n_cores)
    monkeypatch.setattr(workers, "count", lambda: processes)
    schema = infer_schema(from_frame(pl.DataFrame({"x": np.random.default_rng(0).normal(size=40)})))
    options = candidates(40, schema, FitSettings(max_minutes=10.0), clusters=2)
    assert [option.train.max_minutes for option in options] == [pytest.approx(minutes)] * 2
