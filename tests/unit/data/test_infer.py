import json

import numpy as np
import polars as pl
import pytest

from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.fitted_codec import fit_codec
from quasistatic.data.schema import Column, Schema, detail
from quasistatic.data.table import from_frame
from quasistatic.errors import DataError, SchemaError

N = 1000
RNG = np.random.default_rng(1)
NORMAL = RNG.normal(size=N)


def infer(overrides=None, **columns):
    return infer_schema(from_frame(pl.DataFrame(columns)), overrides)


def column(values, overrides=None, name="c") -> Column:
    overrides = None if overrides is None else {"columns": {name: overrides}}
    return infer(overrides, **{name: values, "other": RNG.normal(size=len(values))}).column(name)


def left_out(values, name="c") -> str:
    return infer(**{name: values, "other": RNG.normal(size=len(values))}).left_out[0].reason


@pytest.mark.parametrize(
    ("values", "kind", "step", "offset"),
    [
        (NORMAL, "continuous", None, 0.0),
        (NORMAL.astype(np.float32), "continuous", None, 0.0),
        (NORMAL * 1e12, "continuous", None, 0.0),
        (NORMAL * 1e-9, "continuous", None, 0.0),
        (NORMAL * 1e-20, "continuous", None, 0.0),
        (NORMAL * 1e-310, "continuous", None, 0.0),
        (np.concatenate([np.zeros(95), NORMAL[:5]]), "continuous", None, 0.0),
        (NORMAL[:5], "continuous", None, 0.0),
        (NORMAL[:5].astype(np.float32), "continuous", None, 0.0),
        (np.round(NORMAL, 1), "continuous", 0.1, 0.0),
        (np.round(NORMAL, 2), "continuous", 0.01, 0.0),
        (np.round(NORMAL, 2).astype(np.float32), "continuous", 0.01, 0.0),
        (np.round(NORMAL * 10, 2) + 0.0, "continuous", 0.01, 0.0),
        (np.round(NORMAL, 6), "continuous", None, 0.0),
        ([3.14, 2.72, 1.41, 1.62], "continuous", 0.01, 0.0),
        (np.round(NORMAL * 4) / 4, "continuous", 0.25, 0.0),
        (np.round(NORMAL * 10) + 0.5, "continuous", 1.0, 0.5),
        (np.round(NORMAL * 100), "integer", 1, 0),
        (RNG.integers(0, 30, N), "integer", 1, 0),
        (RNG.integers(0, 30, N) * 25 + 10, "integer", 25, 10),
        (RNG.integers(-5, 5, N).astype(np.int8), "integer", 1, 0),
        ([10, 20, 40], "integer", 1, 0),
        (np.datetime64("2020-01-01") + RNG.integers(0, 300, N), "datetime", 1, 0),
        (RNG.normal(size=5).tolist() * 200, "categorical", None, 0.0),
        ((RNG.integers(0, 30, N) - 14.7) / 8.3, "continuous", 1 / 8.3, -14.7 / 8.3),
        ([0, 1] * 50, "binary", None, 0.0),
        ([1.5, 2.5] * 50, "binary", None, 0.0),
        ([True, False] * 50, "binary", None, 0.0),
        (["yes", "no"] * 50, "binary", None, 0.0),
        (["a", "b", "c"] * 50, "categorical", None, 0.0),
        ([7.123] * 50, "categorical", None, 0.0),
    ],
)
def test_kind_and_lattice(values, kind, step, offset):
    found = column(values)
    assert found.kind == kind
    assert found.step == (None if step is None else pytest.approx(step, rel=1e-12))
    assert found.offset == pytest.approx(offset, abs=1e-12)


@pytest.mark.parametrize(
    ("values", "decimals"),
    [
        (NORMAL, None),
        (NORMAL * 1e7, None),
        (np.round(NORMAL, 1), None),  # a lattice says it already
        (np.round(NORMAL, 6), 6),
        (np.round(NORMAL * 30_000, 2), 2),  # money
        (np.round(NORMAL * 3e8), 0),
    ],
)
def test_a_density_of_rounded_values_knows_their_decimals(values, decimals):
    found = column(values)
    assert (found.kind, found.decimals) == ("continuous", decimals)


