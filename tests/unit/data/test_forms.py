"""Files as people have them: each kind is read right, and written back in its form."""

import json
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest

from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.files import read_table
from quasistatic.data.fitted_codec import fit_codec
from quasistatic.data.output import delimited_text, write_table
from quasistatic.data.reading import read_as
from quasistatic.data.schema import Schema
from quasistatic.data.table import Table
from quasistatic.data.text._plain import read_plain
from quasistatic.data.text.written import read_column
from quasistatic.errors import DataError, SchemaError

RNG = np.random.default_rng(0)
N = 40
X = [f"{x:.3f}" for x in RNG.normal(size=N)]
"""A column of ordinary numbers that goes with the others."""


def lines(*columns, names=None, separator=",", end="\n"):
    head = names or [chr(ord("a") + j) for j in range(len(columns))]
    rows = [head, *zip(*columns, strict=True)]
    return end.join(separator.join(map(str, row)) for row in rows) + end


def table_of(tmp_path, content, name="t.csv", **options):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path, **options)


def described(table, overrides=None):
    schema = infer_schema(table, overrides)
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema
    return {row["name"]: (row["kind"], row["detail"]) for row in schema.describe()}


def cycle(*cells):
    return [cells[i % len(cells)] for i in range(N)]


@pytest.mark.parametrize(
    ("cells", "values", "kind"),
    [
        (("1,121", "2,894", "12,005"), (1121, 2894, 12005), "integer"),
        (("$83.25", "$1,035.80", "-$0.50"), (83.25, 1035.8, -0.5), "continuous"),
        (("77%", "5%", "12%"), (77, 5, 12), "integer"),
        (("12,50 €", "1.234,00 €", "0,99 €"), (12.5, 1234.0, 0.99), "continuous"),
        (("1'234.50", "99.25", "2'000.00"), (1234.5, 99.25, 2000.0), "continuous"),
        (("1 234,5", "12,0", "7 000,5"), (1234.5, 12.0, 7000.5), "continuous"),
        (("(5.00)", "1,234.50", "2.25"), (-5.0, 1234.5, 2.25), "continuous"),
        (("5,50-", "1.234,50", "2,25"), (-5.5, 1234.5, 2.25), "continuous"),
        (("−5", "3", "-2"), (-5, 3, -2), "integer"),
        (("–5.5", "3.25", "–2"), (-5.5, 3.25, -2), "continuous"),
        (("5 kg", "7.5 kg", "6 kg"), (5.0, 7.5, 6.0), "continuous"),
        (("3,5", "2,25", "0,125"), (3.5, 2.25, 0.125), "continuous"),
        (("1,23,456", "12,34,567", "1,234"), (123456, 1234567, 1234), "integer"),
        (("1.5e3", "2e-2", "7"), (1500.0, 0.02, 7.0), "continuous"),
        (("02134", "00011", "10001"), ("02134", "00011", "10001"), "categorical"),
        (("8944001234567890100000", "8944001234567890100001", "1"), None, "categorical"),
        (("A1", "A2", "B1"), None, "categorical"),
        (("12A", "3A", "4A"), None, "categorical"),
        (("5 kg", "7 lb", "6 kg"), None, "categorical"),
        (("$5", "€7", "$6"), None, "categorical"),
    ],
)
def test_numbers_have_forms(tmp_path, cells, values, kind):
    quoted = [f'"{cell}"' for cell in cycle(*cells)]
    table = table_of(tmp_path, lines(quoted, X))
    assert table.frame["a"].head(3).to_list() == list(values or cells)
    assert described(table)["a"][0] == kind


def test_per_cent_end_at_100(tmp_path):
    """And at 0, of which as many values tell; numbers without the sign do not."""
    share = np.random.default_rng(0).integers(0, 101, 300)
    table = table_of(tmp_path, lines([f"{k}%" for k in share], [str(k) for k in share]))
    with_sign, without = infer_schema(table).columns[:2]
    assert (with_sign.lower, with_sign.upper, with_sign.held) == (0, 100, ("lower", "upper"))
    assert (without.lower, without.upper) == (0, None)


