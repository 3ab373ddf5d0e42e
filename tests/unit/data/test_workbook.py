"""Excel workbooks, made here of their smallest parts."""

import sys
import zipfile
from datetime import date

import pytest

from quasistatic.data.files import read_table
from quasistatic.errors import DataError

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def cell(value):
    if value is None:
        return "<c/>"
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
    if isinstance(value, date):
        return f'<c s="1"><v>{(value - date(1899, 12, 30)).days}</v></c>'
    return f"<c><v>{value}</v></c>"


def workbook(path, sheets):
    names = list(sheets)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r0" '
        f'Type="{REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{REL}"><sheets>'
        + "".join(
            f'<sheet name="{name}" sheetId="{i}" r:id="r{i}"/>' for i, name in enumerate(names, 1)
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        + "".join(
            f'<Relationship Id="r{i}" Type="{REL}/worksheet" Target="worksheets/s{i}.xml"/>'
            for i in range(1, len(names) + 1)
        )
        + f'<Relationship Id="rs" Type="{REL}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><cellXfs count="2"><xf numFmtId="0"/>'
        '<xf numFmtId="14"/></cellXfs></styleSheet>',
    }
    for i, rows in enumerate(sheets.values(), 1):
        body = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
        parts[f"xl/worksheets/s{i}.xml"] = (
            f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData></worksheet>'
        )
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
    return path


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