def test_large_integers_keep_their_origin_exactly():
    start = 1_700_000_000_123_456_789
    found = column(start + RNG.integers(0, 1000, N))
    assert found.step == 1
    assert isinstance(found.offset, int)
    assert found.offset >= start


@pytest.mark.parametrize(("unit", "step"), [("d", 1), ("d", 7), ("h", 1), ("min", 15), ("ms", 250)])
def test_datetime_unit(unit, step):
    ticks = {"d": 86_400_000, "h": 3_600_000, "min": 60_000, "ms": 1}[unit] * step
    found = column(pl.Series(18262 * 86_400_000 + ticks * np.arange(200)).cast(pl.Datetime("ms")))
    assert (found.unit, found.step) == (unit, step)


def test_categories_are_those_that_occur_in_the_order_of_an_enum_or_sorted():
    enum = pl.Series(["b", "c", "a"] * 9, dtype=pl.Enum(["c", "z", "a", "b"]))
    assert column(enum).categories == ("c", "a", "b")
    listed = {"categories": ["c", "z", "a", "b"]}
    assert column(enum, listed).categories == ("c", "z", "a", "b")
    assert column(pl.Series(["b", "c", "a"] * 9, dtype=pl.Categorical)).categories == (
        "a",
        "b",
        "c",
    )
    assert column(["b", "c", "a"] * 9).categories == ("a", "b", "c")


def test_constant_columns_are_one_state():
    for values in (
        [3.5] * 20,
        ["x"] * 20,
        [True] * 20,
        [4] * 20,
        np.array(["2020-01-01"] * 20, "M8[D]"),
    ):
        found = column(values)
        assert (found.kind, len(found.categories), found.constant) == ("categorical", 1, True)


def test_missing_cells_are_counted():
    assert column([1.5, None, float("nan"), 2.25, 3.125, 1.0]).missing == 2


@pytest.mark.parametrize(
    ("values", "name", "words"),
    [
        ([f"user{i}" for i in range(50)], "who", "identifier"),
        (list(range(100, 200)), "number", "identifier"),
        (RNG.permutation(1000)[:100] * 17, "customer_id", "identifier"),
        (
            [f"a long text about the number {i} and what it might mean" for i in range(50)],
            "note",
            "free text",
        ),
        ([f"c{i % 70}" for i in range(140)], "town", "too many categories"),
    ],
)
def test_identifiers_and_free_text_are_left_out_with_a_reason(values, name, words):
    reason = left_out(values, name)
    assert words in reason
    assert "--schema" in reason
    assert name in reason


def test_all_columns_without_a_cell_are_left_out_by_name():
    found = infer(a=[None] * 3, b=[float("nan")] * 3, c=[1.5, 2.5, 4.0])
    assert [(item.name, item.reason) for item in found.left_out] == [
        ("a", "every cell is missing"),
        ("b", "every cell is missing"),
    ]
    with pytest.raises(SchemaError, match="every cell is missing, none is integer"):
        infer({"columns": {"a": {"kind": "integer"}}}, a=[None] * 3, c=[1.5, 2.5, 4.0])


def test_nested_columns_are_left_out():
    assert "List" in left_out([[1], [2]] * 20)


def test_an_identifier_can_be_forced():
    forced = infer(
        {"columns": {"c": {"kind": "categorical"}}}, c=[f"u{i}" for i in range(30)], d=NORMAL[:30]
    )
    assert len(forced.column("c").categories) == 30


