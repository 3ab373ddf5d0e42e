"""Columns of any kind as numbers or codes, and their marginals: shares of rows in bins that real
and sampled rows have in common.
"""

from typing import NamedTuple

import numpy as np
from matplotlib.ticker import MaxNLocator

from quasistatic.data.columns.moments import time_text
from quasistatic.data.columns.numbers import read_coordinates
from quasistatic.data.columns.states import read_codes
from quasistatic.data.schema import Column
from quasistatic.data.table import Table
from quasistatic.report._wording import short_number

BINS = 28
"""Of a column of numbers, at most."""
STATES = 10
"""Bars of a column of categories, at most; the rarer ones share another bar."""
_CENTRE = (0.05, 0.95)
"""Quantiles: what lies farther beyond them than they are apart is not drawn to scale."""


class Values(NamedTuple):
    """One column of a table.

    Args:
        value: observed cells, in their order: codes of states, lattice coordinates or numbers.
        observed: bool flags `[N]` of the cells that are there.
    """

    value: np.ndarray
    observed: np.ndarray

    @property
    def missing(self) -> int:
        """Number of missing cells."""
        return int(np.count_nonzero(~self.observed))


class Marginal(NamedTuple):
    """One column's distribution in real and in sampled rows.

    Args:
        column: column whose distribution it is.
        labels: labels of the bars of a column of states; empty for numbers.
        ticks: ticks on the axis of a column of numbers: places, in bins from 0 to their number, and
            what is written there; empty for states.
        real: share of the observed cells of the data in each bin; None without data.
        sampled: share of the sampled rows' cells in each bin.
        missing: number of cells of the data that are left out because they are missing.
        beyond: number of cells, real and sampled, that lie outside the drawn range and are counted
            in the outermost bins.
        merged: number of states that share the last bar.
        distance: total variation distance, half the sum of the absolute differences: the share of
            rows that would have to move to another bin; NaN without data.
        chance: mean that `distance` would have if both were drawn from the same distribution.
    """

    column: Column
    labels: tuple[str, ...]
    ticks: tuple[tuple[float, str], ...]
    real: np.ndarray | None
    sampled: np.ndarray
    missing: int
    beyond: int
    merged: int
    distance: float
    chance: float


def read_column(table: Table, column: Column) -> Values:
    """A column's observed cells as codes (states) or coordinates (numbers, times)."""
    read = read_codes if column.is_discrete else read_coordinates
    value, observed = read(table.frame[column.name], column, table.source)
    return Values(np.rint(value[observed]) if column.has_lattice else value[observed], observed)


def marginal(column: Column, real: Values | None, sampled: Values) -> Marginal:
    """Both distributions in common bins."""
    values = [sampled.value] if real is None or not len(real.value) else [real.value, sampled.value]
    labels, ticks, beyond, merged = (), (), 0, 0
    if column.is_discrete:
        order = np.argsort(-np.bincount(values[0], minlength=len(column.categories)), kind="stable")
        shown = order if len(order) <= STATES + 1 else order[:STATES]
        merged = len(order) - len(shown)
        place = np.full(len(order), len(shown))
        place[shown] = np.arange(len(shown))
        labels = tuple(str(column.categories[i]) for i in shown) + (
            (f"{merged} others",) if merged else ()
        )
        counts = [np.bincount(place[value], minlength=len(labels)) for value in values]
    else:
        edges = bin_edges(np.concatenate(values), column.has_lattice)
        beyond = sum(
            int(np.count_nonzero((value < edges[0]) | (value > edges[-1]))) for value in values
        )
        counts = [np.histogram(np.clip(value, edges[0], edges[-1]), edges)[0] for value in values]
        ticks = _ticks(column, edges)
    shares = [count / max(count.sum(), 1) for count in counts]
    both = real is not None and len(real.value) > 0
    distance, chance = _apart(*counts) if both else (float("nan"), float("nan"))
    return Marginal(
        column,
        labels,
        ticks,
        shares[0] if both else None,
        shares[-1],
        0 if real is None else real.missing,
        beyond,
        merged,
        distance,
        chance,
    )


