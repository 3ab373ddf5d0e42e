"""Limits of a column of numbers, found from its values: what it never was is not drawn."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from quasistatic.data.schema import Side

_FEWEST = 20
"""Values below which nothing is said of limits but that counts are not negative."""
_NEAR = 32
"""Values nearest to a limit that are looked at, or a tenth of all."""
_EXPECTED = 14.0
"""Values that a smooth density would have beyond a limit before it is believed that there are none:
their absence has a chance of one in a million."""
_CLOSE = 0.12
"""Share of the values that the nearest of them may be, unless they lie in one cell."""
_HEAP = 3
"""Times as many rows as its neighbour, where a value at the end is a floor or a cap."""
_NEARLY = 1e-6
"""Share of the smallest positive value that stands for the limit 0 of a density."""


class Limits(NamedTuple):
    """Smallest and largest value that decoding returns, None is no limit; and which of them are
    held by the model.
    """

    lower: float | None = None
    upper: float | None = None
    held: tuple[Side, ...] = ()


def find_limits(
    values: np.ndarray, step: float | None, offset: float, atoms: Collection[float], percent: bool
) -> Limits:
    """The limits of a column.

    A column without a negative value is not negative, and one that is always positive stays so; a
    share stays within [0, 1], and a number of per cent within [0, 100]; where the smallest or
    largest value is a point mass or the heap of a lattice (a floor, a cap), nothing lies beyond it.

    The model holds a limit where the table gives evidence of it: values lie so close that a smooth
    density would have gone on beyond, or the point mass at it is the largest. The first is judged
    by the numbers n_1 and n_2 of values in two equal intervals inside, of which n_1^2 / n_2 are
    expected in the next one outside.

    Args:
        values: observed training values, at least one.
        step: lattice width, in the units of the values; None for a density.
        offset: a value on the lattice.
        atoms: exact values with probability mass.
        percent: whether the values are written with a per cent sign.
    """
    low, high = float(values.min()), float(values.max())
    lower = 0.0 if low >= 0 else None
    if len(values) < _FEWEST or max(abs(low), abs(high)) >= 2**53:
        return Limits(lower if step is not None else None)
    if low > 0:
        lower = low if step is None else _least_positive(step, offset)
    upper = None
    if low >= 0 and 0.5 < high <= 1 and np.any((values > 0) & (values < 1)):
        upper = 1.0
    elif low >= 0 and percent and 50 < high <= 100:
        upper = 100.0
    lower = low if _repeats(values, low, 1, step, atoms) else lower
    upper = high if _repeats(values, high, -1, step, atoms) else upper
    positive = step is None and low > 0 and low not in atoms
    held = _held(values, 0.0 if positive else lower, upper, step, atoms)
    if "lower" in held and positive:
        lower = nearly_zero(low)
    return Limits(lower, upper, held)


def find_ends(values: np.ndarray, step: float, atoms: Collection[float]) -> Limits:
    """The limits of a column whose zero means nothing, of dates: its first and last value, where
    many rows have them.

    Args:
        values: observed training values, at least one.
        step: lattice width, in the units of the values.
        atoms: exact values with probability mass.
    """
    low, high = values.min().item(), values.max().item()
    if len(values) < _FEWEST or max(abs(low), abs(high)) >= 2**53:
        return Limits()
    lower = low if _repeats(values, low, 1, step, atoms) else None
    upper = high if _repeats(values, high, -1, step, atoms) else None
    return Limits(lower, upper, _held(values, lower, upper, step, atoms))


def _repeats(
    values: np.ndarray, end: float, sign: int, step: float | None, atoms: Collection[float]
) -> bool:
    """Whether the smallest or largest value is one of many rows: a point mass, or on a lattice the
    most frequent value, with `_HEAP` times as many rows as the one beside it.
    """
    if end in atoms:
        return True
    n = np.count_nonzero(values == end)
    if step is None or n < _EXPECTED or not _is_edge(values, end, sign, step, ()):
        return False
    beside = np.count_nonzero(np.abs(values - end - sign * step) < 0.5 * step)
    return bool(n >= _HEAP * beside and n == np.unique(values, return_counts=True)[1].max())


def _held(
    values: np.ndarray,
    lower: float | None,
    upper: float | None,
    step: float | None,
    atoms: Collection[float],
) -> tuple[Side, ...]:
    """Which limits the table gives evidence of."""
    edges: tuple[tuple[Side, int, float | None], ...] = ("lower", 1, lower), ("upper", -1, upper)
    return tuple(
        side
        for side, sign, edge in edges
        if edge is not None and _is_edge(values, edge, sign, step, atoms)
    )


def _is_edge(
    values: np.ndarray, edge: float, sign: int, step: float | None, atoms: Collection[float]
) -> bool:
    """Whether the values end at an edge, and do not only happen to lie on one side of it.

    Args:
        values: values, all of them inside.
        edge: limit in question.
        sign: 1 where they lie above it, -1 where below.
        step: lattice width; None for a density.
        atoms: exact values with probability mass.
    """
    if edge in atoms:
        counts = {atom: np.count_nonzero(values == atom) for atom in atoms}
        return bool(counts[edge] >= _EXPECTED and counts[edge] == max(counts.values()))
    distance = sign * (values - edge)
    nearest = np.partition(distance, k := min(_NEAR, len(values) // 10))[k]
    reach = nearest if step is None else step * (np.floor(nearest / step + 1e-6) + 0.5)
    near = np.count_nonzero(distance <= reach)
    far = np.count_nonzero(distance <= 2 * reach + (0.0 if step is None else step / 2)) - near
    # Wide intervals would see how the density bends, not where it ends.
    close = near <= len(values) * _CLOSE or nearest == 0
    return bool(close and near >= _EXPECTED and near * near >= _EXPECTED * max(far, 1))


def nearly_zero(smallest: float) -> float:
    """What stands for the limit 0 of a density that is never 0: less than a millionth of the
    smallest value, a power of ten.
    """
    return float(10.0 ** np.floor(np.log10(_NEARLY * smallest)))


def _least_positive(step: float, offset: float) -> float:
    """The smallest point of a lattice above 0."""
    rest = float(np.fmod(offset, step))
    rest = rest + step if rest < 0 else rest
    return rest if rest > 1e-9 * step else float(step)
