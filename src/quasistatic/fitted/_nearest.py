r"""Distances of rows of mixed columns, and nearest records, a block of rows at a time.

The distance of two rows is the mean over columns of the distance of their cells, 0 to 1 (Gower
1971, with a robust scale):

- numbers and times: `min(|a - b| / s, 1)`, s being the distance from the 5 % to the 95 % quantile
  of the real rows (their range, where that is 0);
- states: 0 if they are equal, 1 otherwise;
- a missing cell: 0 from a missing one, 1 from any other.

All three are `min(|a - b|, 1)` of coordinates: scaled numbers, codes of states, and for missing
cells a coordinate that is farther than 1 from all others. No more than `_CELLS` distances are held
at a time, so memory does not depend on the numbers of rows.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from quasistatic.data.columns.numbers import read_coordinates
from quasistatic.data.columns.states import read_codes
from quasistatic.data.schema import Column, Schema
from quasistatic.data.table import Table

_CELLS = 2**19
"""Distances of a block: 4 MB, which stays in a processor's cache."""
_EQUAL = 1e-9
"""Sums of distances that differ by less are one sum with another rounding."""
_WITHIN = (0.05, 0.95)
"""Quantiles between which a column of numbers is one unit long."""


class Records(NamedTuple):
    """Rows as coordinates; equal rows have equal ones.

    Args:
        place: coordinates, float64 `[N, D]`.
        observed: bool flags `[N, D]` of the cells that are there.
    """

    place: np.ndarray
    observed: np.ndarray

    def take(self, rows: np.ndarray) -> "Records":
        """Some of the rows."""
        return Records(self.place[rows], self.observed[rows])


def records(schema: Schema, tables: Sequence[Table], real: int) -> list[Records]:
    """The rows of each table.

    Args:
        schema: schema of the D columns.
        tables: tables of rows; the scale of a column is common to all.
        real: number of tables, the first ones, that the scales of columns of numbers are made from.

    Raises:
        SchemaError: a cell that is none of its column.
    """
    columns = [_column(column, tables, real) for column in schema.columns]
    return [
        Records(*(np.stack(parts, axis=1) for parts in zip(*of_table, strict=True)))
        for of_table in zip(*columns, strict=True)
    ]


def _column(
    column: Column, tables: Sequence[Table], real: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Coordinates and flags of one column in each table."""
    read = read_codes if column.is_discrete else read_coordinates
    cells = [read(table.frame[column.name], column, table.source) for table in tables]
    values = [value.astype(np.float64) for value, _ in cells]
    observed = [there for _, there in cells]
    if not column.is_discrete:
        values = [np.rint(value) if column.has_lattice else value for value in values]
        known = [v[there] for v, there in zip(values[:real], observed, strict=False)]
        scale = _scale(np.concatenate(known))
        values = [value / scale for value in values]
    lowest = min(0.0, *(float(value.min(initial=0.0)) for value in values))
    missing = 2.0 * lowest - 2.0
    return [(np.where(there, v, missing), there) for v, there in zip(values, observed, strict=True)]


def _scale(known: np.ndarray) -> float:
    """What counts as far apart for a column of numbers."""
    if not len(known):
        return 1.0
    low, high = np.quantile(known, _WITHIN)
    return float(high - low) or float(np.ptp(known)) or 1.0


def _blocks(rows: np.ndarray, reference: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """A few rows at a time, and where they stand."""
    size = max(_CELLS // len(reference), 1)
    for begin in range(0, len(rows), size):
        yield slice(begin, begin + size), rows[begin : begin + size]


def _cell_distance(cells: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Distances `[B, N]` of cells `[B]` from those of the records in one column, `[N]`."""
    apart = cells[:, None] - column
    np.abs(apart, out=apart)
    return np.minimum(apart, 1.0, out=apart)


def _sums(rows: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Sums over columns of the cells' distances, `[B, N]`."""
    total = np.zeros((len(rows), len(reference)))
    for j in range(rows.shape[1]):
        total += _cell_distance(rows[:, j], reference[:, j])
    return total


def nearest(rows: Records, reference: Records) -> np.ndarray:
    """Distance of every row from its nearest record, `[M]`; 0 for an exact copy.

    Args:
        rows: M rows.
        reference: N records, one at least.
    """
    found = np.empty(len(rows.place))
    for where, block in _blocks(rows.place, reference.place):
        found[where] = _sums(block, reference.place).min(axis=1)
    return found / rows.place.shape[1]


def nearest_shares(rows: Records, reference: Records) -> np.ndarray:
    """Of which share of the rows each record is the nearest one, `[N]`; records that are equally
    near have equal parts of a row.

    Args:
        rows: M rows, one at least.
        reference: N records, one at least.
    """
    found = np.zeros(len(reference.place))
    for _, block in _blocks(rows.place, reference.place):
        total = _sums(block, reference.place)
        first = total <= total.min(axis=1, keepdims=True) + _EQUAL
        found += (first / first.sum(axis=1, keepdims=True)).sum(axis=0)
    return found / len(rows.place)


def guess_errors(rows: Records, reference: Records) -> np.ndarray:
    """How wrong every cell is guessed from the others of its row, `[M, D]`: its distance from that
    cell of the record which is nearest by the other columns, the mean over equally near ones; NaN
    where the cell is missing.

    Args:
        rows: M rows.
        reference: N records, one at least.
    """
    found = np.empty_like(rows.place)
    for where, block in _blocks(rows.place, reference.place):
        total = _sums(block, reference.place)
        for j in range(block.shape[1]):
            of_column = _cell_distance(block[:, j], reference.place[:, j])
            others = total - of_column
            near = others <= others.min(axis=1, keepdims=True) + _EQUAL
            found[where, j] = (of_column * near).sum(axis=1) / near.sum(axis=1)
    return np.where(rows.observed, found, np.nan)