@pytest.mark.parametrize(
    ("cells", "values", "overrides"),
    [
        (("31/1/2020", "5/12/2020", "9/6/2021"), [date(2020, 1, 31), date(2020, 12, 5)], None),
        (("1/31/85", "12/5/85", "2/28/01"), [date(1985, 1, 31), date(1985, 12, 5)], None),
        (("31.01.2020", "05.12.2020", "01.01.2021"), [date(2020, 1, 31), date(2020, 12, 5)], None),
        (("5-Jan-20", "12-Dec-21", "7-May-19"), [date(2020, 1, 5), date(2021, 12, 12)], None),
        (
            ("05-JAN-2020", "12-DEC-2021", "07-MAY-2019"),
            [date(2020, 1, 5), date(2021, 12, 12)],
            None,
        ),
        (("January 5, 2020", "May 12, 2020", "June 7, 2019"), [date(2020, 1, 5)], None),
        (("2020-01", "2021-12", "2019-05", "2020-07"), [date(2020, 1, 1), date(2021, 12, 1)], None),
        (("Jan 2020", "Dec 2021", "May 2019", "Jul 2020"), [date(2020, 1, 1)], None),
        (("2020Q1", "2021Q4", "2020Q3", "2019Q2"), [date(2020, 1, 1), date(2021, 10, 1)], None),
        (
            ("20200131", "20210228", "20190301", "20200229", "20201231"),
            [date(2020, 1, 31), date(2021, 2, 28)],
            None,
        ),
        (
            ("1/31/2020 3:05 PM", "12/5/2020 11:59 AM", "2/28/2021 12:00 AM"),
            [datetime(2020, 1, 31, 15, 5), datetime(2020, 12, 5, 11, 59)],
            None,
        ),
        (
            ("2020-01-31 10:00:00.250", "2020-12-05 11:30:00.500", "2021-12-05 11:30:00.000"),
            [datetime(2020, 1, 31, 10, 0, 0, 250_000)],
            None,
        ),
        (("10:30", "9:15", "23:59"), [time(10, 30), time(9, 15)], None),
        (("3:05 pm", "11:59 am", "12:00 am"), [time(15, 5), time(11, 59), time(0, 0)], None),
        (("26:15:00", "1:02:03", "0:30:00"), [timedelta(hours=26, minutes=15)], None),
        (("PT1H30M", "PT45M", "P1DT2H"), [timedelta(hours=1, minutes=30)], None),
        (("1 days 02:03:04", "0 days 00:10:00", "3 days 00:00:01"), [timedelta(1, 7384)], None),
        (("2h 30m", "45m", "1h 5m"), [timedelta(hours=2, minutes=30)], None),
        (("1:23.456", "0:59.003", "12:00.500"), [timedelta(seconds=83.456)], None),
        (("13-8-20", "14-12-16", "1-1-17"), [date(2020, 8, 13), date(2016, 12, 14)], None),
        (
            ("1/1/85", "2/1/85", "12/1/87"),
            [date(1985, 1, 1), date(1985, 2, 1), date(1987, 12, 1)],
            {"format": "%m/%d/%y"},
        ),
        (("1/1/45", "2/1/85", "12/1/87"), [date(1945, 1, 1)], {"format": "%d/%m/%y", "pivot": 30}),
        (("7/1/1985 x", "2/1/1985 x"), [date(1985, 1, 7)], {"format": "%d/%m/%Y x"}),
    ],
)
def test_times_have_forms_and_are_written_in_them(tmp_path, cells, values, overrides):
    given = None if overrides is None else {"columns": {"a": {"kind": "datetime"} | overrides}}
    quoted = [f'"{cell}"' for cell in cycle(*cells)]
    table = table_of(tmp_path, lines(quoted, X))
    schema = infer_schema(table, given)
    assert schema.column("a").kind in ("datetime", "time", "duration")
    read = read_as(table, schema)
    assert read.frame["a"].head(len(values)).to_list() == values
    codec = fit_codec(table, schema)
    written = codec.table_of(codec.encode(table).rows, "rows").text.written["a"]
    assert written.write(read.frame["a"]).head(len(cells)).to_list() == list(cells)
    back = codec.decode(codec.encode(table).rows)
    assert back["a"].equals(read.frame["a"])


def test_offsets_are_universal_time_and_kept_in_the_form_of_the_column(tmp_path):
    stamps = cycle("2020-01-31T10:00:00+02:00", "2020-07-05T11:30:00+02:00")
    table = table_of(tmp_path, lines(stamps, X))
    assert table.frame["a"][0].isoformat() == "2020-01-31T08:00:00+00:00"
    schema = infer_schema(table)
    form = schema.column("a").written
    assert form.write(table.frame["a"]).to_list() == stamps


