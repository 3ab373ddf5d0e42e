import json
from datetime import date, datetime
from statistics import NormalDist

import numpy as np
import polars as pl
import pytest

from quasistatic.data.cells import Cells
from quasistatic.data.codec import Codec
from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.fitted_codec import fit_codec
from quasistatic.data.memory import check_size, estimate_bytes
from quasistatic.data.table import from_frame
from quasistatic.errors import DataError, SchemaError

N = 600
RNG = np.random.default_rng(2)
NORMAL = RNG.normal(size=N)


def holes(series: pl.Series) -> pl.Series:
    return pl.select(pl.when(pl.Series(RNG.random(len(series)) > 0.1)).then(series)).to_series()


COLUMNS = {
    "rounded": pl.Series(np.round(NORMAL * 10, 1)),
    "rounded32": pl.Series(np.round(NORMAL * 10, 2).astype(np.float32)),
    "quarter": pl.Series(np.round(np.exp(NORMAL) * 4) / 4),
    "half": pl.Series(np.round(NORMAL * 10) + 0.5),
    "float_int": pl.Series(np.round(NORMAL * 10)),
    "int8": pl.Series(RNG.integers(-100, 100, N), dtype=pl.Int8),
    "uint8": pl.Series(RNG.integers(0, 200, N), dtype=pl.UInt8),
    "uint64": pl.Series([2**63 + int(i) for i in RNG.integers(0, 500, N)], dtype=pl.UInt64),
    "int64": pl.Series(1_700_000_000_123_456_789 + RNG.integers(0, 500, N)),
    "step25": pl.Series(RNG.integers(-20, 20, N) * 25 + 10),
    "bool": pl.Series(NORMAL > 0),
    "binary_int": pl.Series(RNG.integers(0, 2, N), dtype=pl.Int16),
    "binary_float": pl.Series(RNG.choice([-1.5, 2.25], N)),
    "levels": pl.Series(RNG.choice([0.1234567, 3.3, 7.77777], N)),
    "string": pl.Series(RNG.choice(["a", " yes", "", "ü"], N)),
    "enum": pl.Series(RNG.choice(["lo", "hi"], N), dtype=pl.Enum(["lo", "mid", "hi"])),
    "categorical": pl.Series(RNG.choice(["z", "b", "a"], N), dtype=pl.Categorical),
    "date": pl.Series(18000 + RNG.integers(0, 90, N), dtype=pl.Int32).cast(pl.Date),
    "datetime": pl.Series(10**15 + RNG.integers(0, 900, N) * 60_000_000).cast(pl.Datetime("us")),
    "zoned": pl.Series(RNG.integers(0, 10**6, N) * 3600 * 10**3, dtype=pl.Int64)
    .cast(pl.Datetime("ms", "UTC"))
    .dt.convert_time_zone("Europe/Paris"),
    "decimal": pl.Series(np.round(NORMAL * 10, 2)).cast(pl.Decimal(10, 2)),
    "constant_float": pl.Series([2.5] * N),
    "constant_string": pl.Series(["x"] * N),
    "constant_date": pl.Series([date(1960, 2, 29)] * N),
}


def encoded(frame: pl.DataFrame, overrides=None):
    table = from_frame(frame)
    codec = fit_codec(table, infer_schema(table, overrides))
    return codec, codec.encode(table)


@pytest.mark.parametrize("with_holes", [False, True])
@pytest.mark.parametrize("name", COLUMNS)
def test_lattice_and_state_columns_come_back_exactly(name, with_holes):
    series = COLUMNS[name].alias("c")
    series = holes(series).alias("c") if with_holes else series
    frame = pl.DataFrame({"c": series})
    codec, rows = encoded(frame)
    assert not np.any(rows.log_volume)
    decoded = codec.decode(rows.rows)
    assert decoded.schema == frame.schema
    assert decoded["c"].to_list() == series.to_list()
    again = Codec.from_json(json.loads(json.dumps(codec.to_json())))
    assert again.decode(rows.rows).equals(decoded)
    assert again.schema == codec.schema


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_density_columns_come_back_to_float32_precision(dtype):
    x = np.exp(NORMAL).astype(dtype)
    codec, rows = encoded(pl.DataFrame({"c": x}))
    decoded = codec.decode(rows.rows)["c"]
    assert decoded.dtype == (pl.Float32 if dtype is np.float32 else pl.Float64)
    assert np.max(np.abs(decoded.to_numpy() - x)) < 1e-5 * x.std()


