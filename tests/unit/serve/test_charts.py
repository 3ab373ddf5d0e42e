"""The pictures: of one value as of many, with words, and no markup from the data."""

from xml.etree import ElementTree

import numpy as np
import pytest

from quasistatic.data.schema import Column
from quasistatic.serve.charts.distributions import (
    bars,
    cell_of_numbers,
    compared_bars,
    compared_numbers,
)
from quasistatic.serve.charts.pairs import Axis, scatter
from quasistatic.serve.charts.walks import costs, way

NAME = "<b> & 'c' \""
WHOLE = Column(NAME, "integer", "Int64", step=1.0)
REAL = Column(NAME, "continuous", "Float64")
DAY = Column(NAME, "datetime", "Date", step=1.0, unit="d")
KIND = Column(NAME, "categorical", "String", categories=("a", "<i>"))
VALUES = [np.full(9, 3.0), np.array([1.0, 2.0]), np.arange(300.0), np.r_[np.zeros(99), 1e12]]


def shown(svg: str) -> str:
    """The words of a picture that is well-formed, of finite numbers."""
    root = ElementTree.fromstring(str(svg))
    assert root.tag == "svg"
    assert not [e for e in root.iter() if "style" in e.attrib]
    text = "".join(root.itertext()) + root.attrib["aria-label"]
    assert "nan" not in str(svg)
    assert "inf" not in str(svg)
    return text


@pytest.mark.parametrize("column", [WHOLE, REAL, DAY], ids=["whole", "real", "day"])
@pytest.mark.parametrize("value", VALUES, ids=["constant", "two", "many", "far"])
def test_numbers_of_any_spread_are_drawn(column, value):
    if column is DAY and value.max() > 1e6:
        value = np.minimum(value, 1e6)
    told = cell_of_numbers(value, column)
    assert told.mode in shown(told.svg)
    assert NAME in shown(compared_numbers(value, value[:1], column))
    assert NAME in shown(compared_numbers(None, value, column))
    assert NAME in shown(way(value[:5], value[:5], column))
    across = Axis(column, value)
    assert NAME in shown(scatter(across, across, (value, value), "real", "rows"))


def test_the_interval_holds_nine_tenths_of_the_draws():
    told = cell_of_numbers(np.random.default_rng(0).integers(0, 100, 5000).astype(float), WHOLE)
    low, high = map(float, told.interval.split(" to "))
    assert (low, high) == (pytest.approx(5, abs=1), pytest.approx(94, abs=1))


def test_states_are_drawn_with_what_is_rare_in_one_bar():
    told = bars(np.array([0.7, 0.3]), ["a", "<i>"], NAME)
    assert (told.mode, told.interval) == ("a", "a, <i>")
    assert "<i>" in shown(told.svg)
    many = bars(np.full(40, 1 / 40), [f"state {i}" for i in range(40)], NAME)
    assert "30 others" in shown(many.svg)
    assert "<i>" in shown(
        compared_bars(np.array([0.0, 1.0]), np.array([0.5, 0.5]), ["a", "<i>"], "")
    )
    masked = way(np.array([0.0, np.nan]), np.array([np.nan, 1.0]), KIND)
    assert "destroyed in 1 steps, made again as <i>" in shown(masked)


def test_costs_are_drawn_with_their_errors_also_below_zero():
    text = shown(costs(np.array([2.0, -0.5, 0.1]), np.array([0.1, 0.1, 0.0])))
    assert "step 2 -0.50; prior 0.10" in text