@pytest.mark.parametrize(
    ("content", "names", "values"),
    [
        ("sep=;\na;b\n1;2\n3;4\n", ["a", "b"], [1, 3]),
        ("SEP=,\r\na,b\r\n1,2\r\n3,4\r\n", ["a", "b"], [1, 3]),
        ("sep=\t\na\tb\n1\t2\n3\t4\n", ["a", "b"], [1, 3]),
        ("sep=^\na^b\n1^2\n3^4\n", ["a", "b"], [1, 3]),
        ("a b  c\n1 2 3\n4   5 6\n", ["a", "b", "c"], [1, 4]),
        ("  a b\n  1 2\n 10 5\n", ["a", "b"], [1, 10]),
        ("a,b\n1,2\n3,4\n\x1a", ["a", "b"], [1, 3]),
        ("a,b\n1,2\n3,4\x1a", ["a", "b"], [1, 3]),
        ("a,b\n1,2,\n3,4,\n", ["a", "b"], [1, 3]),
        ('"a","b"\n"r1",1,2\n"r2",3,4\n', ["row", "a", "b"], ["r1", "r2"]),
        ('a,b\n5",2\n7,3\n', ["a", "b"], ['5"', "7"]),
        ('a, "b"\n1, "x, y"\n3, "z"\n', ["a", "b"], [1, 3]),
        ('a,b\n"x \\"y\\", z",2\nw,3\n', ["a", "b"], ['x "y", z', "w"]),
        ("a;b\n1,5;2\n3;4\n", ["a", "b"], [1.5, 3.0]),
        ("a;b, in EUR\n1,5;2\n3;4\n", ["a", "b, in EUR"], [1.5, 3.0]),
        ("note\nhello, world\nsecond\n", ["note"], ["hello, world", "second"]),
        ("a,,\n1,2,\n3,4,\n", ["a", "", "column 3"], [1, 3]),
        ("# by a tool\n# in 2020\na,b\n1,2\n3,4\n", ["a", "b"], [1, 3]),
        ("#a,b\n1,2\n3,4\n", ["#a", "b"], [1, 3]),
        ("My report,\n,\na,b\n1,2\n3,4\n", ["a", "b"], [1, 3]),
    ],
)
def test_what_stands_between_cells(tmp_path, content, names, values):
    table = table_of(tmp_path, content)
    assert table.names == names
    assert table.frame[names[0]].to_list() == values


def test_no_separator_is_said(tmp_path):
    assert "runs of blanks" in table_of(tmp_path, "a b\n1 2\n3 4\n").notes[0]
    assert table_of(tmp_path, "a b\n1 2\n3\n").names == ["a b"]


def test_long_cells_are_free_text_and_long_names_an_error(tmp_path):
    long = "x" * 140_000
    table = table_of(tmp_path, lines(X, ["y" * 10] * (N - 1) + [long], names=["a", "note"]))
    assert described(table)["note"][0] == "left out"
    assert "free text" in described(table)["note"][1]
    with pytest.raises(DataError, match="line 1: the name of column 2 has 140000 characters"):
        table_of(tmp_path, lines(X, X, names=["a", long]))
    wide, row = ",".join(f"{'c' * 200}{j}" for j in range(700)), ",".join(["1.5"] * 700)
    assert len(wide) > 131_072  # the limit of Python's csv module
    assert len(table_of(tmp_path, f"{wide}\n{row}\n{row}\n").names) == 700


@pytest.mark.parametrize(
    "token",
    ["nil", "-", ".", "None", "NaT", "#DIV/0!", "#N/A", "?", "n.d.", "unknown", "--", "sold out"],
)
def test_tokens_among_numbers_are_missing_and_named(tmp_path, token):
    cells = [token if i % 20 == 3 else f"{i * 7 % 31}.5" for i in range(N)]
    table = table_of(tmp_path, lines(cells, X))
    assert table.frame["a"].dtype == pl.Float64
    assert table.frame["a"].null_count() == 2
    said = [note for note in table.notes if "'a'" in note]
    assert token == "#N/A" or (repr(token) in said[0] and "(2)" in said[0])


def test_tokens_among_many_texts_are_not_missing(tmp_path):
    table = table_of(tmp_path, lines(cycle("none", "beer", "wine", "-"), X))
    assert table.frame["a"].null_count() == 0
    assert not table.notes