@pytest.mark.parametrize(
    ("values", "atoms"),
    [
        (np.where(RNG.random(N) < 0.3, 0.0, np.exp(NORMAL)), (0.0,)),
        (np.minimum(np.abs(NORMAL) * 4, 5.00001), (5.00001,)),
        (np.where(RNG.random(N) < 0.5, 0, RNG.integers(0, 100_000, N)), (0.0,)),
        (NORMAL, ()),
        (np.round(NORMAL, 1), ()),
        (
            RNG.poisson(0.5, N),
            (0.0, 1.0, 2.0, 3.0),
        ),  # a few levels: the line in between describes nothing
        (np.round(np.exp(NORMAL), 2), ()),
    ],
)
def test_atoms(values, atoms):
    assert column(values).atoms == atoms


@pytest.mark.parametrize("bad", [np.inf, -np.inf, 1e308])
def test_infinities_are_named(bad):
    values = NORMAL[:30].copy()
    values[[4, 7]] = bad
    with pytest.raises(DataError, match=r"row 5, column 'income': 2 infinite"):
        infer(income=values)


@pytest.mark.parametrize(
    ("columns", "error", "words"),
    [
        ({"a": [None, None]}, SchemaError, r"no column is left .*'a': every cell is missing"),
        ({"a": [float("nan")] * 3}, SchemaError, r"no column is left .*'a': every cell is missing"),
        ({"a": [1.5]}, DataError, r"n_samples = 1"),
        ({"a": []}, DataError, r"n_samples = 0"),
        ({}, DataError, r"no columns"),
        ({"a": [f"u{i}" for i in range(30)]}, SchemaError, r"no column is left"),
    ],
)
def test_tables_that_cannot_be_modelled(columns, error, words):
    with pytest.raises(error, match=words):
        infer(**columns)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"colums": {}}, 'no "columns"'),
        ({"columns": {"zzz": {"kind": "integer"}}}, "'zzz'"),
        ({"columns": {"a": {"kind": "number"}}}, "column 'a': kind = 'number' is none"),
        ({"columns": {"a": {"knd": "integer"}}}, "column 'a': unknown keys \\['knd'\\]"),
        ({"columns": {"a": {"kind": "integer"}}}, "column 'a': integer, but there is"),
        ({"columns": {"a": {"kind": "binary"}}}, "column 'a': binary, but"),
        ({"columns": {"a": {"step": -1}}}, "column 'a': step"),
        ({"columns": {"b": {"kind": "continuous"}}}, "column 'b': 'x' in row 1 is no number"),
        ({"columns": {"b": {"kind": "datetime"}}}, "column 'b': 'x' in row 1 is no date"),
        ({"columns": {"a": 5}}, "column 'a'"),
        ({"columns": {"a": {"kind": "ignore"}, "b": {"kind": "ignore"}}}, "no column is left"),
        ({"columns": {}, "more": 1}, "more"),
    ],
)
def test_overrides_that_do_not_fit(overrides, words):
    with pytest.raises(SchemaError, match=words):
        infer(overrides, a=NORMAL[:40], b=["x", "y"] * 20)


def test_overrides():
    assert column(np.round(NORMAL, 1), {"kind": "continuous", "step": None}).step is None
    assert column(NORMAL, {"step": 0.5}).step == 0.5
    assert column([1, 2, 3] * 9, {"kind": "categorical"}).categories == (1, 2, 3)
    assert column(["1", "2", "3"] * 9, {"kind": "integer"}).kind == "integer"
    assert column(["a", "b"] * 9, {"categories": ["b", "a", "c"]}).categories == ("b", "a", "c")
    assert column(NORMAL, {"atoms": [0.5]}).atoms == (0.5,)


def mixed() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "x": NORMAL,
            "rounded": np.round(NORMAL, 1),
            "zeros": np.where(NORMAL < 0, 0.0, NORMAL),
            "count": RNG.poisson(5, N),
            "kind": pl.Series(["b", "a", "c", None] * 250, dtype=pl.Enum(["c", "b", "a"])),
            "flag": NORMAL > 0.5,
            "day": np.datetime64("2020-01-01") + RNG.integers(0, 300, N),
            "name": [f"n{i}" for i in range(N)],
        }
    )


