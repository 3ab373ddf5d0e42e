"""How the dates and times of a column are written: a format in the codes of `strftime`."""

import re
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any

import numpy as np
import polars as pl

from quasistatic.data.text.month_names import ENGLISH, PATTERN, Language, month_names, month_of
from quasistatic.records import Within

__all__ = ["PIVOT", "TimeForm", "check_format"]

PIVOT = 69
"""Two-digit years from here on belong to 1900, those before to 2000, as POSIX has it."""
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_CODES = {
    "Y": r"(?P<Y>[0-9]{4})",
    "y": r"(?P<y>[0-9]{2})",
    "m": r"(?P<m>[0-9]{1,2})",
    "d": r"(?P<d>[0-9]{1,2})",
    "b": rf"(?P<b>(?i:{PATTERN}))\.?",
    "B": rf"(?P<b>(?i:{PATTERN}))",
    "a": rf"(?i:{'|'.join(day[:3] for day in _DAYS)})",
    "A": rf"(?i:{'|'.join(_DAYS)})",
    "q": r"(?P<q>[1-4])",
    "j": r"(?P<j>[0-9]{3})",
    "H": r"(?P<H>[0-9]{1,2})",
    "I": r"(?P<I>[0-9]{1,2})",
    "M": r"(?P<M>[0-9]{2})",
    "S": r"(?P<S>[0-9]{2})",
    "p": r"(?P<p>(?i:[ap]))\.?(?i:m)\.?",
    "z": r"(?P<z>(?i:Z|UTC|GMT)|[+-][0-9]{2}(?::?[0-9]{2})?)",
}
_FRACTION = r"(?:[.,](?P<f>[0-9]{1,9}))?"
_PART = re.compile(r"%(-?)([A-Za-z])|%(\.f)|([^%]+)")
_TWO_DIGITS = {"m", "d", "H", "I"}


