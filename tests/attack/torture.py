"""Tables that no instrument ever recorded: extreme values of every type, beside each other."""

import json
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from attack.readers import go_through, told
from quasistatic.data.codec import Codec
from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.columns.precision import lost_digits
from quasistatic.data.fitted_codec import fit_codec
from quasistatic.data.table import from_frame
from quasistatic.errors import QuasistaticError

NAMES = ("a", "\x1b]0;t\x07", "", "id", "b = atom", " a", "\u202e", "x" * 900, "日本")
FLOATS = (0.0, 1e-310, 5e-324, 1e-300, 0.5, 1.0, -1e-310, float("nan"), -0.0, 1e299, 1e16, 1 / 3)
INTEGERS = (-(2**63), 2**63 - 1, 0, 1, -1, 2**53, 2**53 + 1)
TEXTS = (
    "",
    " ",
    "a",
    "\x1b[2J",
    "\u202e",
    "nan",
    "1e5",
    "1,5",
    "'",
    '"',
    "x" * 1200,
    "1/2/20",
    "\0",
)
Maker = Callable[[np.random.Generator, int], pl.Series]


def _some(values: tuple[Any, ...], dtype: Any) -> Maker:
    """Few values that recur, some of them missing."""

    def make(rng: np.random.Generator, n: int) -> pl.Series:
        chosen = [values[i] for i in rng.integers(0, len(values), rng.choice([1, 2, 3, 5, n]))]
        cells = [chosen[i] for i in rng.integers(0, len(chosen), n)]
        holes = rng.random(n) < rng.choice([0.0, 0.0, 0.3])
        return pl.Series([None if h else c for h, c in zip(holes, cells, strict=True)], dtype=dtype)

    return make


def _whole(low: int, high: int, dtype: Any = np.int64) -> Maker:
    return lambda rng, n: pl.Series(rng.integers(low, high, n, dtype=dtype))


def _cast(make: Maker, *dtypes: Any) -> Maker:
    return lambda rng, n: make(rng, n).cast(dtypes[rng.integers(len(dtypes))])