def test_a_token_can_be_forced(tmp_path):
    cells = cycle("-9", "ok", "7", "-9")
    content = lines(cells, X)
    assert table_of(tmp_path, content, missing=("-9",)).frame["a"].null_count() == 20
    table = table_of(tmp_path, content)
    schema = infer_schema(table, {"columns": {"a": {"missing": ["-9", "ok"]}}})
    assert schema.column("a").missing == 30
    assert read_as(table, schema).frame["a"].null_count() == 30


def test_limits_of_detection_are_no_missing_cells(tmp_path):
    cells = ["<0.1" if i % 20 == 3 else f"{i * 7 % 31}.{i}" for i in range(N)]
    reason = described(table_of(tmp_path, lines(cells, X)))["a"]
    assert reason[0] == "left out"
    assert "38 of 40 cells are numbers, not '<0.1'" in reason[1]
    assert '"missing": ["<0.1"]' in reason[1]


@pytest.mark.parametrize(
    ("cells", "readings", "entries"),
    [
        (("1/2/2020", "3/4/2021"), ("2020-02-01", "2020-01-02"), ("%d/%m/%Y", "%m/%d/%Y")),
        (("1-2-85", "3-4-86"), ("1985-02-01", "1985-01-02"), ("%d-%m-%y", "%m-%d-%y")),
    ],
)
def test_ambiguous_dates_are_refused_with_both_readings(tmp_path, cells, readings, entries):
    table = table_of(tmp_path, lines(cycle(*cells), X))
    for overrides in (None, {"columns": {"a": {"kind": "datetime"}}}):
        with pytest.raises(SchemaError) as caught:
            infer_schema(table, overrides)
        for words in (*readings, *entries, "column 'a'", '"kind": "categorical"'):
            assert words in str(caught.value)
    found = infer_schema(table, {"columns": {"a": {"kind": "categorical"}}}).column("a")
    assert found.categories == tuple(sorted(cells))
    settled = infer_schema(table, {"columns": {"a": {"format": entries[1]}}})
    assert read_as(table, settled).frame["a"][0].isoformat() == readings[1]


@pytest.mark.parametrize(
    "cells",
    [
        ("3. Mai 2021", "11. Dezember 2020", "28. März 2021"),
        ("3 mai 2021", "11 décembre 2020", "28 août 2021"),
        ("3 de mayo de 2021", "11 de diciembre de 2020", "28 de enero de 2021"),
        ("03-MAG-21", "11-DIC-20", "28-LUG-21"),
        ("mrt 2021", "mei 2020", "okt 2021"),
        ("03/out/2021", "11/fev/2020", "28/dez/2021"),
    ],
    ids=["de", "fr", "es", "it", "nl", "pt"],
)
def test_names_of_months_in_other_languages_are_read_and_written(tmp_path, cells):
    table = table_of(tmp_path, lines(cycle(*cells), X))
    schema = infer_schema(table)
    column = schema.column("a")
    assert column.kind == "datetime"
    dates = read_as(table, schema).frame["a"]
    assert dates[1].year == 2020
    assert column.written.form.write(dates[:3]).to_list() == list(cells)


def test_the_order_of_day_and_month_is_one_in_a_file(tmp_path):
    table = table_of(tmp_path, lines(cycle("1/2/2020", "3/4/2021"), cycle("31/1/2020", "1/1/2020")))
    assert table.frame["a"][0] == date(2020, 2, 1)
    assert "the order of column 'b'" in table.notes[0]


def test_ambiguous_numbers_are_refused_with_both_readings(tmp_path):
    table = table_of(
        tmp_path, lines(cycle("1.121", "2.894", "999"), cycle("x", "y"), separator=";")
    )
    with pytest.raises(SchemaError, match=r"1.121 \(a point .*or as 1121 \('.' between thousands"):
        infer_schema(table)
    settled = infer_schema(table, {"columns": {"a": {"decimal": ","}}})
    assert read_as(table, settled).frame["a"].to_list()[:3] == [1121, 2894, 999]
    commas = lines(cycle("1,121", "2,894"), cycle("x", "y"), separator="\t")
    with pytest.raises(SchemaError, match=r"1121 .* or as 1.121"):
        infer_schema(table_of(tmp_path, commas, "t.tsv"))


def test_the_decimal_mark_is_one_in_a_file(tmp_path):
    table = table_of(tmp_path, lines(cycle("1.121", "2.894"), cycle("0,5", "1,25"), separator=";"))
    assert table.frame["a"][0] == 1121
    assert table.frame["b"].to_list()[:2] == [0.5, 1.25]


