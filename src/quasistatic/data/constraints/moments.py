"""Dates, times of day and durations in a constraint, as numbers of its columns' unit."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import numpy as np

from quasistatic.data.columns.moments import MONTH, NANOSECONDS
from quasistatic.data.schema import Schema
from quasistatic.errors import SchemaError

__all__ = ["units_of", "with_numbers"]

_DATE = re.compile(
    r"\d{4}-\d{2}(?:-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?)?(?![\w.:-])"
)
_CLOCK = re.compile(r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?![\w.:])")
_LENGTH = re.compile(
    r"(\d+\.?\d*|\.\d+) ?(months?|mon|weeks?|days?|d|hours?|h|minutes?|min|seconds?|s|ms|us|ns)\b"
)
_DAYS_A_WEEK = 7


def units_of(schema: Schema) -> dict[str, str]:
    """The units of the columns of times, by name.

    Args:
        schema: schema of a table.
    """
    return {c.name: c.unit or "d" for c in schema.columns if c.is_temporal}


def with_numbers(
    text: str,
    units: Mapping[str, str],
    name_at: Callable[[int], tuple[str | None, int]],
) -> str:
    """A constraint with numbers in place of its dates, times of day and durations: of the finest
    unit among its columns of times, dates counted from 1970 and times of day from midnight. Without
    such a column the text stays as it is.

    Args:
        text: constraint as it is written.
        units: units of the columns of times, by name.
        name_at: function from a place of the text to the column whose name stands there, and where
            it ends.

    Raises:
        SchemaError: a date that is none, or a part of the unit.

    Example:
        >>> def name_at(place):
        ...     return ("end", 3) if place == 0 else (None, place)
        >>> with_numbers("end < 1970-03-01", {"end": "d"}, name_at)
        'end < 59'
    """
    pieces, named, place = [], [], 0
    while place < len(text):
        name, end = name_at(place)
        if name is not None:
            named.append(name)
            pieces.append(text[place:end])
            place = end
            continue
        found = None
        if place == 0 or not (text[place - 1].isalnum() or text[place - 1] in "_."):
            found = _DATE.match(text, place) or _CLOCK.match(text, place)
            found = found or _LENGTH.match(text, place)
        pieces.append(text[place] if found is None else found)
        place = place + 1 if found is None else found.end()
    here = [units[name] for name in named if name in units]
    if not here or all(isinstance(piece, str) for piece in pieces):
        return text
    unit = _finest(here)
    return "".join(p if isinstance(p, str) else _number(p, unit, text) for p in pieces)


def _finest(units: Sequence[str]) -> str:
    """The finest of some units."""
    order = [MONTH, *NANOSECONDS]
    return max(units, key=order.index)


def _number(found: re.Match, unit: str, text: str) -> str:
    """A date, a time of day or a duration as a whole number of a unit."""
    where = f"the constraint {text!r}"
    if found.re is _LENGTH:
        amount, word = Decimal(found[1]), _word(found[2])
        if (word == MONTH) != (unit == MONTH):
            raise SchemaError(
                f"{found[0]!r} is no fixed number of {unit!r}", where=where, fix="give days"
            )
        size = Decimal(1) if word == MONTH else Decimal(_nanoseconds(word)) / NANOSECONDS[unit]
        number = amount * size
    elif found.re is _CLOCK:
        if unit == MONTH:
            raise SchemaError(f"{found[0]!r} is a time of day, and the unit a month", where=where)
        hours, minutes, *seconds = found[0].split(":")
        total = 3600 * int(hours) + 60 * int(minutes) + Decimal(seconds[0] if seconds else 0)
        number = total * NANOSECONDS["s"] / NANOSECONDS[unit]
    else:
        number = _from_1970(found[0], unit, where)
    if number != int(number):
        raise SchemaError(f"{found[0]!r} is no whole number of {unit!r}", where=where)
    return str(int(number))


def _word(word: str) -> str:
    """The unit that a word means."""
    if word.startswith("mon"):
        return MONTH
    long = {"week": "week", "day": "d", "hour": "h", "minute": "min", "second": "s"}
    return long.get(word.removesuffix("s"), word) if len(word) > 2 else word


def _nanoseconds(word: str) -> int:
    return _DAYS_A_WEEK * NANOSECONDS["d"] if word == "week" else NANOSECONDS[word]


def _from_1970(date: str, unit: str, where: str) -> Decimal:
    try:
        moment = np.datetime64(date.replace(" ", "T"), "ns")
    except ValueError as error:
        raise SchemaError(f"{date!r} is no date ({error})", where=where) from error
    if unit == MONTH:
        month = moment.astype("datetime64[M]")
        whole = month.astype("datetime64[ns]") == moment
        return Decimal(int(month.astype(np.int64))) + (Decimal(0) if whole else Decimal("0.5"))
    return Decimal(int(moment.astype(np.int64))) / NANOSECONDS[unit]