UNITS = ("us", "ns", "ms")
COLUMNS: tuple[Maker, ...] = (
    _some(FLOATS, pl.Float64),
    _some(INTEGERS, pl.Int64),
    _some((2**64 - 1, 0, 1, 2**63, 2**53 + 1), pl.UInt64),
    _some(TEXTS, pl.String),
    _some((b"\xff", b"", b"a"), pl.Binary),
    _some((True, False), pl.Boolean),
    _some((0.0, 1e-45, 3e38, -3e38, 1.5), pl.Float32),
    _whole(-(2**63), 2**63 - 1),
    _whole(0, 2**64 - 1, np.uint64),
    _whole(-128, 127, np.int8),
    _cast(_whole(-(2**62), 2**62), *(pl.Datetime(unit) for unit in UNITS)),
    _cast(_whole(-(2**63), 2**63 - 1), *(pl.Duration(unit) for unit in UNITS)),
    _cast(_whole(-719162, 2932896, np.int32), pl.Date),
    _cast(_whole(-(2**31), 2**31 - 1, np.int32), pl.Date),
    _cast(_whole(0, 86400 * 10**9), pl.Time),
    _cast(_whole(-(10**9), 10**9), *(pl.Decimal(38, scale) for scale in (0, 2, 10))),
    lambda rng, n: pl.Series((10.0 ** rng.uniform(-320, 299, n)) * rng.choice([-1, 1], n)),
    lambda rng, n: pl.Series((rng.normal(size=n) * 10.0 ** rng.uniform(-40, 37)).astype("f4")),
    lambda rng, n: pl.Series([None] * n),
    lambda rng, n: pl.Series([[1], [2, 3]] * (n // 2) + [[1]] * (n % 2)),
    lambda rng, n: pl.Series(rng.choice(["a", "b"], n).tolist(), dtype=pl.Enum(["b", "a", "c"])),
    lambda rng, n: pl.Series(1e9 + 1e-3 * rng.normal(size=n)),
    lambda rng, n: pl.Series(np.r_[rng.normal(size=n - 1), 1e300]),
    lambda rng, n: pl.Series(1e100 * rng.standard_cauchy(n)),
    lambda rng, n: pl.Series(np.repeat(rng.normal(), n)),
    lambda rng, n: pl.Series(rng.normal(size=n).round(int(rng.integers(0, 7)))),
)
"""Makers of a column of n cells."""


def frame_of(rng: random.Random) -> pl.DataFrame:
    """A table of one to three such columns."""
    numpy, n = np.random.default_rng(rng.getrandbits(32)), rng.choice((2, 3, 5, 20, 60, 300))
    columns = (
        rng.choice(COLUMNS)(numpy, n).alias(f"{rng.choice(NAMES)}{j}")
        for j in range(rng.choice((1, 2, 3)))
    )
    return pl.DataFrame(list(columns))


def outcome(frame: pl.DataFrame) -> str:
    """What becomes of a table: "kept", "refused", or what is lost without a word."""
    table, schema = from_frame(frame), None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            warnings.simplefilter("error", RuntimeWarning)
            back = go_through(table).frame
            schema = infer_schema(table)
            codec = fit_codec(table, schema)
            said = lost_digits(codec, table)
            stored = json.loads(json.dumps(codec.to_json()))
            if Codec.from_json(stored).to_json() != codec.to_json():
                return "a codec comes back from its JSON as another"
    except QuasistaticError as error:
        return "refused" if schema is None else f"stored, and not read again: {error.what[:80]}"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return told(error)
    for column in schema.columns:
        changed = _changed(table.frame[column.name], back[column.name], column)
        if changed and not any(words.startswith(f"column {column.name!r}") for words in said):
            return f"{changed} cells of a {column.kind} column changed without a word"
    return "kept"


def _changed(before: pl.Series, after: pl.Series, column: Any) -> int:
    """Cells that differ beyond the rounding of a density."""
    if before.null_count() != after.null_count():
        return abs(before.null_count() - after.null_count())
    both = (before, after)
    if column.is_discrete or column.is_temporal or before.dtype.is_integer():
        numbers = before.dtype.is_temporal() or before.dtype.is_numeric()
        exact = [s.to_physical() if numbers else s.cast(pl.String) for s in both]
        return int((exact[0] != exact[1]).sum())
    x, y = (s.drop_nulls().cast(pl.Float64).to_numpy() for s in both)
    if column.has_lattice:
        return int(np.count_nonzero(np.abs(x - y) > 1e-6 * (column.step or 0)))
    merged = len(np.unique(x)) - len(np.unique(y.astype(np.float64)))
    return merged if merged > 0.1 * len(np.unique(x)) else 0


def outcome_of_fit(frame: pl.DataFrame, folder: Path) -> str:
    """What becomes of a fit: "kept" (its scores are numbers, observed cells stay, and the stored
    model scores alike), "refused", or what went wrong.

    Args:
        frame: table to fit.
        folder: path of the model folder.
    """
    from quasistatic import DiffusionDensity
    from quasistatic.estimator.loading import load

    stage = "fit"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            density = DiffusionDensity(model="mixture", components=2, random_state=0).fit(frame)
            stage = "score"
            scores = density.score_samples(frame)
            stage = "impute"
            filled = density.impute(frame.head(3), 1)[0]
            stage = "save"
            density.save(folder, force=True)
            again = load(folder).score_samples(frame)
    except QuasistaticError as error:
        return "refused" if stage == "fit" else f"refused in {stage}: {error.what[:80]}"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return f"{stage}: {told(error)}"
    if not (np.all(np.isfinite(scores)) and np.array_equal(scores, again)):
        return "a score is no number, or another after loading"
    for name in density.schema_.names:
        before, after = frame[name].head(3), filled[name]
        before = before.fill_nan(None) if before.dtype.is_float() else before
        there = before.is_not_null()
        if not before.filter(there).equals(after.filter(there)):
            return f"impute changed observed cells of type {before.dtype}"
    return "kept"