def test_a_cell_of_another_form_is_named(tmp_path):
    table = table_of(tmp_path, lines(cycle("1/2/2020", "3/4/2021"), X))
    with pytest.raises(SchemaError, match=r"'1/2/2020' in row 1 is not written .*%Y-%m-%d"):
        infer_schema(table, {"columns": {"a": {"format": "%Y-%m-%d"}}})
    numbers = table_of(tmp_path, lines(X, X))
    with pytest.raises(SchemaError, match=r"'0.126' in row 1 .* forms tried: %Y-%m-%d"):
        infer_schema(numbers, {"columns": {"b": {"kind": "datetime"}}})
    with pytest.raises(SchemaError, match="the codes are %Y"):
        infer_schema(table, {"columns": {"a": {"format": "%Q"}}})


def test_a_model_reads_other_files_as_it_was_fitted(tmp_path):
    dates = cycle("1/2/2020", "13/4/2021")
    schema = infer_schema(table_of(tmp_path, lines(dates, X)))
    other = table_of(tmp_path, lines(["1/2/2020", "3/4/2020"], X[:2]), "other.csv")
    assert read_as(other, schema).frame["a"].to_list() == [date(2020, 2, 1), date(2020, 4, 3)]
    swapped = table_of(tmp_path, lines(["1/13/2020", "3/4/2020"], X[:2]), "swapped.csv")
    with pytest.raises(SchemaError, match=r"row 1 is no date; .* in the form %-d/%-m/%Y"):
        read_as(swapped, schema)
    prices = infer_schema(table_of(tmp_path, lines([f'"{c}"' for c in cycle("$1,000", "$5")], X)))
    plain = table_of(tmp_path, lines(["1000", "$20"], X[:2]), "plain.csv")
    assert read_as(plain, prices).frame["a"].to_list() == [1000, 20]


def test_dates_have_point_masses(tmp_path):
    start = np.datetime64("2016-01-01") + RNG.integers(0, 1500, 300)
    end = np.where(RNG.random(300) < 0.6, np.datetime64("9999-12-31"), start + 30)
    table = table_of(tmp_path, lines(start, end))
    schema = infer_schema(table)
    assert described(table)["b"] == (
        "datetime",
        "in steps of 1 d, atoms at 9999-12-31, at most 9999-12-31",
    )
    codec = fit_codec(table, schema)
    assert codec.decode(codec.encode(table).rows)["b"].equals(table.frame["b"])
    # without its end the column is smooth: no other date in years that are not there
    z = np.linspace(-4, 4, 200).astype(np.float32)[:, None]
    states = np.zeros((200, 1), np.int32)
    years = codec.decode([np.tile(z, 2), states])["b"].dt.year()
    assert 2014 <= years.min() <= years.max() <= 2023


def test_months_are_drawn_as_months(tmp_path):
    table = table_of(tmp_path, lines([f"{2015 + i % 5}-{i * 7 % 12 + 1:02d}" for i in range(N)], X))
    schema = infer_schema(table)
    assert described(table)["a"] == ("datetime", "in steps of 1 mon; written %Y-%m")
    codec = fit_codec(table, schema)
    drawn = codec.decode([np.linspace(-3, 3, 50, dtype=np.float32)[:, None].repeat(2, axis=1)])
    assert set(drawn["a"].dt.day()) == {1}


def test_ranks_are_measured_and_counts_of_rows_are_identifiers(tmp_path):
    ranks = RNG.permutation(N) + 1
    counted = range(1, N + 1)
    years = range(1980, 1980 + N)
    found = described(
        table_of(
            tmp_path,
            lines(
                ranks, counted, ranks * 3, years, X, names=["wealth", "n", "user_id", "year", "x"]
            ),
        )
    )
    kinds = {name: kind for name, (kind, _) in found.items()}
    assert kinds == {
        "wealth": "integer",
        "n": "left out",
        "user_id": "left out",
        "year": "integer",
        "x": "continuous",
    }
    assert '{"n": {"kind": "integer"}}' in found["n"][1]


