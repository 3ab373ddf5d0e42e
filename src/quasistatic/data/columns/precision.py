"""What single precision, in which the model computes, does not keep of a table's numbers."""

import numpy as np
import polars as pl

from quasistatic.data.codec import Codec
from quasistatic.data.columns._coordinates import atom_codes, read_on_lattice, to_z
from quasistatic.data.columns._dtypes import parse_dtype
from quasistatic.data.reading import read_as
from quasistatic.data.schema import Column
from quasistatic.data.table import Table

__all__ = ["lost_digits"]

_MOST_ROWS = 10_000
_MERGED = 0.05
"""Share of different values that may become equal: among many, some are neighbours by chance."""


def lost_digits(codec: Codec, table: Table) -> list[str]:
    """One sentence for each column whose values the model cannot tell apart; none for images.

    A column on a lattice is named where values come back as others, one without where different
    values become equal.

    Args:
        codec: codec of the table.
        table: training rows, of which the first 10,000 are looked at.
    """
    if codec.schema.layout is not None:
        return []
    rows = read_as(table.take(np.arange(min(len(table), _MOST_ROWS))), codec.schema)
    found = []
    for column, transform in zip(codec.continuous, codec.transforms, strict=True):
        coordinate, observed = read_on_lattice(rows, column)
        used = observed & (atom_codes(coordinate, observed, column) == 0)
        if not used.any():
            continue
        z, _, _ = to_z(coordinate[used], np.ones(np.count_nonzero(used), bool), column, transform)
        x, back = coordinate[used], transform.inverse(z.astype(np.float64))
        step = column.step or _unit(column)
        words = _other_digits(column, x, back, step) if step else _merged(x, z)
        if words:
            found.append(f"column {column.name!r}: {words}")
    return found


def _unit(column: Column) -> float:
    """Distance of the values that a column without a lattice can hold; 0 for floats."""
    dtype = parse_dtype(column.dtype)
    return 10.0**-dtype.scale if isinstance(dtype, pl.Decimal) else float(dtype.is_integer())


def _other_digits(column: Column, x: np.ndarray, back: np.ndarray, step: float) -> str:
    if column.has_lattice:  # in steps
        back = np.rint(back)
    else:
        x, back = x / step, back / step
    off = np.abs(back - x)
    lost = int(np.count_nonzero(off > 0.5))
    if not lost:
        return ""
    unit = f" {column.unit}" if column.unit else ""
    return (
        f"{lost} of {len(x)} values have more digits than single precision keeps; drawn ones are"
        f" off by up to {float(off.max()) * step:.2g}{unit}"
    )


def _merged(x: np.ndarray, z: np.ndarray) -> str:
    before, after = len(np.unique(x)), len(np.unique(z))
    if after >= (1 - _MERGED) * before:
        return ""
    return (
        f"{before} different values are {after} in single precision, on the scale of the largest,"
        f" {float(x[np.argmax(np.abs(x))]):.4g}; take logarithms, or look whether that is meant"
    )
