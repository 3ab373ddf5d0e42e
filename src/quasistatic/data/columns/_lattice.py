"""Was a column of floats recorded on a lattice (rounded), and on which one?

The evidence is the chance that as many values of full precision would all lie that close to the
lattice.
"""

from decimal import Decimal
from typing import NamedTuple

import numpy as np

CHANCE = 1e-6
"""A lattice is believed when full-precision values would show it with at most this probability."""
MOST_DECIMALS = 6
FINEST = 1e4
"""A lattice finer than the standard deviation by this much is a density, unless values repeat or it
has two decimals; by 100 times as much it always is, for float32 could not tell its cells apart."""


class Lattice(NamedTuple):
    """The points offset + k step, k integer."""

    step: float
    offset: float


def integer_lattice(values: np.ndarray, n: int) -> Lattice:
    """Step and origin of integers: the greatest common divisor of their differences if it can be
    believed, else 1.

    Args:
        values: sorted distinct int64 (or uint64) values.
        n: number of values, repetitions included.
    """
    first, last = int(values[0]), int(values[-1])
    step = int(np.gcd.reduce(np.diff(values))) if len(values) > 1 else 1
    # k values share a residue mod `step` by chance with probability step^-(k - 1); many rows on
    # three values or more will do
    believable = len(values) >= 3 and (n >= 50 or step ** -(len(values) - 1.0) < CHANCE)
    step = step if believable and step > 1 else 1
    if max(abs(first), abs(last)) < 2**52:
        return Lattice(step, first % step)
    return Lattice(
        step, first
    )  # large numbers (nanoseconds since 1970, say) keep their differences exact


def float_lattice(values: np.ndarray, n: int, relative_error: float) -> Lattice | None:
    """Step and origin of floats, None for values of full precision.

    Args:
        values: sorted distinct values as float64.
        n: number of values, repetitions included.
        relative_error: spacing of the floats at 1: 2^-52, or 2^-23 for float32.
    """
    if len(values) < 2:
        return None
    lattice = _decimal(values, n, relative_error) or _uniform(values, n, relative_error)
    return lattice if lattice and _is_coarse(values, n, lattice.step) else None


def written_decimals(values: np.ndarray, n: int, relative_error: float) -> int | None:
    """Decimal places that all values of a column have, be they too fine for a lattice; None for
    values of full precision.

    Args:
        values: sorted distinct values as float64.
        n: number of values, repetitions included.
        relative_error: spacing of the floats at 1: 2^-52, or 2^-23 for float32.
    """
    lattice = _decimal(values, n, relative_error)
    return None if lattice is None else decimal_places(*lattice)


def decimal_places(step: float, offset: float) -> int | None:
    """Decimal places of a lattice's points, None when they have no short decimal form."""
    places = max(
        -int(Decimal(repr(float(number))).normalize().as_tuple().exponent)
        for number in (step, offset)
    )
    return max(places, 0) if places <= 12 else None


def _is_coarse(values: np.ndarray, n: int, step: float) -> bool:
    """Whether the lattice matters: values repeat, or it is no finer than a density needs."""
    scale = float(np.max(np.abs(values)))  # 1e300 has no square
    ratio = float(np.std(values / scale)) * scale / step
    repeated = 1 - len(values) / n
    return ratio <= FINEST or (ratio <= 100 * FINEST and (repeated > 0.01 or step >= 0.01))


def _decimal(values: np.ndarray, n: int, relative_error: float) -> Lattice | None:
    for decimals in range(MOST_DECIMALS + 1):
        scaled = values * 10.0**decimals
        if np.max(np.abs(scaled)) >= 2**53:
            return None
        tolerance = relative_error * np.maximum(np.abs(scaled), 1.0)
        nearest = np.rint(scaled)
        if np.all(np.abs(scaled - nearest) <= tolerance) and np.all(np.diff(nearest) > 0):
            chance = np.sum(np.log(np.minimum(2 * tolerance[scaled != 0], 1.0)))
            if chance >= np.log(CHANCE):
                return None
            whole = integer_lattice(nearest.astype(np.int64), n)
            return Lattice(
                _decimal_number(whole.step, decimals), _decimal_number(whole.offset, decimals)
            )
    return None


def _decimal_number(whole: float, decimals: int) -> float:
    return whole / 10.0**decimals  # correctly rounded: the float nearest to the decimal number


def _uniform(values: np.ndarray, n: int, relative_error: float) -> Lattice | None:
    """A lattice of any step, as rescaled integers have; looked for only when most values repeat."""
    if len(values) < 4 or len(values) > n / 2:
        return None
    span = values[-1] - values[0]
    smallest = np.min(np.diff(values))
    magnitude = max(abs(values[0]), abs(values[-1]))
    for part in (1, 2, 3):
        with np.errstate(over="ignore", divide="ignore"):
            count = span / (smallest / part)
        if not np.isfinite(count):  # a gap among the subnormal numbers
            continue
        points = round(count)
        step = span / points
        tolerance = max(8 * relative_error * magnitude / step, 1e-9)
        if tolerance > 0.01 or (2 * part * tolerance) ** (len(values) - 2) > CHANCE:
            continue
        k = (values - values[0]) / step
        if np.all(np.abs(k - np.rint(k)) <= tolerance):
            return Lattice(float(step), float(values[0]))
    return None
