"""Excel workbooks, made here of their smallest parts."""

import sys
from datetime import date

import pytest

from quasistatic.data.files import read_table
from quasistatic.errors import DataError
from workbooks import workbook


def test_a_sheet_is_read_as_a_person_sees_it(tmp_path):
    rows = [["n", "x", "d", "s", "money"]]
    rows += [[i, i / 4, date(2020, 1, 1 + i), "ab"[i % 2], f"${i},000"] for i in range(1, 6)]
    rows += [[7, None, None, None, None]]
    table = read_table(workbook(tmp_path / "t.xlsx", {"empty": [], "data": rows, "more": rows}))
    assert table.names == ["n", "x", "d", "s", "money"]
    assert table.frame["n"].to_list() == [1, 2, 3, 4, 5, 7]
    assert table.frame["n"].dtype.is_integer()
    assert table.frame["x"].to_list() == [0.25, 0.5, 0.75, 1.0, 1.25, None]
    assert table.frame["d"].to_list()[:2] == [date(2020, 1, 2), date(2020, 1, 3)]
    assert table.frame["money"].to_list() == [1000, 2000, 3000, 4000, 5000, None]
    assert "sheet 'data' is read" in table.notes[0]


def test_a_workbook_without_rows(tmp_path):
    with pytest.raises(DataError, match="no sheet has rows"):
        read_table(workbook(tmp_path / "t.xlsx", {"one": [], "two": []}))


def test_without_the_reader_the_message_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    path = workbook(tmp_path / "t.xlsx", {"one": [["a"], [1], [2]]})
    with pytest.raises(DataError, match=r"need the library fastexcel\n.*quasistatic\[excel\]"):
        read_table(path)
