"""Columns of states (binary, categorical, constant) <-> int32 codes."""

from functools import lru_cache

import numpy as np
import polars as pl

from quasistatic.data.columns._dtypes import is_temporal, parse_dtype
from quasistatic.data.columns.numbers import as_times, first_row, observed_cells
from quasistatic.data.schema import Column, Value
from quasistatic.errors import SchemaError

__all__ = ["read_codes", "state_values", "write_codes"]


def read_codes(series: pl.Series, column: Column, source: str) -> tuple[np.ndarray, np.ndarray]:
    """Codes 0 .. K - 1 (int32 `[N]`, 0 where missing) and the mask of the observed cells.

    Numbers for text ("1" for 1) and the like are accepted where only one category can be meant.

    Raises:
        SchemaError: a value that is none of the categories.
    """
    if is_temporal(parse_dtype(column.dtype)):
        series = as_times(series, parse_dtype(column.dtype), f"{source}, column {column.name!r}")
    observed = observed_cells(series)
    codes = (
        _text_codes(series, column)
        if isinstance(column.categories[0], str)
        else _number_codes(series, column)
    )
    unseen = observed & (codes < 0)
    if unseen.any():
        row = first_row(unseen)
        known = ", ".join(str(value) for value in column.categories[:20]) + (
            ", ..." if len(column.categories) > 20 else ""
        )
        raise SchemaError(
            f"{series[row - 1]!r} in row {row} is no category of this column; known: {known}",
            where=f"{source}, column {column.name!r}",
            fix=(
                "correct the cell, leave it empty (missing), or fit a model on data that have this"
                " category"
            ),
        )
    return np.where(observed, codes, 0).astype(np.int32), observed


def _text_codes(series: pl.Series, column: Column) -> np.ndarray:
    if series.dtype.is_float() and (series.drop_nulls() == series.drop_nulls().round()).all():
        series = series.cast(pl.Int64, strict=False)  # pandas makes floats of integers with holes
    text = series.cast(pl.String, strict=False)
    if series.dtype == pl.Boolean and "True" in column.categories:
        text = text.str.to_titlecase()
    codes = text.cast(_enum(column.categories), strict=False).to_physical()
    codes = codes.cast(pl.Int64)
    return (codes.fill_null(-1) if codes.null_count() else codes).to_numpy()


@lru_cache(maxsize=256)
def _enum(categories: tuple[Value, ...]) -> pl.Enum:
    return pl.Enum([str(value) for value in categories])


def _number_codes(series: pl.Series, column: Column) -> np.ndarray:
    if series.dtype == pl.Boolean:
        series = series.cast(pl.Int8)
    elif is_temporal(series.dtype):
        series = series.to_physical()
    elif not series.dtype.is_numeric() and series.dtype != pl.Null:
        text = series.cast(pl.String, strict=False).str.strip_chars()
        series = (
            text.str.to_lowercase().replace({"true": "1", "false": "0"})
            if isinstance(column.categories[0], bool)
            else text
        )
        series = series.cast(pl.Float64, strict=False)
    exact = series.dtype.is_integer() and all(isinstance(value, int) for value in column.categories)
    dtype = np.dtype(np.int64 if exact and series.dtype != pl.UInt64 else np.float64)
    known = np.array(
        [int(value) if isinstance(value, bool) else value for value in column.categories], dtype
    )
    values = series.cast(pl.Int64 if dtype.kind == "i" else pl.Float64).fill_null(0).to_numpy()
    if column.dtype == "Float32":
        known, values = known.astype(np.float32), values.astype(np.float32)
    valid = observed_cells(series)
    order = np.argsort(known)
    position = np.clip(np.searchsorted(known[order], values), 0, len(known) - 1)
    codes = order[position]
    return np.where(valid & (known[codes] == values), codes, -1)


def write_codes(codes: np.ndarray, column: Column) -> pl.Series:
    """The column's values of codes `[N]`, in its dtype."""
    return _states(column).gather(pl.Series(codes.astype(np.int64)))


@lru_cache(maxsize=256)
def _states(column: Column) -> pl.Series:
    """The states in the order of their codes, in the column's dtype."""
    dtype = parse_dtype(column.dtype)
    values = list(column.categories)
    if is_temporal(dtype):
        states = pl.Series(column.name, values, dtype=pl.Int64)
        states = (states.cast(pl.Int32) if isinstance(dtype, pl.Date) else states).cast(dtype)
    elif isinstance(values[0], str) and not isinstance(dtype, pl.Enum | pl.Categorical):
        states = pl.Series(column.name, values).cast(dtype)
    elif dtype in (pl.String, pl.Categorical) or isinstance(dtype, pl.Enum):
        states = pl.Series(column.name, [str(value) for value in values]).cast(dtype)
    else:
        states = pl.Series(column.name, values, strict=False).cast(dtype)
    return states


def state_values(series: pl.Series) -> tuple[Value, ...]:
    """The states of a training column: those of an Enum that occur, in its order, else the sorted
    distinct values.
    """
    if isinstance(series.dtype, pl.Enum):
        there = set(series.drop_nulls().unique().to_list())
        return tuple(value for value in series.dtype.categories if value in there)
    if is_temporal(series.dtype):
        series = series.to_physical()
    elif isinstance(series.dtype, pl.Categorical):
        series = series.cast(pl.String)
    elif isinstance(series.dtype, pl.Decimal):
        series = series.cast(pl.Float64)
    return tuple(series.drop_nulls().unique().sort().to_list())
