"""A range of a column, and its ends in the column's units."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from quasistatic.data.columns.numbers import read_coordinates
from quasistatic.data.schema import Column

__all__ = ["Between", "Closed", "between", "coordinate", "edge"]

Closed = Literal["both", "left", "right", "neither"]


@dataclass(frozen=True)
class Between:
    """low <= x <= high; see `between`."""

    low: Any
    high: Any
    closed: Closed


def between(low: Any = None, high: Any = None, closed: Closed = "both") -> Between:
    """A range of a number or a date, for `DiffusionDensity.condition`; None is no limit.

    Args:
        low: smallest value, in the column's own words or units (default: no limit).
        high: largest value, in the column's own words or units (default: no limit).
        closed: which of the two limits belong to the range: "both" (default), "left", "right" or
            "neither" (integers and rounded numbers; for a density it makes no difference).

    Example:
        >>> between(30, 40, closed="left")
        Between(low=30, high=40, closed='left')
    """
    return Between(low, high, closed)


def coordinate(column: Column, value: Any, absent: float, where: str) -> float:
    """The coordinate of an end, which is given in the column's words or units.

    Args:
        column: column of numbers.
        value: end of a range; None for none.
        absent: coordinate where there is none.
        where: name of the condition, for messages.
    """
    if value is None:
        return absent
    found, _ = read_coordinates(pl.Series(column.name, [value]), column, where)
    return float(found[0])


def edge(column: Column, value: Any, where: str) -> float | None:
    """An end as a number in the column's units; None where there is none.

    Args:
        column: column of numbers.
        value: end of a range, in the column's words or units; None for none.
        where: name of the condition, for messages.
    """
    found = coordinate(column, value, math.nan, where)
    if math.isnan(found):
        return None
    return column.offset + found * (column.step or 1.0) if column.has_lattice else found
