"""Limits of a column of numbers, found from its values: what it never was is not drawn."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

_FEWEST = 20
"""Values below which nothing is said of limits but that counts are not negative."""


class Limits(NamedTuple):
    """Smallest and largest value that decoding returns; None is no limit."""

    lower: float | None = None
    upper: float | None = None


def find_limits(
    values: np.ndarray, step: float | None, offset: float, atoms: Collection[float], percent: bool
) -> Limits:
    """The limits of a column.

    A column without a negative value is not negative, and one that is always positive stays so; a
    share stays within [0, 1], and a number of per cent within [0, 100]; where the smallest or
    largest value is a point mass (a floor, a cap), nothing lies beyond it.

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
    lower = low if low in atoms else lower
    return Limits(lower, high if high in atoms else upper)


def _least_positive(step: float, offset: float) -> float:
    """The smallest point of a lattice above 0."""
    rest = float(np.fmod(offset, step))
    rest = rest + step if rest < 0 else rest
    return rest if rest > 1e-9 * step else float(step)
