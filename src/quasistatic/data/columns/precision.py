"""What the model, which computes in single precision, does not keep of a table's numbers."""

import numpy as np
import polars as pl

from quasistatic.data.codec import Codec
from quasistatic.data.columns._dtypes import parse_dtype, ticks_per_unit
from quasistatic.data.columns.moments import MONTH
from quasistatic.data.columns.numbers import as_numbers, as_times, time_dtype
from quasistatic.data.disk.table import AnyTable
from quasistatic.data.reading import read_as
from quasistatic.data.schema import Column

__all__ = ["lost_digits"]

_MOST_ROWS = 10_000
_MERGED = 0.05
"""Share of different values that may become equal: among many, some are neighbours by chance."""


def lost_digits(codec: Codec, table: AnyTable) -> list[str]:
    """One sentence for each column whose values the model cannot tell apart; none for images.

    Whole numbers, times, decimals and numbers on a lattice are named where some come back as
    others, floats without a lattice where different ones become equal.

    Args:
        codec: codec of the table.
        table: training rows, of which the first 10,000 are looked at.
    """
    if codec.schema.layout is not None or codec.numbers is None:
        return []
    first = table.take(np.arange(min(len(table), _MOST_ROWS)))
    rows = read_as(first.held(), codec.schema)
    encoded = codec.encode(rows)
    back, block, found = codec.decode(encoded.rows), encoded.rows[codec.numbers], []
    for j, column in enumerate(codec.continuous):
        before, unit = rows.frame[column.name], _unit(column)
        if unit:
            words = _other_values(before, back[column.name], column, unit)
        else:
            away = block.observed[:, j] & (True if block.filler is None else ~block.filler[:, j])
            x = as_numbers(before, rows.source).cast(pl.Float64).fill_null(0.0).to_numpy()
            words = _merged(x[away], block.value[away, j])
        if words:
            found.append(f"column {column.name!r}: {words}")
    return found


def _unit(column: Column) -> float:
    """Distance of the values that a column can hold, in its own units; 0 for floats."""
    dtype = parse_dtype(column.dtype)
    if column.is_temporal or column.step is not None:
        return column.step or 1.0
    return 10.0**-dtype.scale if isinstance(dtype, pl.Decimal) else float(dtype.is_integer())


def _other_values(before: pl.Series, after: pl.Series, column: Column, unit: float) -> str:
    if column.is_temporal:
        dtype = time_dtype(column)
        before, after = (as_times(s, dtype, "").to_physical() for s in (before, after))
        if column.unit != MONTH:
            unit *= ticks_per_unit(dtype, column.unit or "d")
    else:
        before, after = (as_numbers(series, "") for series in (before, after))
    off = _distances(before, after)
    lost = int(np.count_nonzero(off > 0.5 * unit))
    if not lost:
        return ""
    name = f" {column.unit}" if column.unit and column.unit != MONTH else ""
    worst = float(off.max()) / (unit / (column.step or 1.0) if column.is_temporal else 1.0)
    return (
        f"{lost} of {len(off)} values have more digits than the model keeps, and drawn ones are"
        f" off by up to {worst:.2g}{name}"
    )


def _distances(before: pl.Series, after: pl.Series) -> np.ndarray:
    """Distances of the cells that are there, exact for integers of 64 bits."""
    there = before.is_not_null() & after.is_not_null()
    x, y = before.filter(there), after.filter(there)
    if x.dtype.is_integer() and y.dtype.is_integer():
        pairs = zip(x.to_list(), y.to_list(), strict=True)
        return np.array([float(abs(a - b)) for a, b in pairs])
    return np.abs(x.cast(pl.Float64).to_numpy() - y.cast(pl.Float64).to_numpy())


def _merged(x: np.ndarray, z: np.ndarray) -> str:
    before, after = len(np.unique(x)), len(np.unique(z))
    if after >= (1 - _MERGED) * before:
        return ""
    return (
        f"{before} different values are {after} in single precision, on the scale of the largest,"
        f" {float(x[np.argmax(np.abs(x))]):.4g}; take logarithms, or look whether that is meant"
    )
