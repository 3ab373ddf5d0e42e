"""Columns of numbers and times <-> float64 coordinates.

The coordinate of a lattice column is k = (x - offset) / step, a whole number on the lattice; that
of a density is x itself.
"""

import math
from typing import get_args

import numpy as np
import polars as pl

from quasistatic.data.columns._dtypes import (
    TICKS_PER_SECOND,
    integer_range,
    is_temporal,
    parse_dtype,
    ticks_per_unit,
)
from quasistatic.data.columns._lattice import decimal_places
from quasistatic.data.columns._parsing import parsed
from quasistatic.data.columns.moments import MONTH, days_of, months_of
from quasistatic.data.schema import Column, Side
from quasistatic.errors import DataError, SchemaError

__all__ = [
    "as_numbers",
    "as_times",
    "atom_coordinates",
    "check_finite",
    "first_row",
    "lattice_error",
    "limits_of",
    "observed_cells",
    "read_coordinates",
    "time_dtype",
    "write_numbers",
]


_LARGEST = 1e300
"""Numbers beyond this leave no room for arithmetic."""
_EARLIEST, _LATEST = -62135596800, 253402300799  # years 1 to 9999, in seconds from 1970


def first_row(mask: np.ndarray) -> int:
    """The first row of a mask, counted from 1."""
    return int(np.argmax(mask)) + 1


def observed_cells(series: pl.Series) -> np.ndarray:
    """Which cells are not null, bool `[N]`; of a row or two, in a tenth of the time of Polars' own
    expression.
    """
    if series.null_count() == 0:
        return np.ones(len(series), bool)
    return series.is_not_null().to_numpy()


def check_finite(series: pl.Series, source: str) -> None:
    """Refuse infinities, numbers beyond `_LARGEST`, and dates outside of the years 1 to 9999.

    Raises:
        DataError: naming the column, the first such row and their count.
    """
    if isinstance(series.dtype, pl.Date | pl.Datetime):
        _check_years(series, source)
    if not series.dtype.is_float():
        return
    # A cell that is missing is NaN, which is not; in double precision, whatever the dtype.
    bad = np.abs(series.to_numpy()) > np.float64(_LARGEST)
    if bad.any():
        row = first_row(bad)
        raise DataError(
            f"{np.count_nonzero(bad)} infinite or too large value(s) (beyond 1e300), the first is"
            f" {series[row - 1]}",
            where=f"{source}, row {row}, column {series.name!r}",
            fix=(
                "replace infinity by a missing cell (or a number that is meant), or rescale the"
                " column"
            ),
        )


