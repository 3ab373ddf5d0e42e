"""Rows in and out: JSON to a table and back, images too, and no path of the machine kept."""

import datetime

import numpy as np
import polars as pl
import pytest

from quasistatic import DiffusionDensity
from quasistatic.data.table import Table
from quasistatic.errors import SchemaError
from quasistatic.serve.questions import about, row_schema
from quasistatic.serve.subject import Subject, cell_text, plain


@pytest.fixture(scope="module")
def dated() -> Subject:
    rng = np.random.default_rng(5)
    days = [datetime.date(2020, 1, 1) + datetime.timedelta(int(d)) for d in rng.integers(0, 90, 40)]
    frame = pl.DataFrame({"day": days, "flag": rng.random(40) < 0.5, "x": rng.normal(size=40)})
    density = DiffusionDensity(model="mixture", random_state=0).fit(frame)
    return Subject.of("dated", density, Table(frame, "/a/path/of/mine.csv"), "mine.csv")


def test_rows_come_back_as_they_were_asked(dated):
    rows = [{"day": "2020-02-03", "flag": True, "x": 0.5}, {"day": None, "flag": "False", "x": "1"}]
    found = dated.rows_of(dated.table_of(rows))
    assert found == [
        {"day": "2020-02-03", "flag": True, "x": 0.5},
        {"day": None, "flag": False, "x": 1.0},
    ]
    assert dated.rows_of(dated.table_of([{}])) == [{"day": None, "flag": None, "x": None}]
    with pytest.raises(SchemaError, match="unknown column"):
        dated.table_of([{"y": 1}])
    with pytest.raises(SchemaError, match="no date"):
        dated.table_of([{"day": "soon"}])


def test_no_path_is_kept_and_columns_are_told(dated):
    assert dated.table is not None
    assert dated.table.source == "mine.csv"
    assert [c["kind"] for c in about(dated)["columns"]] == ["datetime", "binary", "continuous"]
    assert row_schema(dated)["properties"]["flag"] == {"enum": [False, True, None]}


def test_a_table_with_other_columns_is_refused(dated):
    with pytest.raises(SchemaError):
        Subject.of("dated", dated.density, Table(pl.DataFrame({"x": [1.0]})), "other.csv")


def test_values_are_plain():
    found = plain(
        {"a": np.float32("nan"), "b": (np.int64(3), datetime.date(2020, 1, 2)), "c": True}
    )
    assert found == {"a": None, "b": [3, "2020-01-02"], "c": True}
    assert [cell_text(x) for x in (None, 3.0, 2.5, "a")] == ["", "3", "2.5", "a"]
