"""Marginals: common bins, and how far two histograms are apart."""

import datetime

import numpy as np
import polars as pl
import pytest

from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.table import Table
from quasistatic.report._columns import BINS, STATES, bin_edges, marginal, read_column


def of(values, others=None, **settings):
    """The marginal of a column that holds `values` in the data and `others` in the sample."""
    frames = [
        pl.DataFrame({"c": pl.Series(v, **settings)})
        for v in (values, values if others is None else others)
    ]
    column = infer_schema(Table(pl.concat(frames))).columns[0]
    real, sampled = (read_column(Table(frame), column) for frame in frames)
    return marginal(column, real, sampled)


def test_equal_columns_are_not_apart(rng):
    found = of(rng.normal(size=300))
    assert found.distance == 0.0
    assert 0 < found.chance < 0.2
    assert found.real.sum() == pytest.approx(1)
    np.testing.assert_array_equal(found.real, found.sampled)


def test_disjoint_columns_are_wholly_apart(rng):
    assert of(rng.normal(0, 1, 200), rng.normal(90, 1, 200)).distance == 1.0
    assert of(["a", "b"] * 50, ["c", "d"] * 50).distance == 1.0


def test_the_chance_level_is_the_mean_distance_of_equal_distributions(rng):
    """400 pairs of 200 and 300 draws: the mean distance has a standard error of about 1 %, and is
    met within 5 %."""
    found = [
        of(rng.integers(0, 6, 200).astype(str), rng.integers(0, 6, 300).astype(str))
        for _ in range(400)
    ]
    ratio = np.mean([m.distance for m in found]) / np.mean([m.chance for m in found])
    assert abs(ratio - 1) < 0.05


def test_bins_on_a_lattice_hold_as_many_points_each():
    values = np.repeat(np.arange(0.0, 100.0), 3)
    edges = bin_edges(values, lattice=True)
    assert len(edges) - 1 <= BINS
    width = np.diff(edges)
    assert np.all(width == width[0])
    assert np.all(edges % 1 == 0.5)
    assert edges[0] < 0
    assert edges[-1] > 99


def test_a_far_tail_is_counted_in_the_last_bin(rng):
    values = np.concatenate([rng.normal(size=500), [1e9, 2e9]])
    found = of(values)
    assert found.beyond == 4  # real and sampled
    assert found.real.sum() == pytest.approx(1)
    assert found.real[-1] >= 2 / 502
    assert all(abs(float(text)) < 100 for _, text in found.ticks)


def test_rare_categories_share_a_bar(rng):
    values = [f"state {i}" for i in rng.integers(0, 40, 2000)]
    found = of(values)
    assert len(found.labels) == STATES + 1
    assert found.merged == 40 - STATES
    assert found.real.sum() == pytest.approx(1)
    assert found.labels[-1] == "30 others"


def test_missing_cells_are_counted_and_left_out():
    found = of([1.5, None, 2.5, None] * 20, [1.5, 2.5] * 40)
    assert found.missing == 40
    assert found.distance == 0.0


@pytest.mark.parametrize(
    "values",
    [[1e300, -1e300, 5.5e299] * 20, [1e-300, 2e-300, 7.1e-300] * 20, [1e6 + 1e-9, 1e6] * 20],
)
def test_numbers_at_the_ends_of_float64(values):
    found = of(values)
    assert found.real.sum() == pytest.approx(1)
    places = np.array([place for place, _ in found.ticks])
    assert np.all((places >= -1e-6) & (places <= len(found.real) + 1e-6))


def test_dates_are_written_as_dates():
    days = [datetime.date(2020, 1, 1) + datetime.timedelta(i) for i in range(100)]
    found = of(days)
    assert found.ticks[0] == (pytest.approx(0.5 / 100 * len(found.real), abs=1), "2020-01-01")
    assert [text for _, text in found.ticks][-1].startswith("2020-04")


def test_a_few_whole_numbers_get_a_bin_and_a_tick_each():
    found = of(np.repeat([2007, 2008, 2009], 30))
    assert found.ticks == ((0.5, "2007"), (1.5, "2008"), (2.5, "2009"))


def test_without_data_there_is_nothing_to_be_apart_from(rng):
    frame = Table(pl.DataFrame({"c": rng.normal(size=50)}))
    column = infer_schema(frame).columns[0]
    found = marginal(column, None, read_column(frame, column))
    assert found.real is None
    assert np.isnan(found.distance)


def test_a_column_that_is_missing_throughout(rng):
    frame = Table(pl.DataFrame({"c": rng.normal(size=50)}))
    column = infer_schema(frame).columns[0]
    holes = read_column(Table(pl.DataFrame({"c": pl.Series([None] * 5, dtype=pl.Float64)})), column)
    found = marginal(column, holes, read_column(frame, column))
    assert found.real is None
    assert found.missing == 5