def _check_years(series: pl.Series, source: str) -> None:
    dtype = series.dtype
    first, last = (
        (_EARLIEST // 86400, _LATEST // 86400)
        if isinstance(dtype, pl.Date)
        else (seconds * TICKS_PER_SECOND[dtype.time_unit] for seconds in (_EARLIEST, _LATEST + 1))  # type: ignore[attr-defined]
    )
    ticks = series.to_physical().cast(pl.Int64)
    bad = ~ticks.is_between(max(first, -(2**63)), min(last, 2**63 - 1)).fill_null(True).to_numpy()
    if bad.any():
        raise DataError(
            f"{np.count_nonzero(bad)} date(s) outside of the years 1 to 9999",
            where=f"{source}, row {first_row(bad)}, column {series.name!r}",
            fix="correct them, or leave the cells empty",
        )


def as_numbers(series: pl.Series, where: str) -> pl.Series:
    """The series with a numeric dtype: text is parsed, decimals become floats, booleans 0 and 1.

    Raises:
        SchemaError: text that is no number.
    """
    if series.dtype.is_numeric():
        return series.cast(pl.Float64) if isinstance(series.dtype, pl.Decimal) else series
    if series.dtype == pl.Boolean:
        return series.cast(pl.Int8)
    if series.dtype == pl.Null:
        return series.cast(pl.Float64)
    return parsed(series, "number", where).cast(pl.Float64)


def as_times(series: pl.Series, dtype: pl.DataType, where: str) -> pl.Series:
    """The series with the dtype `dtype` of dates, date-times, times of day or durations.

    Raises:
        SchemaError: values that are no dates.
    """
    if series.dtype == dtype:
        return series
    if series.dtype == pl.Null:
        return series.cast(dtype)
    if not is_temporal(series.dtype):
        series = parsed(series, "date", where)
    ours, theirs = getattr(dtype, "time_zone", None), getattr(series.dtype, "time_zone", None)
    if (ours is None) != (theirs is None) and isinstance(series.dtype, pl.Datetime):
        if isinstance(dtype, pl.Datetime):
            raise SchemaError(
                f"time zone {theirs} where the schema has {ours}",
                where=where,
                fix="convert the time zone",
            )
    try:
        return series.cast(dtype)
    except pl.exceptions.PolarsError as error:
        raise SchemaError(
            f"cells of type {series.dtype} where the schema has {dtype}",
            where=where,
            fix="convert the column",
        ) from error


def atom_coordinates(column: Column) -> np.ndarray:
    """Coordinates of the atoms; whole numbers on a lattice."""
    if not column.has_lattice:
        return np.asarray(column.atoms, dtype=np.float64)
    from_offset = [atom - column.offset for atom in column.atoms]  # exact where both are integers
    return np.rint(np.asarray(from_offset, dtype=np.float64) / (column.step or 1.0))


def limits_of(column: Column) -> tuple[float, float]:
    """Coordinates of the limits that the model holds, infinite where there is none; on a lattice
    the outer edges of the first and the last cell.

    A point mass at the end of a lattice is no cell of the number: the state beside it says so.
    """
    low, high = (getattr(column, side) if side in column.held else None for side in get_args(Side))
    if not column.has_lattice:
        return -np.inf if low is None else low, np.inf if high is None else high
    step, slack, atoms = column.step or 1.0, 1e-9, atom_coordinates(column)
    first = -np.inf if low is None else np.ceil((low - column.offset) / step - slack)
    last = np.inf if high is None else np.floor((high - column.offset) / step + slack)
    while first in atoms:
        first += 1.0
    while last in atoms:
        last -= 1.0
    return (float(first) - 0.5, float(last) + 0.5) if first <= last else (-np.inf, np.inf)


def read_coordinates(
    series: pl.Series, column: Column, source: str
) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates (float64 `[N]`, not yet rounded; 0 where missing) and the mask of the observed
    cells.
    """
    where = f"{source}, column {column.name!r}"
    if column.is_temporal:
        dtype = time_dtype(column)
        series = as_times(series, dtype, where)
        check_finite(series.rename(column.name), source)
        if column.unit == MONTH:
            months = months_of(series.to_physical().fill_null(0).to_numpy())
            observed = series.is_not_null().to_numpy()
            return np.where(
                observed, (months - column.offset) / (column.step or 1.0), 0.0
            ), observed
        ticks = ticks_per_unit(dtype, column.unit or "d")
        values = (
            series.to_physical().fill_null(int(column.offset) * ticks).to_numpy().astype(np.int64)
        )
        coordinate = (values - int(column.offset) * ticks) / ((column.step or 1.0) * ticks)
        return coordinate, series.is_not_null().to_numpy()
    series = as_numbers(series, where)
    check_finite(series.rename(column.name), source)
    if series.dtype.is_float():
        values = series.to_numpy()  # NaN where the cell is missing
        observed = ~np.isnan(values)
        values = np.where(observed, values, values.dtype.type(0))
    else:
        observed, values = observed_cells(series), series.fill_null(0).to_numpy()
    if column.dtype == "Float32" and values.dtype.kind == "f":
        values = values.astype(np.float32)  # so that 0.1 is the model's 0.1
    if column.step is None:
        coordinate = values.astype(np.float64)
    elif values.dtype.kind in "iu" and isinstance(column.offset, int):
        # modulo 2^64: differences of large integers stay exact
        difference = (
            values.astype(np.int64 if values.dtype.kind == "i" else np.uint64).view(np.uint64)
            - _word(column.offset)
        ).view(np.int64)
        coordinate = difference / column.step
    else:
        coordinate = (values.astype(np.float64) - column.offset) / column.step
    return np.where(observed, coordinate, 0.0), observed


def time_dtype(column: Column) -> pl.DataType:
    """The dtype of a column of times, also where the kind was forced upon text."""
    dtype = parse_dtype(column.dtype)
    if is_temporal(dtype):
        return dtype
    return {"time": pl.Time(), "duration": pl.Duration("us")}.get(column.kind, pl.Datetime("us"))


def lattice_error(column: Column, coordinate: np.ndarray) -> np.ndarray:
    """How far from the lattice a coordinate may lie because its float was rounded (in steps)."""
    epsilon = 2.0**-23 if column.dtype == "Float32" else 2.0**-52
    step = column.step or 1.0
    return np.maximum(1e-6, 8 * epsilon * (np.abs(coordinate) + abs(column.offset / step)))


def _word(value: int) -> np.uint64:
    return np.uint64(value % 2**64)


def write_numbers(coordinate: np.ndarray, column: Column) -> pl.Series:
    """The column's values of coordinates (float64 `[N]`), at the nearest lattice point and within
    the dtype's range.

    The numbers of a density have as many decimals as the training table had.
    """
    dtype = parse_dtype(column.dtype)
    if column.is_temporal:
        return _write_times(coordinate, column, dtype)
    if column.step is None:
        values = coordinate if column.decimals is None else np.round(coordinate, column.decimals)
        return _cast_floats(np.clip(values, column.lower, column.upper), column, dtype)
    if isinstance(column.offset, int) and dtype.is_integer() and float(column.step).is_integer():
        low, high = integer_range(dtype)
        low = low if column.lower is None else max(low, math.ceil(column.lower))
        high = high if column.upper is None else min(high, math.floor(column.upper))
        return _write_integers(
            coordinate, column.name, int(column.step), column.offset, low, high
        ).cast(dtype)
    nearest = np.rint(coordinate)
    if column.lower is not None:
        nearest = np.maximum(nearest, np.ceil((column.lower - column.offset) / column.step - 1e-9))
    if column.upper is not None:
        nearest = np.minimum(nearest, np.floor((column.upper - column.offset) / column.step + 1e-9))
    values = nearest * column.step + column.offset
    decimals = decimal_places(column.step, column.offset)
    values = np.round(values, decimals) if decimals is not None else values
    return _cast_floats(values, column, dtype)


def _cast_floats(values: np.ndarray, column: Column, dtype: pl.DataType) -> pl.Series:
    if dtype.is_integer():
        low, high = integer_range(dtype)
        return _write_integers(values, column.name, 1, 0, low, high).cast(dtype)
    values = np.clip(values, -_LARGEST, _LARGEST)
    if dtype == pl.Float32:
        limit = float(np.finfo(np.float32).max)
        values = np.clip(values, -limit, limit)
    if isinstance(dtype, pl.Decimal):
        values = np.round(values, dtype.scale)
    return pl.Series(column.name, values).cast(dtype)


def _write_integers(
    coordinate: np.ndarray, name: str, step: int, offset: int, low: int, high: int
) -> pl.Series:
    """Offset + k step with k rounded and clipped so that low <= value <= high; exact for 64-bit
    integers.
    """
    k_low, k_high = -((offset - low) // step), (high - offset) // step
    k = np.clip(np.rint(coordinate), _inward(k_low), _inward(k_high)).astype(np.int64)
    values = (k.view(np.uint64) * _word(step) + _word(offset)).astype(np.uint64)
    return pl.Series(name, values if low >= 0 else values.view(np.int64))


def _inward(bound: int) -> float:
    """The float nearest to `bound` that is not beyond it, and fits int64."""
    bound = min(max(bound, -(2**63)), 2**63 - 1)
    value = float(bound)
    return float(np.nextafter(value, 0.0)) if abs(int(value)) > abs(bound) else value


def _write_times(coordinate: np.ndarray, column: Column, dtype: pl.DataType) -> pl.Series:
    as_text = not is_temporal(dtype)
    dtype = time_dtype(column)
    if column.unit == MONTH:
        first, last = -12 * 1969, 12 * 8030 - 1  # the years 1 to 9999
        first = first if column.lower is None else max(first, int(column.lower))
        last = last if column.upper is None else min(last, int(column.upper))
        months = np.rint(coordinate) * (column.step or 1.0) + column.offset
        days = days_of(np.clip(months, first, last).astype(np.int64))
        series = pl.Series(column.name, days.astype(np.int32)).cast(pl.Date).cast(dtype)
        return series.cast(pl.String) if as_text else series
    ticks = ticks_per_unit(dtype, column.unit or "d")
    low, high = _time_range(dtype)
    step, offset = round((column.step or 1.0) * ticks), int(column.offset) * ticks
    if column.lower is not None:
        low = max(low, int(column.lower) * ticks)
    if column.upper is not None:
        high = min(high, int(column.upper) * ticks)
    series = _write_integers(coordinate, column.name, step, offset, low, high).cast(pl.Int64)
    series = series.cast(pl.Int32) if isinstance(dtype, pl.Date) else series
    return series.cast(dtype).cast(pl.String) if as_text else series.cast(dtype)


def _time_range(dtype: pl.DataType) -> tuple[int, int]:
    """Smallest and largest tick that is written."""
    if isinstance(dtype, pl.Time):
        return 0, 86400 * 10**9 - 1
    if isinstance(dtype, pl.Duration) or getattr(dtype, "time_unit", "") == "ns":
        return -(2**63) + 1, 2**63 - 1
    per_second = ticks_per_unit(dtype, "s") if isinstance(dtype, pl.Datetime) else 1 / 86400
    return int(_EARLIEST * per_second), int(_LATEST * per_second)
