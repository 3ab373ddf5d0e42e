"""What single precision does not keep is said, column by column, and never what it keeps."""

import warnings

import numpy as np
import polars as pl
import pytest

from quasistatic import DiffusionDensity
from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.columns.precision import lost_digits
from quasistatic.data.fitted_codec import fit_codec
from quasistatic.data.table import from_frame

RNG = np.random.default_rng(0)
N = 60
WHOLE = RNG.integers(-(2**63), 2**63 - 1, N)
LOST = {
    "int64 of the full range": pl.Series(WHOLE),
    "uint64 of the full range": pl.Series(RNG.integers(0, 2**64 - 1, N, dtype=np.uint64)),
    "decimals of 38 digits": pl.Series(WHOLE).cast(pl.Decimal(38, 0)),
    "one value of 1e300": pl.Series(np.r_[RNG.normal(size=N - 1), 1e300]),
    "microseconds of all years": pl.Series(
        RNG.integers(-62135596800 * 10**6, 253402300799 * 10**6, N)
    ).cast(pl.Datetime("us")),
}
KEPT = {
    "numbers": pl.Series(RNG.normal(size=N)),
    "numbers far from zero": pl.Series(1e9 + RNG.normal(size=N)),
    "large numbers": pl.Series(RNG.normal(size=N) * 1e290),
    "counts": pl.Series(RNG.poisson(1e5, N)),
    "cents": pl.Series(RNG.integers(0, 10**6, N) / 100),
    "days": pl.Series(RNG.integers(0, 20_000, N).astype(np.int32)).cast(pl.Date),
    "heavy tails": pl.Series(RNG.standard_cauchy(N)),
}


def said(series):
    table = from_frame(pl.DataFrame({"a": series.shuffle(seed=1), "b": RNG.normal(size=N)}))
    schema = infer_schema(
        table, {"columns": {"a": {"kind": "integer"}}} if _whole(series) else None
    )
    return lost_digits(fit_codec(table, schema), table)


def _whole(series):
    return series.dtype.is_integer() and abs(int(series[0])) > 2**53


@pytest.mark.parametrize("case", LOST)
def test_what_is_lost_is_said(case):
    (words,) = said(LOST[case])
    assert "column 'a'" in words
    assert "single precision" in words or "more digits than the model keeps" in words


@pytest.mark.parametrize("case", KEPT)
def test_of_what_is_kept_nothing_is_said(case):
    assert said(KEPT[case]) == []


def test_a_fit_says_it():
    frame = pl.DataFrame({"a": LOST["one value of 1e300"], "b": RNG.normal(size=N)})
    with pytest.warns(UserWarning, match=r"column 'a': 60 different values are \d+ in single"):
        DiffusionDensity(model="mixture", components=2, random_state=0).fit(frame)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DiffusionDensity(model="mixture", components=2, random_state=0).fit(frame.select("b"))
