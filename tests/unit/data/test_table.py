import json
import re
from datetime import datetime, time, timedelta, timezone

import numpy as np
import polars as pl
import pytest

from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.fingerprint import fingerprint
from quasistatic.data.fitted_codec import fit_codec
from quasistatic.data.schema import Schema
from quasistatic.data.table import from_frame, to_native
from quasistatic.errors import DataError

pd = pytest.importorskip("pandas")
pa = pytest.importorskip("pyarrow")

N = 60
RNG = np.random.default_rng(3)


def through_the_model(obj):
    """What a saved and loaded model gives back for the rows of `obj`."""
    table = from_frame(obj)
    codec = fit_codec(table, infer_schema(table))
    loaded = Schema.from_json(json.loads(json.dumps(codec.schema.to_json())))
    return to_native(codec.decode(codec.encode(table).rows), loaded.container)


PANDAS = {
    "int64": pd.Series(RNG.integers(0, 9, N)),
    "int8": pd.Series(RNG.integers(0, 9, N), dtype="int8"),
    "Int64": pd.Series([1, 2, None] * (N // 3), dtype="Int64"),
    "UInt8": pd.Series([1, 5, None, 7] * (N // 4), dtype="UInt8"),
    "Float64": pd.Series([1.5, 2.25, None] * (N // 3), dtype="Float64"),
    "float_with_nan": pd.Series([1.5, 2.25, np.nan] * (N // 3)),
    "float32": pd.Series(np.round(RNG.normal(size=N), 1), dtype="float32"),
    "bool": pd.Series([True, False] * (N // 2)),
    "boolean": pd.Series([True, None, False] * (N // 3), dtype="boolean"),
    "object_bool": pd.Series([True, None, False] * (N // 3), dtype=object),
    "str": pd.Series(["a", "b", None] * (N // 3)),
    "object_str": pd.Series(["a", "b", None] * (N // 3), dtype=object),
    "string": pd.Series(["a", "b", None] * (N // 3), dtype="string"),
    "category": pd.Series(pd.Categorical(["lo", "hi", None] * (N // 3), ["lo", "mid", "hi"])),
    "ordered": pd.Series(
        pd.Categorical(["lo", "hi", None] * (N // 3), ["lo", "mid", "hi"], ordered=True)
    ),
    "category_int": pd.Series(pd.Categorical([3, 1, 2] * (N // 3), [3, 2, 1])),
    "datetime_ns": pd.Series(
        pd.date_range("2020-01-01", periods=N, freq="h").astype("datetime64[ns]")
    ),
    "datetime_s": pd.Series(
        pd.date_range("2020-01-01", periods=N, freq="h").astype("datetime64[s]")
    ),
    "datetime_tz": pd.Series(pd.date_range("2020-01-01", periods=N, freq="h", tz="Europe/Paris")),
    "int64_arrow": pd.Series([1, 2, None] * (N // 3), dtype="int64[pyarrow]"),
    "string_arrow": pd.Series(["a", "b", None] * (N // 3), dtype=pd.ArrowDtype(pa.string())),
}


@pytest.mark.parametrize("name", PANDAS)
def test_pandas_columns_come_back(name):
    frame = pd.DataFrame({"c": PANDAS[name], "n": RNG.integers(0, 5, N)})
    back = through_the_model(frame)
    assert back["c"].dtype == frame["c"].dtype
    pd.testing.assert_frame_equal(back, frame)


def test_a_pandas_frame_with_many_columns_odd_labels_and_an_index():
    frame = pd.DataFrame({5: PANDAS["int64"], "s": PANDAS["ordered"], "x": PANDAS["bool"]})
    back = through_the_model(frame.set_index(pd.Index(range(100, 100 + N))))
    pd.testing.assert_frame_equal(back, frame)


POLARS = pl.DataFrame(
    {
        "i": pl.Series(RNG.integers(0, 9, N), dtype=pl.Int16),
        "e": pl.Series(["b", "a", None] * (N // 3), dtype=pl.Enum(["b", "z", "a"])),
        "c": pl.Series(["b", "a", "c"] * (N // 3), dtype=pl.Categorical),
        "d": pl.Series(RNG.integers(0, 99, N)).cast(pl.Int32).cast(pl.Date),
        "f": np.round(RNG.normal(size=N), 1),
        "b": [True, False] * (N // 2),
    }
)


def test_polars_eager_and_lazy_come_back():
    assert through_the_model(POLARS).equals(POLARS)
    assert through_the_model(POLARS).schema == POLARS.schema
    lazy = through_the_model(POLARS.lazy())
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect().equals(POLARS)


def test_pyarrow_comes_back():
    table = pa.table(
        {
            "i": pa.array([1, 2, None] * 20, pa.int16()),
            "s": pa.array(["a", "b", None] * 20, pa.string()),
            "d": pa.DictionaryArray.from_arrays(
                pa.array([0, 2, None] * 20, pa.int8()), pa.array(["z", "y", "a"]), ordered=True
            ),
            "t": pa.array([0, 86400 * 10**9] * 30, pa.timestamp("ns", "UTC")),
            "b": pa.array([True, None, False] * 20),
        }
    ).replace_schema_metadata({"who": "me"})
    back = through_the_model(table)
    assert back.schema.equals(table.schema, check_metadata=True)
    assert back.equals(table)


@pytest.mark.parametrize(
    "dtype", ["float64", "float32", "float16", "int64", "int8", "uint8", "bool", ">f8", "O"]
)
def test_numpy_comes_back(dtype):
    array = RNG.integers(0, 2 if dtype == "bool" else 9, (N, 3)).astype(dtype)
    back = through_the_model(array)
    assert isinstance(back, np.ndarray)
    assert back.dtype == array.dtype
    assert np.array_equal(back, array)


def test_numpy_text_structured_and_names():
    text = np.array([["a", "x"], ["b", "y"], ["a", "y"]] * 5)
    assert np.array_equal(through_the_model(text), text)
    structured = np.array(
        [(1, 2.5, "a"), (2, 3.5, "b"), (3, 4.5, "a")] * 5,
        dtype=[("i", "i4"), ("f", "f8"), ("s", "U2")],
    )
    back = through_the_model(structured)
    assert back.dtype == structured.dtype
    assert np.array_equal(back, structured)
    assert from_frame(np.zeros((3, 2))).names == ["x0", "x1"]


@pytest.mark.parametrize(
    ("obj", "words"),
    [
        (np.zeros(5), r"2-D array, got 1-D.*\n.*reshape"),
        (np.zeros((2, 2, 2)), "2-D"),
        (np.zeros((3, 0)), r"0 feature\(s\) \(shape=\(3, 0\)\) while a minimum of 1 is required"),
        (np.zeros((3, 2), dtype=complex), "Complex data not supported"),
        (
            np.array([[1, "a"], ["b", 2]], dtype=object),
            "column 'x0': the cells are of several types: int, str",
        ),
        ("a string", "str is no table"),
        (5, "int is no table"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "column 'a' occurs more than once"),
        (pd.DataFrame({"a": pd.Categorical([1, "1"])}), "column 'a': two categories read the same"),
        (pd.DataFrame({"a": [1, "x"]}), "column 'a': the cells are of several types"),
        (pa.table([[1], [2]], names=["a", "a"]), "column 'a' occurs more than once"),
    ],
)
def test_what_is_no_table(obj, words):
    with pytest.raises(DataError, match=words):
        from_frame(obj)


def test_nan_is_missing():
    assert from_frame(np.array([[1.0, np.nan]])).frame["x1"].null_count() == 1
    assert from_frame(pl.DataFrame({"a": [float("nan"), 1.0]})).frame["a"].null_count() == 1


def test_a_frame_with_further_columns_can_be_given_back():
    frame = pd.DataFrame({"a": [1, 2, 3]})
    back = to_native(pl.DataFrame({"a": [1, 2], "log_likelihood": [-1.5, -2.5]}), from_frame(frame))
    assert back["log_likelihood"].tolist() == [-1.5, -2.5]
    arrow = to_native(
        pl.DataFrame({"a": [1, 2], "log_likelihood": [-1.5, -2.5]}),
        from_frame(pa.table({"a": [1]})),
    )
    assert arrow.column_names == ["a", "log_likelihood"]


def test_fingerprint_sees_content_and_not_the_container():
    frame = pl.DataFrame({"a": [1.5, None, -0.0], "s": ["x", "yz", None]})
    same = [
        frame.lazy(),
        frame.to_arrow(),
        frame.to_pandas(),
        frame.with_columns(pl.col("s").cast(pl.Categorical)),
        frame.with_columns(pl.col("a") + 0.0),
    ]
    base = fingerprint(from_frame(frame))
    assert len(base) == 64
    for other in same:
        assert fingerprint(from_frame(other)) == base
    different = [
        frame.rename({"a": "b"}),
        frame.select("s", "a"),
        frame[::-1],
        frame.with_columns(a=pl.Series([1.5, 0.0, 0.0])),
        frame.with_columns(s=pl.Series(["xy", "z", None])),
        frame.with_columns(s=pl.Series(["x", "yz", ""])),
        frame.with_columns(pl.col("a").cast(pl.Float32)),
    ]
    prints = [fingerprint(from_frame(other)) for other in different]
    assert base not in prints
    assert len(set(prints)) == len(prints)


def test_take():
    assert from_frame(POLARS).take(np.array([2, 0])).frame["i"].to_list() == [
        POLARS["i"][2],
        POLARS["i"][0],
    ]


X = RNG.normal(size=N)
OFFSETS = [timezone(timedelta(hours=i % 3)) for i in range(N)]
ODD_PANDAS = {
    "columns of two levels": pd.DataFrame(
        np.c_[X, X], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)], names=["u", "v"])
    ),
    "labels that are no text": pd.DataFrame(
        {pd.Timestamp("2020-01-01"): X, None: X, (1, "b"): X, 3: X, 2.5: X}
    ),
    "a name of the labels": pd.DataFrame({"x": X}).rename_axis(columns="what"),
    "interval categories": pd.DataFrame({"c": pd.cut(X, 4), "x": X}),
    "intervals closed left": pd.DataFrame({"c": pd.cut(X, [-9, 0, 9], right=False), "x": X}),
    "period categories": pd.DataFrame(
        {"c": pd.Categorical(list(pd.period_range("2020-01", periods=4, freq="M")) * (N // 4))}
    ),
    "date categories": pd.DataFrame(
        {"c": pd.Categorical(pd.to_datetime(["2020-01-01", "2021-01-01"] * (N // 2)))}
    ),
    "timedelta": pd.DataFrame({"c": pd.to_timedelta(RNG.integers(0, 999, N), unit="min")}),
    "several offsets": pd.DataFrame(
        {
            "c": pd.Series(
                [datetime(2020, 1, 1 + i % 20, tzinfo=OFFSETS[i]) for i in range(N)], dtype=object
            )
        }
    ),
    "times of day": pd.DataFrame({"c": [time(i % 24) for i in range(N)]}),
}


@pytest.mark.parametrize("name", ODD_PANDAS)
def test_odd_pandas_frames_come_back(name):
    frame = ODD_PANDAS[name]
    pd.testing.assert_frame_equal(through_the_model(frame), frame)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pd.arrays.IntervalArray(pd.cut(X, 4)), r"interval\[float64, right\] .* categories "),
        (pd.period_range("2020-01", periods=N, freq="M"), r"period\[M\] .* or dates "),
        ([{"a": i} for i in range(N)], "convert them to numbers, dates or text"),
        ([object()] * N, "type Object .* convert them to numbers, dates or text"),
    ],
    ids=["interval", "period", "dict", "object"],
)
def test_what_pandas_holds_beyond_numbers_and_text_is_left_out_by_name(column, said):
    frame = pd.DataFrame({"c": column, "x": X})
    table = from_frame(frame)
    ((name, reason),) = ((item.name, item.reason) for item in infer_schema(table).left_out)
    assert name == "c"
    assert re.search(said, reason)
    pd.testing.assert_frame_equal(to_native(table.frame, table), frame, check_freq=False)


@pytest.mark.parametrize(
    "index", [[0] * N, pd.MultiIndex.from_arrays([range(N), ["a"] * N], names=["i", "j"])]
)
def test_rows_of_a_pandas_frame_keep_their_index_and_its_attributes(index):
    frame = pd.DataFrame({"x": X}, index=index)
    frame.attrs = {"who": "me"}
    table = from_frame(frame)
    back = to_native(table.frame, table)
    pd.testing.assert_frame_equal(back, frame)
    assert back.attrs == {"who": "me"}
    some = np.array([3, 1])
    taken = table.take(some)
    pd.testing.assert_frame_equal(to_native(taken.frame, taken), frame.iloc[some])