def bin_edges(value: np.ndarray, lattice: bool) -> np.ndarray:
    """Equal bins of a pool of values; on a lattice each holds the same number of its points."""
    if not len(value):
        return np.array([-0.5, 0.5])
    low, high = float(value.min()), float(value.max())
    inner_low, inner_high = (float(q) for q in np.quantile(value, _CENTRE))
    span = inner_high - inner_low
    if span > 0:
        low = max(low, inner_low - span)
        high = min(high, inner_high + span)
    if lattice:
        low, high = np.floor(low), np.ceil(high)
        points = int(min(high - low + 1, 2**53))
        width = max(-(-points // BINS), 1)
        return low - 0.5 + width * np.arange(-(-points // width) + 1, dtype=np.float64)
    if not high - low > 1e-12 * max(abs(low), abs(high)):
        reach = max(abs(low) * 1e-6, 0.5)
        return np.array([low - reach, low + reach])
    return np.linspace(low, high, BINS + 1)


def _apart(real: np.ndarray, sampled: np.ndarray) -> tuple[float, float]:
    """Total variation of two histograms, and its mean if the two were of one distribution.

    A share p of n and of m rows differs by about N(0, p (1 - p) (1/n + 1/m)), whose absolute mean
    is sqrt(2/pi) of its deviation.
    """
    n, m = int(real.sum()), int(sampled.sum())
    pooled = (real + sampled) / (n + m)
    chance = 0.5 * np.sum(np.sqrt(2 / np.pi * pooled * (1 - pooled) * (1 / n + 1 / m)))
    return float(0.5 * np.sum(np.abs(real / n - sampled / m))), float(chance)


def _ticks(column: Column, edges: np.ndarray) -> tuple[tuple[float, str], ...]:
    low, high = (_own_units(column, edge) for edge in (edges[0], edges[-1]))
    if column.is_temporal:
        centres = [edges[0] + 0.5, (edges[0] + edges[-1]) / 2, edges[-1] - 0.5]
        return tuple((_position(c, edges), _moment(column, c)) for c in sorted(set(centres)))
    if len(edges) - 1 <= 6 and column.has_lattice and edges[1] - edges[0] == 1:  # a value a bin
        centres = (edges[:-1] + edges[1:]) / 2
        return tuple((_position(c, edges), short_number(_own_units(column, c))) for c in centres)
    largest = max(abs(low), abs(high))
    scale = 1.0 if 1e-100 < largest < 1e100 else largest or 1.0  # values may reach 1e300
    locator = MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10])
    nice = scale * np.asarray(locator.tick_values(low / scale, high / scale))
    bins = len(edges) - 1
    places = [
        ((x - low) / (high - low) * bins, _tick_text(x, nice[1] - nice[0])) for x in nice.tolist()
    ]
    return tuple((place, text) for place, text in places if -1e-9 <= place <= bins + 1e-9)


def _tick_text(value: float, step: float) -> str:
    """A number with the digits that tell it from the next one, `step` away."""
    if not 1e-6 < step < 1e7 or abs(value) >= 1e9:
        return f"{value:.4g}"
    text = f"{value:.{max(1 - int(np.floor(np.log10(step))), 0)}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) if float(text) else "0"


def _own_units(column: Column, coordinate: float) -> float:
    return (
        float(coordinate * column.step + column.offset)
        if column.step is not None
        else float(coordinate)
    )


def _position(coordinate: float, edges: np.ndarray) -> float:
    return float((coordinate - edges[0]) / (edges[-1] - edges[0]) * (len(edges) - 1))


def _moment(column: Column, coordinate: float) -> str:
    value = np.rint(coordinate) * (column.step or 1.0) + column.offset
    return time_text(float(value), column.kind, column.unit or "d")[:16]