@dataclass(frozen=True)
class TimeForm:
    """The form of a column's dates, date-times or times of day.

    Args:
        format: codes of `strftime`, `%-d` for a day without a zero before it, `%.f` for decimals of
            a second where there are any, `%q` for a quarter; seconds may be absent in single cells.
        pivot: two-digit years from this one on are 19.., those before 20.. (default `PIVOT`).
        zone: offset from universal time as new cells have it: "Z", "+02:00", ...; empty (default)
            where the format has no `%z`.
        case: form of month names, "title" (default), "upper" or "lower"; of AM and PM too.
        digits: number of decimals of the seconds (default 0).
        language: language of month names, a key of `LANGUAGES` (default English).
    """

    format: Annotated[str, Within(0, 200)]
    pivot: Annotated[int, Within(0, 100)] = PIVOT
    zone: Annotated[str, Within(0, 10)] = ""
    case: Annotated[str, Within(0, 5)] = "title"
    digits: Annotated[int, Within(0, 9)] = 0
    language: Language = ENGLISH

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types; `TimeForm(**...)` gives back an equal form."""
        return asdict(self)

    @cached_property
    def codes(self) -> set[str]:
        """The letters of the format's codes."""
        return {match[2] for match in _PART.finditer(self.format) if match[2]}

    @property
    def has_date(self) -> bool:
        """Whether it is more than a time of day."""
        return bool(self.codes & {"Y", "y"})

    @property
    def has_time(self) -> bool:
        """Whether it is more than a date."""
        return bool(self.codes & {"H", "I"})

    @property
    def words(self) -> str:
        """The form for people; empty for a form that needs no words."""
        if self.format.startswith("%Y-%m-%d") or not self.has_date:
            return ""
        years = f", years {1900 + self.pivot} to {1999 + self.pivot}" if "y" in self.codes else ""
        return f"{self.format}{years}"

    @cached_property
    def pattern(self) -> str:
        """The regular expression of a cell."""
        parts, compact = [], re.search(r"%-?[a-zA-Z]%-?[dHMSmj]", self.format) is not None
        for match in _PART.finditer(self.format):
            if match[3]:
                parts.append(_FRACTION)
            elif match[2]:
                code = _CODES[match[2]]
                parts.append(
                    code.replace("{1,2}", "{2}") if compact and match[2] in "mdHI" else code
                )
            else:
                parts.append(re.sub(r"(?:\\?\s)+", r"\\s+", re.escape(match[4])))
        text = "".join(parts)
        return "^" + text.replace(f":{_CODES['S']}", f"(?::{_CODES['S']})?") + "$"

    def read(self, text: pl.Series) -> pl.Series:
        """The dates of cells `[N]`: Date, Datetime in microseconds (nanoseconds, where some cell
        has them; with UTC, where the form has an offset) or Time; null where a cell is none.
        """
        cells = text.str.strip_chars()
        parts = cells.str.extract_groups(self.pattern).struct
        found = {name: parts.field(name) for name in parts.fields}
        matches = cells.str.contains(self.pattern).fill_null(False).to_numpy()
        number = {name: _integers(series) for name, series in found.items() if name in "YymdqjHIMS"}
        valid, seconds = matches, np.zeros(len(cells), np.int64)
        if self.has_time:
            seconds, fits = _seconds(number, found.get("p"))
            valid = valid & fits
        finer = _fraction(found["f"]) if "f" in found else np.zeros(len(cells), np.int64)
        if not self.has_date:
            return _held(text.name, seconds * 10**9 + finer, valid, pl.Time())
        days, fits = self._days(number, found.get("b"))
        valid = valid & fits
        if not self.has_time:
            return _held(text.name, days.astype(np.int32), valid, pl.Date())
        total = days * 86400 + seconds
        if "z" in found:
            total = total - _offset(found["z"])
        fine = bool(np.any(finer % 1000 != 0))
        ticks = total * (10**9 if fine else 10**6) + (finer if fine else finer // 1000)
        dtype = pl.Datetime("ns" if fine else "us", "UTC" if "z" in found else None)
        return _held(text.name, ticks, valid, dtype)

    def _days(self, number: dict[str, np.ndarray], names: pl.Series | None) -> Any:
        """Days from 1970, and which are in the calendar."""
        if "Y" in number:
            year = number["Y"]
        else:
            year = number["y"] + np.where(number["y"] >= self.pivot, 1900, 2000)
        if "j" in number:
            first = _days_from_civil(year, np.ones_like(year), np.ones_like(year))
            length = 365 + _is_leap(year)
            return first + number["j"] - 1, (number["j"] >= 1) & (number["j"] <= length)
        month = np.ones_like(year)
        if names is not None:
            month = month_of(names)
        elif "m" in number:
            month = number["m"]
        elif "q" in number:
            month = 3 * number["q"] - 2
        day = number.get("d", np.ones_like(year))
        fits = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
        fits &= day <= _month_length(year, np.clip(month, 1, 12))
        return _days_from_civil(year, np.clip(month, 1, 12), day), fits

    def write(self, times: pl.Series) -> pl.Series:
        """Dates `[N]` as cells, null where missing."""
        if self.has_date and not self.has_time and isinstance(times.dtype, pl.Datetime):
            times = times.dt.date()
        if getattr(times.dtype, "time_zone", None) is not None:
            times = times.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
            times = times + timedelta(minutes=_minutes(self.zone))
        parts = [self._part(match, times) for match in _PART.finditer(self.format)]
        filled = [pl.repeat(p, len(times), eager=True) if isinstance(p, str) else p for p in parts]
        frame = pl.DataFrame([s.alias(str(i)) for i, s in enumerate(filled)])
        cells = frame.select(pl.concat_str(pl.all(), ignore_nulls=True)).to_series()
        return cells.set(times.is_null(), None).alias(times.name)

    def _part(self, match: re.Match[str], times: pl.Series) -> pl.Series | str:
        """One code of the format, or the characters between codes."""
        bare, code, fraction, between = match.groups()
        if between:
            return between
        if fraction:
            nanoseconds = times.dt.nanosecond().cast(pl.Int64).cast(pl.String).str.zfill(9)
            return "" if not self.digits else "." + nanoseconds.str.head(self.digits)
        if code == "z":
            return self.zone or "+00:00"
        if code in "bBaA":
            number = times.dt.month() - 1 if code in "bB" else times.dt.weekday() - 1
            if code in "bB":
                names = month_names(self.language, short=code == "b")
            else:
                names = pl.Series(_DAYS) if code == "A" else pl.Series(_DAYS).str.head(3)
            return self._cased(names).gather(number.cast(pl.Int64))
        if code == "p":
            return self._cased(pl.Series(["AM", "PM"])).gather(
                (times.dt.hour() >= 12).cast(pl.Int8)
            )
        values = {
            "Y": lambda: times.dt.year(),
            "y": lambda: times.dt.year() % 100,
            "m": lambda: times.dt.month(),
            "d": lambda: times.dt.day(),
            "q": lambda: times.dt.quarter(),
            "j": lambda: times.dt.ordinal_day(),
            "H": lambda: times.dt.hour(),
            "I": lambda: (times.dt.hour().cast(pl.Int16) + 11) % 12 + 1,
            "M": lambda: times.dt.minute(),
            "S": lambda: times.dt.second(),
        }[code]()
        width = 1 if bare else {"Y": 4, "q": 1, "j": 3}.get(code, 2)
        return values.cast(pl.String).str.zfill(width)

    def _cased(self, names: pl.Series) -> pl.Series:
        if self.case == "title":
            return names
        return names.str.to_uppercase() if self.case == "upper" else names.str.to_lowercase()


def check_format(format: str) -> str:
    """What is wrong with a format, empty if nothing is."""
    matched = "".join(match[0] for match in _PART.finditer(format))
    unknown = [m[2] for m in _PART.finditer(format) if m[2] and m[2] not in _CODES]
    if matched != format or unknown:
        return f"the codes are {', '.join(f'%{code}' for code in _CODES)} and %.f"
    codes = [m[2] for m in _PART.finditer(format) if m[2]]
    if len(set(codes)) < len(codes):
        return "a code stands twice in it"
    if not set(codes) & {"Y", "y", "H", "I"}:
        return "it has no year (%Y, %y) and no hour (%H, %I)"
    return ""


def _held(name: str, ticks: np.ndarray, valid: np.ndarray, dtype: pl.DataType) -> pl.Series:
    """Ticks as times, null where they are not valid."""
    return pl.Series(name, np.where(valid, ticks, 0)).cast(dtype).set(pl.Series(~valid), None)


def _integers(series: pl.Series) -> np.ndarray:
    return series.cast(pl.Int64, strict=False).fill_null(0).to_numpy()


def _seconds(
    number: dict[str, np.ndarray], half: pl.Series | None
) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of the day, and which are on the clock."""
    nothing = np.zeros_like(number.get("H", number.get("I")))
    minute, second = number.get("M", nothing), number.get("S", nothing)
    if "I" in number:
        afternoon = half.str.to_lowercase() == "p" if half is not None else pl.Series([False])
        hour = number["I"] % 12 + 12 * afternoon.fill_null(False).to_numpy()
        fits = (number["I"] >= 1) & (number["I"] <= 12)
    else:
        hour, fits = number["H"], number["H"] < 24
    fits = fits & (minute < 60) & (second < 60)
    return hour * 3600 + minute * 60 + second, fits


def _fraction(series: pl.Series) -> np.ndarray:
    """Nanoseconds of the decimals of a second."""
    return _integers(series.fill_null("0").str.pad_end(9, "0"))


def _offset(series: pl.Series) -> np.ndarray:
    """Seconds from universal time to the clock of each cell."""
    names = series.unique().drop_nulls().to_list()
    minutes = {name: 60 * _minutes(name) for name in names}
    return series.replace_strict(minutes, default=0, return_dtype=pl.Int64).fill_null(0).to_numpy()


def _minutes(zone: str) -> int:
    match = re.fullmatch(r"([+-])([0-9]{2}):?([0-9]{2})?", zone)
    if match is None:
        return 0
    return (1 if match[1] == "+" else -1) * (60 * int(match[2]) + int(match[3] or 0))


def _is_leap(year: np.ndarray) -> np.ndarray:
    return ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)


def _month_length(year: np.ndarray, month: np.ndarray) -> np.ndarray:
    lengths = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])[month - 1]
    return lengths + ((month == 2) & _is_leap(year))


def _days_from_civil(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Days from 1970-01-01 in the Gregorian calendar (Hinnant's algorithm)."""
    y = year - (month <= 2)
    era = np.floor_divide(y, 400)
    of_era = y - 400 * era
    of_year = (153 * (month + np.where(month > 2, -3, 9)) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