def test_json_round_trip_and_a_full_schema_as_override():
    table = from_frame(mixed())
    schema = infer_schema(table)
    data = json.loads(json.dumps(schema.to_json()))
    assert Schema.from_json(data) == schema
    again = infer_schema(table, data)
    assert again.columns == schema.columns
    assert [item.name for item in again.left_out] == ["name"]


def test_a_damaged_schema_is_refused():
    data = infer_schema(from_frame(mixed())).to_json()
    for damaged in (data | {"format": 99}, {"format": 1}, data | {"columns": [{"name": "x"}]}):
        with pytest.raises(SchemaError):
            Schema.from_json(damaged)
    data["columns"][0]["colour"] = "red"
    with pytest.raises(SchemaError, match="colour"):
        Schema.from_json(data)


def test_describe_and_base_measure():
    schema = infer_schema(from_frame(mixed()))
    rows = {row["name"]: row for row in schema.describe()}
    assert rows["rounded"]["detail"] == "rounded to 0.1"
    assert rows["kind"] == {
        "name": "kind",
        "kind": "categorical",
        "detail": "3 categories: c, b, a",
        "missing": 250,
    }
    assert rows["name"]["kind"] == "left out"
    assert detail(column(np.round(NORMAL * 30_000, 2))) == "density, written with 2 decimals"
    assert (
        schema.base_measure()
        == "counting measure on rounded (rounded to 0.1), count (integer), kind, flag, day (in"
        " steps of 1 d); Lebesgue measure on x, zeros; point masses at 0 of zeros"
    )


@pytest.mark.parametrize(
    ("values", "limits", "held"),
    [
        (NORMAL, (None, None), ()),
        (np.exp(NORMAL), (float(np.exp(NORMAL).min()), None), ()),
        (np.round(np.exp(NORMAL) + 0.05, 1), (0.1, None), ("lower",)),
        (RNG.poisson(3, N), (0.0, None), ("lower",)),
        (RNG.poisson(1, N) + 1, (1.0, None), ("lower",)),
        (np.round(RNG.beta(3, 3, N), 2), (0.01, 1.0), ()),
        (np.minimum(np.abs(NORMAL) * 4, 5.00001), (1e-10, 5.00001), ("lower", "upper")),
        (np.maximum(NORMAL, -1.0), (-1.0, None), ("lower",)),
        ([1.5, 2.5, 3.5], (0.0, None), ()),
    ],
)
def test_limits(values, limits, held):
    """The model holds those at which a smooth density would not have ended by chance."""
    found = column(values)
    assert (found.lower, found.upper) == limits
    assert found.held == held


def test_a_normal_column_that_happens_to_be_positive_ends_nowhere():
    held = [column(RNG.normal(3.0, 1.0, 400)) for _ in range(50)]
    assert not any(found.held for found in held)


def test_declared_limits_are_held_and_rows_beyond_them_refused():
    series = pl.Series("x", np.r_[NORMAL + 9.0, 2.5])
    overrides = {"columns": {"x": {"lower": 2.0, "upper": 90.0}}}
    found = infer_schema(from_frame(series.to_frame()), overrides)
    assert found.columns[0].held == ("lower", "upper")
    assert Schema.from_json(json.loads(json.dumps(found.to_json()))) == found
    again = infer_schema(from_frame(series.to_frame()), found.to_json())
    assert again.columns[0].held == ("lower", "upper")
    overrides["columns"]["x"]["lower"] = 3.0
    with pytest.raises(
        SchemaError, match=r"1 value\(s\) lie beyond its limits, the first is 2\.5 in"
    ):
        infer_schema(from_frame(series.to_frame()), overrides)


def test_limits_hold_where_a_column_is_decoded():
    frame = pl.DataFrame({"share": np.round(RNG.beta(1, 1, N), 2), "x": np.exp(NORMAL)})
    table = from_frame(frame)
    codec = fit_codec(table, infer_schema(table))
    far = codec.decode([np.array([[-9.0, -9.0], [9.0, 9.0]], np.float32)])
    assert far["share"].to_list() == [codec.schema.column("share").lower, 1.0]
    assert far["x"].min() >= frame["x"].min()