def test_nan_in_json_lines_is_missing_and_digits_stay(tmp_path):
    rows = [
        '{"a": 0.0, "b": 18, "s": "x"}',
        '{"a": NaN, "b": 18.5, "s": null}',
        '{"a": 1e3, "b": 3}',
    ]
    table = table_of(tmp_path, "\n".join(rows) + "\n", "t.jsonl")
    assert table.frame["a"].to_list() == [0.0, None, 1000.0]
    assert table.frame["s"].to_list() == ["x", None, None]
    write_table(table, tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_text().splitlines() == [
        '{"a": 0.0, "b": 18, "s": "x"}',
        '{"a": null, "b": 18.5, "s": null}',
        '{"a": 1e3, "b": 3, "s": null}',
    ]


FORM = (
    "sep=;\r\niccid;zip;when;weight;price;country;kwh;amount\r\n"
    '8944001234567890100000;02134;2013-02-01 00:00:00;17,5;6,07;DE;;"1.121"\r\n'
    "8944001234567890100001;01406;2013-02-02 01:00:00;18,25;6,41;NA;11,892;\r\n"
    "8944001234567890100002;02134;2013-02-03 02:00:00;18;1,97; US ;8,780;2.000,5\r\n"
)


def test_what_is_not_changed_is_written_byte_for_byte(tmp_path):
    table = table_of(tmp_path, FORM)
    write_table(table, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes() == FORM.encode()
    filled = table.with_values(
        table.frame.with_columns(
            kwh=pl.Series([9.5, *table.frame["kwh"][1:]]),
            amount=pl.Series([1121.0, 31234.5, 2000.5]),
        )
    )
    expected = FORM.replace(';DE;;"1.121"', ';DE;9,500;"1.121"').replace(
        "11,892;\r", "11,892;31.234,5\r"
    )
    assert delimited_text(filled) == expected


@pytest.mark.parametrize("packed", [".gz", ".zst"])
def test_packed_files(tmp_path, packed):
    import gzip

    import pyarrow

    content = lines(X, X).encode()
    data = (
        gzip.compress(content)
        if packed == ".gz"
        else pyarrow.Codec("zstd").compress(content, asbytes=True)
    )
    assert table_of(tmp_path, data, f"t.csv{packed}").frame["a"][0] == float(X[0])
    with pytest.raises(DataError, match=rf"no intact \{packed} file"):
        table_of(tmp_path, data[: len(data) // 2], f"t.csv{packed}")
    with pytest.raises(DataError, match=r"unknown kind of file '\.parquet'"):
        table_of(tmp_path, data, f"t.parquet{packed}")


@pytest.mark.parametrize(
    "content",
    [
        '\ufeff"a","b"\r\n"1","x"\r\n"2","y"\r\n',
        "a;b\n1,5;x\n2,25;y",
        "a b\n1.5e-09 x\n2.25e-10 y\n",
        "a\tb\n1\t\n2\ty\n",
        'a|b\n"x|y"|"say ""hi"""\nz|\n',
    ],
)
def test_files_are_written_as_they_were_read(tmp_path, content):
    table = table_of(tmp_path, content)
    write_table(table, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes() == content.encode()


def test_a_line_of_numbers_is_taken_for_names_and_said(tmp_path):
    assert "first line holds numbers" in table_of(tmp_path, "1.5,2\n2.5,3\n0.5,4\n").notes[0]
    assert not table_of(tmp_path, "2001,2002\n2.5,3\n0.5,4\n").notes


def test_plain_numbers_are_read_at_once_as_they_are_one_by_one():
    columns = {
        "whole": cycle("1", " 2", "-3"),
        "rounded": cycle("1.5", "NA", "2.25"),
        "power": cycle("1e5", "2", "0.5"),
        "fine": [repr(x) for x in RNG.normal(size=N).tolist()],
        "holes": cycle("x", "7", ""),
        "grouped": cycle("1.234", "999"),
        "dates": cycle("20200101", "20200102", "20200103", "20200104", "20200105"),
        "zeros": cycle("01", "02"),
        "text": cycle("a", "b"),
        "nothing": cycle("", "NA"),
    }
    contents = pl.DataFrame(columns)
    found = read_plain(contents, ("x",))
    assert list(found) == ["whole", "rounded", "fine", "holes"]
    for name, reading in found.items():
        alone = read_column(contents[name], ("x",))
        assert reading.values.equals(alone.values, check_dtypes=True)
        assert reading.written == alone.written


def test_a_column_may_be_called_as_polars_calls_its_counts():
    found = read_column(pl.Series("count", cycle("1.5", "1e1")), ())
    assert found.values.name == "count"
    assert found.values.to_list()[:2] == [1.5, 10.0]
    levels = pl.DataFrame({"count": [0.1, 2**0.5, 3**0.5] * 20})
    assert infer_schema(Table(levels)).columns[0].kind == "categorical"