def test_log_volume_is_the_log_derivative_of_the_map_to_z():
    frame = pl.DataFrame(
        {
            "a": np.exp(NORMAL),
            "b": RNG.standard_cauchy(N),
            "c": np.round(NORMAL, 1),
            "d": ["u", "v"] * (N // 2),
        }
    )
    codec, rows = encoded(frame)
    expected = np.zeros(N)
    for name, transform in zip(codec.continuous_names, codec.transforms, strict=True):
        if codec.schema.column(name).step is None:
            x = frame[name].to_numpy()
            h = 1e-6 * np.exp(-transform.log_derivative(x))
            expected += np.log((transform.forward(x + h) - transform.forward(x - h)) / (2 * h))
    np.testing.assert_allclose(rows.log_volume, expected, atol=1e-3)


def test_density_integrates_to_one_in_the_datas_units():
    codec, _ = encoded(pl.DataFrame({"a": np.exp(NORMAL)}))
    x = codec.transforms[0].inverse(np.linspace(-12, 12, 20001))
    rows = codec.encode(from_frame(pl.DataFrame({"a": x})))
    z = rows.rows[0].value[:, 0].astype(float)
    density = np.exp(-0.5 * z**2 - 0.5 * np.log(2 * np.pi) + rows.log_volume)
    assert np.trapezoid(density, x) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", ["rounded", "quarter", "step25", "half", "int8"])
def test_masses_of_the_cells_sum_to_one_and_cells_meet(name):
    codec, _ = encoded(pl.DataFrame({"c": COLUMNS[name].cast(pl.Float64)}))
    column = codec.schema.column("c")
    points = column.offset + np.arange(-3000, 3001) * column.step
    block = codec.encode(from_frame(pl.DataFrame({"c": points}))).rows[0]
    z, w = block.value[:, 0].astype(float), block.width[:, 0].astype(float)
    cdf = np.vectorize(NormalDist().cdf)
    assert np.sum(cdf(z + w / 2) - cdf(z - w / 2)) == pytest.approx(1, abs=2e-5)
    np.testing.assert_allclose((z + w / 2)[:-1], (z - w / 2)[1:], rtol=1e-5, atol=1e-5)
    edges = codec.transforms[0].forward(np.arange(-3000, 3001) - 0.5)
    np.testing.assert_allclose(z - w / 2, edges, rtol=1e-6, atol=1e-6)


def test_any_z_inside_a_cell_decodes_to_its_point():
    codec, rows = encoded(pl.DataFrame({"c": COLUMNS["quarter"]}))
    block = rows.rows[0]
    for share in (-0.49, 0.0, 0.49):
        z = block.value + share * block.width
        assert codec.decode((z,))["c"].to_list() == COLUMNS["quarter"].to_list()


def test_atoms():
    x = np.where(NORMAL < 0, 0.0, np.exp(NORMAL))
    x[:3] = np.nan
    codec, rows = encoded(pl.DataFrame({"c": x, "d": NORMAL}))
    assert codec.discrete_names == ("c = atom",)
    assert codec.n_states == (2,)
    continuous, discrete = rows.rows
    at_zero = x == 0
    assert np.array_equal(continuous.filler[:, 0], at_zero)
    assert np.array_equal(discrete.value[:, 0] == 1, at_zero)
    assert np.array_equal(continuous.observed[:, 0], ~np.isnan(x))
    assert np.array_equal(discrete.observed[:, 0], ~np.isnan(x))
    other = codec.transforms[1].log_derivative(NORMAL)
    np.testing.assert_allclose(rows.log_volume[at_zero], other[at_zero])
    assert np.all(rows.log_volume[~at_zero & ~np.isnan(x)] != other[~at_zero & ~np.isnan(x)])
    decoded = codec.decode((RNG.normal(size=(N, 2)), discrete.value))["c"].to_numpy()
    assert np.all(decoded[at_zero] == 0)
    assert np.all(decoded[~at_zero] != 0)


def test_block_order_names_and_marginals():
    frame = pl.DataFrame(
        {"s": ["a", "b", "a", None] * 10, "x": NORMAL[:40], "n": [0, 1, 2, 3] * 10}
    )
    codec, rows = encoded(frame)
    assert codec.block_names == ("x", "n", "s")
    assert len(rows) == 40
    assert [block.value.dtype for block in rows.rows] == [np.float32, np.int32]
    np.testing.assert_allclose(codec.marginals[0], [20.5 / 31, 10.5 / 31])
    assert codec.typical_width[0] == 0
    assert codec.typical_width[1] > 0.1
    assert np.array_equal(rows.take(np.array([3, 1])).rows[1].observed[:, 0], [False, True])


def test_unobserved_cells_decode_to_missing():
    codec, rows = encoded(pl.DataFrame({"x": NORMAL, "s": ["a", "b"] * (N // 2)}))
    masked = tuple(Cells(b.value, np.zeros_like(b.observed), b.width, b.filler) for b in rows.rows)
    decoded = codec.decode(masked)
    assert decoded["x"].null_count() == decoded["s"].null_count() == N


def test_decoding_stays_within_the_dtype_and_counts_stay_counts():
    frame = pl.DataFrame(
        {
            "i": pl.Series(RNG.integers(-100, 100, N), dtype=pl.Int8),
            "n": RNG.poisson(5, N),
            "f": np.round(np.exp(NORMAL), 1),
        }
    )
    codec, _ = encoded(frame)
    for z in (-1e6, 1e6, -1e30, 1e30):
        decoded = codec.decode((np.full((4, 3), z),))
        assert decoded["i"][0] == (-128 if z < 0 else 127)
        if z < 0:
            assert decoded["n"][0] == 0
            assert decoded["f"][0] == 0.1  # which was never 0


def score(codec, frame):
    return codec.encode(from_frame(frame))


@pytest.fixture(scope="module")
def model():
    return encoded(
        pl.DataFrame(
            {
                "n": RNG.poisson(5, 100),
                "s": ["a", "b"] * 50,
                "x": NORMAL[:100],
                "day": [date(2020, 1, 1 + i % 28) for i in range(100)],
            }
        )
    )[0]


GOOD = {"n": [1, 2], "s": ["a", "b"], "x": [0.5, 1.5], "day": [date(2020, 1, 1), date(2020, 1, 2)]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"s": ["a", "zebra"]}, r"column 's': 'zebra' in row 2 is no category.*known: a, b"),
        ({"x": ["1.5", "many"]}, r"column 'x': 'many' in row 2 is no number"),
        ({"day": ["2020-01-01", "soon"]}, r"column 'day': 'soon' in row 2 is no date"),
        ({"extra": [1, 2]}, r"unexpected column\(s\): 'extra'"),
        ({"x": None}, r"missing column\(s\): 'x'"),
    ],
)
def test_a_scored_table_that_does_not_fit(model, change, words):
    data = {key: value for key, value in (GOOD | change).items() if value is not None}
    with pytest.raises(SchemaError, match=words):
        score(model, pl.DataFrame(data))


def test_infinity_is_refused_when_scoring(model):
    with pytest.raises(DataError, match=r"row 2, column 'x'"):
        score(model, pl.DataFrame(GOOD | {"x": [1.0, np.inf]}))


@pytest.mark.parametrize(
    "change",
    [
        {"n": [1.0, 2.0]},
        {"n": ["1", "2"]},
        {"x": ["0.5", "1.5"]},
        {"day": ["2020-01-01", "2020-01-02"]},
        {"n": pl.Series([1, 2], dtype=pl.UInt8)},
        {"s": pl.Series(["a", "b"], dtype=pl.Categorical)},
        {"day": [datetime(2020, 1, 1), datetime(2020, 1, 2)]},
    ],
)
def test_other_spellings_of_the_same_rows(model, change):
    expected, other = (
        score(model, pl.DataFrame(GOOD)),
        score(model, pl.DataFrame(dict(reversed((GOOD | change).items())))),
    )
    for one, two in zip(expected.rows, other.rows, strict=True):
        assert np.array_equal(one.value, two.value)
        assert np.array_equal(one.observed, two.observed)
    assert np.array_equal(expected.log_volume, other.log_volume)


def test_missing_cells_have_no_volume_and_any_dtype(model):
    rows = score(model, pl.DataFrame({name: [None, None] for name in GOOD}))
    assert not any(block.observed.any() for block in rows.rows)
    assert not rows.log_volume.any()


def test_values_off_the_lattice_go_to_the_nearest_cell_with_a_warning(model):
    with pytest.warns(
        UserWarning, match=r"column 'n': 1 value\(s\) lie between the multiples of 1"
    ):
        rows = score(model, pl.DataFrame(GOOD | {"n": [1.0, 2.3]}))
    assert np.array_equal(rows.rows[0].value, score(model, pl.DataFrame(GOOD)).rows[0].value)


def test_extreme_finite_values_stay_finite(model):
    rows = score(model, pl.DataFrame(GOOD | {"x": [-1e300, 1e300]}))
    assert np.all(np.isfinite(rows.rows[0].value))
    assert np.all(np.isfinite(rows.log_volume))


def test_columns_left_out_may_be_absent_or_present():
    frame = pl.DataFrame({"x": NORMAL, "id": range(N)})
    codec, rows = encoded(frame)
    assert codec.schema.names == ("x",)
    assert np.array_equal(score(codec, frame.drop("id")).rows[0].value, rows.rows[0].value)


def test_text_categories_match_numbers_where_only_one_can_be_meant():
    codec, rows = encoded(
        pl.DataFrame({"s": pl.Series(["1", "2", "3"] * 9, dtype=pl.Enum(["1", "2", "3"]))})
    )
    for other in ([1, 2, 3] * 9, [1.0, 2.0, 3.0] * 9):
        assert np.array_equal(
            score(codec, pl.DataFrame({"s": other})).rows[0].value, rows.rows[0].value
        )


def test_check_size():
    schema = infer_schema(from_frame(pl.DataFrame({"x": NORMAL, "s": ["a", "b"] * (N // 2)})))
    check_size(schema, N)
    with pytest.raises(DataError, match=r"GiB .*available; most states: 's' \(2\)"):
        check_size(schema, N, available=1000)
    with pytest.raises(DataError, match="GiB"):
        check_size(schema, 10**13)
    assert estimate_bytes(schema, 2000) > estimate_bytes(schema, 1000)


def test_a_million_cells_take_little_time():
    import time

    frame = pl.DataFrame(
        {f"c{j}": np.round(RNG.normal(size=100_000), 1 + j % 2 * 8) for j in range(10)}
    )
    table = from_frame(frame)
    start = time.process_time()
    codec = fit_codec(table, infer_schema(table))
    codec.decode(codec.encode(table).rows)
    assert time.process_time() - start < 10


def test_money_has_cents():
    """Too fine for a lattice, so a density; what is written has the decimals of the table all the
    same."""
    frame = pl.DataFrame({"income": np.round(np.exp(10 + NORMAL), 2)})
    codec, rows = encoded(frame)
    drawn = rows.rows[0].value + RNG.normal(size=(N, 1)) / 10
    written = codec.decode((drawn,))["income"].to_numpy()
    assert np.unique(written).size > N / 2
    np.testing.assert_array_equal(written, np.round(written, 2))
