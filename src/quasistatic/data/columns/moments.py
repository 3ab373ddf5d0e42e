"""Times as numbers of a unit: months, days, ..., nanoseconds; and as text for people."""

import numpy as np

__all__ = ["MONTH", "NANOSECONDS", "days_of", "months_of", "time_text"]

NANOSECONDS = {
    "d": 86400 * 10**9,
    "h": 3600 * 10**9,
    "min": 60 * 10**9,
    "s": 10**9,
    "ms": 10**6,
    "us": 10**3,
    "ns": 1,
}
"""Nanoseconds of each unit, from the largest to the smallest."""
MONTH = "mon"
"""Unit of dates that are all the first of a month."""


def months_of(days: np.ndarray) -> np.ndarray:
    """Months from 1970, float64, of days from 1970; a later day than the first is a part of one."""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    return months.astype(np.int64) + (dates - months.astype("datetime64[D]")).astype(np.int64) / 31


def days_of(months: np.ndarray) -> np.ndarray:
    """Days from 1970 of the first of months from 1970, int64."""
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def time_text(value: float, kind: str, unit: str) -> str:
    """A number of a column of times for people: 2020-01-31, 2020-01-31 10:30, 10:30, 26:15:00.

    Args:
        value: number of units from 1970, from midnight, or of a duration.
        kind: kind of the column, "datetime", "time" or "duration".
        unit: unit of `NANOSECONDS`, or `MONTH`.
    """
    if unit == MONTH:
        return str(np.datetime64(int(value), "M"))
    if kind == "datetime":
        code = {"d": "D", "min": "m"}.get(unit, unit)
        text = str(np.array(int(value)).astype(f"datetime64[{code}]")).replace("T", " ")
        return f"{text}:00" if unit == "h" else text
    seconds, rest = divmod(int(value) * NANOSECONDS[unit], 10**9)
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    text = f"{sign}{seconds // 3600:02d}:{seconds % 3600 // 60:02d}"
    if unit in ("d", "h", "min"):
        return text
    decimals = f".{rest:09d}".rstrip("0").rstrip(".")
    return f"{text}:{seconds % 60:02d}{decimals}"
