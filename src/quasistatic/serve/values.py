"""Columns as numbers that can be drawn: coordinates, their words, and common bins."""

from typing import NamedTuple

import numpy as np

from quasistatic.data.columns.moments import time_text
from quasistatic.data.columns.numbers import read_coordinates
from quasistatic.data.columns.states import read_codes
from quasistatic.data.schema import Column
from quasistatic.data.table import Table
from quasistatic.serve.charts.canvas import round_ticks, short

__all__ = ["Bins", "bins_of", "numbers_of", "place_text", "ticks_of"]

_MOST = 28


class Bins(NamedTuple):
    """Bins of a column of numbers.

    Args:
        edges: edges of the bins, coordinates.
        lattice: whether every bin holds whole coordinates.
    """

    edges: np.ndarray
    lattice: bool

    def shares(self, value: np.ndarray) -> np.ndarray:
        """Share of the values in each bin; those beyond are in the outermost."""
        clipped = np.clip(value, self.edges[0], self.edges[-1])
        return np.histogram(clipped, self.edges)[0] / max(len(value), 1)


def numbers_of(table: Table, column: Column) -> np.ndarray:
    """The cells of a column as codes of states or coordinates, NaN where they are missing."""
    read = read_codes if column.is_discrete else read_coordinates
    value, observed = read(table.frame[column.name], column, table.source)
    return np.where(observed, np.asarray(value, np.float64), np.nan)


def bins_of(value: np.ndarray, column: Column) -> Bins:
    """Equal bins over values without NaN; on a lattice each holds as many of its points.

    Args:
        value: coordinates, at least one; what lies far out is in the outermost bins.
        column: column of numbers.
    """
    low, high = (float(q) for q in np.quantile(value, (0.005, 0.995)))
    if column.has_lattice:
        low, high = np.floor(low), np.ceil(high)
        width = max(-(-int(high - low + 1) // _MOST), 1)
        count = max(-(-int(high - low + 1) // width), 1)
        return Bins(low - 0.5 + width * np.arange(count + 1), True)
    if not high - low > 1e-12 * max(abs(low), abs(high)):
        reach = max(abs(low) * 1e-6, 0.5)
        low, high = low - reach, high + reach
    return Bins(np.linspace(low, high, _MOST + 1), False)


def place_text(column: Column, coordinate: float) -> str:
    """A coordinate of a column of numbers in its own words."""
    if column.is_temporal:
        value = float(np.rint(coordinate)) * (column.step or 1.0) + column.offset
        return time_text(value, column.kind, column.unit or "d")[:16]
    return short(_own(column, coordinate))


def ticks_of(column: Column, low: float, high: float, width: float) -> list[tuple[float, str]]:
    """Places on an axis of some width, and their words.

    Args:
        column: column of numbers.
        low: coordinate at the left end.
        high: coordinate at the right end.
        width: width of the axis.
    """
    span = (high - low) or 1.0
    if column.is_temporal:
        inner = low + 0.15 * span, low + 0.85 * span
        return [((c - low) / span * width, place_text(column, c)) for c in inner]
    ends = _own(column, low), _own(column, high)
    ticks = round_ticks(*ends)
    reach = (ends[1] - ends[0]) or 1.0
    return [((x - ends[0]) / reach * width, short(x)) for x in ticks]


def _own(column: Column, coordinate: float) -> float:
    return column.offset + coordinate * (column.step or 1.0) if column.has_lattice else coordinate
