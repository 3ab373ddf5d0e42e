"""How much of a fit is done: by what was counted, less what was given up, never more than all."""

import numpy as np
import pytest

from quasistatic import DiffusionDensity
from quasistatic.fitting._plan import Plan


def test_shares_of_what_was_counted():
    plan = Plan()
    plan.count(3, 2, completed=True)  # six, and another member
    assert plan.done("a", 0.5) == pytest.approx(0.5 / 7)
    assert plan.done("a", 1.0) == pytest.approx(1 / 7)
    plan.give_up(2)
    assert plan.done("b", 0.5) == pytest.approx(1.5 / 3)


def test_more_than_was_counted_is_all_of_it():
    plan = Plan()
    assert plan.done("a", 1.0) == 1.0
    assert plan.done("b", 0.0) == 0.5
    assert plan.done("b", 1.0) == 1.0


@pytest.mark.usefixtures("untrained")
def test_a_fit_ends_with_all_of_it_done():
    """Four folds of two candidates, one of which is given up, and all rows."""
    rows = np.random.default_rng(0).normal(size=(80, 2))
    told = []
    DiffusionDensity(random_state=0, members=2).fit(rows, callback=told.append)
    shares = [event.share for event in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert 0 < shares[0] < 0.3
