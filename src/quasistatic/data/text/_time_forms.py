"""Which forms the dates of a column can have."""

import re
from functools import cache

import polars as pl

from quasistatic.data.text.month_names import language_of
from quasistatic.data.text.times import TimeForm

_DATES = (
    "%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d.%m.%y",
    "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y",
    "%d/%m/%y", "%m/%d/%y", "%y/%m/%d", "%d-%m-%y", "%m-%d-%y", "%y-%m-%d",
    "%d %b %Y", "%d-%b-%Y", "%d/%b/%Y", "%d.%b.%Y", "%d%b%Y", "%d. %b %Y",
    "%d %b %y", "%d-%b-%y", "%d%b%y",
    "%d de %b de %Y", "%b %d, %Y", "%b %d %Y", "%Y %b %d", "%Y-%b-%d",
    "%a, %d %b %Y", "%a %d %b %Y", "%a %b %d %Y", "%A, %b %d, %Y", "%A, %d %b %Y",
    "%b %Y", "%b-%Y", "%b-%y", "%b %y", "%Y-%b", "%Y %b",
    "%Y-%m", "%Y/%m", "%m/%Y", "%m-%Y", "%YM%m", "%Y-%jd",
    "%YQ%q", "%Y-Q%q", "%Y Q%q", "Q%q %Y", "Q%q-%Y", "Q%q/%Y", "%qQ%Y",
)  # fmt: skip
FORMATS = ", ".join(_DATES)
"""The forms of dates that are tried, for messages; each also with a time of day behind it."""
_COMPACT = {8: "%Y%m%d", 6: "%Y%m", 14: "%Y%m%d%H%M%S", 12: "%Y%m%d%H%M"}
_LEAST_COMPACT = {8: 5, 6: 7, 14: 3, 12: 4}
"""Distinct cells of so many digits that would not all be dates by chance (1 in a million)."""
_TAIL = re.compile(
    r"(?P<gap>T|,? +|,|-|:)?(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?P<second>:[0-9]{2})?"
    r"(?P<fraction>[.,][0-9]{1,9})?(?P<half> ?[AaPp]\.?[Mm]\.?)?"
    r"(?P<zone> ?(?:[Zz]|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2}))?"
)
_COMPACT_TAIL = re.compile(r"T(?P<digits>[0-9]{4}|[0-9]{6})(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?")


def time_forms(cells: pl.Series) -> list[TimeForm]:
    """The forms in which all cells are dates or times: none, one, or those between which the cells
    alone cannot decide.

    Args:
        cells: distinct cells of text, blanks around them removed, none missing.
    """
    first = max(cells.head(50), key=len)
    if not any(character.isdigit() for character in first) or len(first) > 60:
        return []
    if cells.str.contains(r"^[0-9]+$").all():
        return _compact(cells)
    formats = _with_tail("", first) + [
        format
        for date, head in _heads().items()
        for match in [head.match(first)]
        if match
        for format in _with_tail(date, first[match.end() :])
    ]
    forms = [TimeForm(format) for format in dict.fromkeys(formats)]
    found = [form for form in forms if _reads_all(form, cells)]
    if cells.str.contains(r"(?:^|[/-])[0-9](?:[/-]|$)").any():  # of a short year first, never
        found = [form for form in found if not form.format.startswith("%y")]
    if _are_school_years(found, cells):
        return []
    return list(dict.fromkeys(refined(form, cells) for form in found))


@cache
def _heads() -> dict[str, re.Pattern[str]]:
    """The regular expression of what a cell begins with, of each form of dates."""
    return {date: re.compile(TimeForm(date).pattern[:-1]) for date in _DATES}


def _reads_all(form: TimeForm, cells: pl.Series) -> bool:
    few = cells.head(200)
    return form.read(few).null_count() == 0 and form.read(cells).null_count() == 0


def _compact(cells: pl.Series) -> list[TimeForm]:
    lengths = cells.str.len_chars().unique()
    format = _COMPACT.get(lengths[0]) if len(lengths) == 1 else None
    if format is None or len(cells) < _LEAST_COMPACT[lengths[0]]:
        return []
    year = cells.str.head(4).cast(pl.Int32)
    form = TimeForm(format)
    return [form] if year.is_between(1800, 2200).all() and _reads_all(form, cells) else []


def _with_tail(date: str, rest: str) -> list[str]:
    """The formats of a date with what stands behind it in one cell."""
    if not rest:
        return [date]
    match = _COMPACT_TAIL.fullmatch(rest)
    if match and date:
        return [
            date
            + ("T%H%M%S" if len(match["digits"]) == 6 else "T%H%M")
            + ("%z" if match["zone"] else "")
        ]
    match = _TAIL.fullmatch(rest)
    if match is None or bool(match["gap"]) != bool(date):
        return []
    hour = "%I" if match["half"] else "%H"
    format = f"{date}{match['gap'] or ''}{hour}:%M"
    format += ":%S" if match["second"] else ""
    format += "%.f" if match["second"] else ""
    format += _spaced(match["half"], "%p") + _spaced(match["zone"], "%z")
    return [format]


def _spaced(part: str | None, code: str) -> str:
    if not part:
        return ""
    return f" {code}" if part.startswith(" ") else code


def _are_school_years(found: list[TimeForm], cells: pl.Series) -> bool:
    """Whether 2009-10, 2010-11, ... are years that run over, not months."""
    if not any(form.format in ("%Y-%m", "%Y/%m") for form in found):
        return False
    year, month = cells.str.slice(2, 2).cast(pl.Int32), cells.str.tail(2).cast(pl.Int32)
    return bool(((year + 1) % 100 == month).all())


def refined(form: TimeForm, cells: pl.Series) -> TimeForm:
    """The form with what only the cells can tell: zeros before single digits, names in capitals,
    decimals of seconds, the offset of new cells.

    Args:
        form: form of the dates.
        cells: distinct cells of that form.
    """
    parts = cells.str.extract_groups(form.pattern).struct
    format, names, zone, digits = form.format, "title", form.zone, 0
    for pair in (("m", "d"), ("H", "I")):
        there = [code for code in pair if code in parts.fields]
        if any((parts.field(code).str.len_chars() == 1).any() for code in there):
            for code in there:
                if not parts.field(code).str.starts_with("0").any():
                    format = format.replace(f"%{code}", f"%-{code}")
    for code in ("b", "p"):
        if code in parts.fields:
            letters = parts.field(code).drop_nulls()
            if len(letters) and (letters == letters.str.to_lowercase()).all():
                names = "lower"
            elif len(letters) and code == "b" and (letters == letters.str.to_uppercase()).all():
                names = "upper"
    language = language_of(parts.field("b")) if "b" in parts.fields else form.language
    if "b" in parts.fields and "%b" in format:
        longest = int(parts.field("b").str.len_chars().max() or 3)  # type: ignore[arg-type]
        format = format.replace("%b", "%B") if longest > 4 else format
    if "z" in parts.fields:
        zones = parts.field("z").drop_nulls().unique()
        zone = zones[0] if len(zones) == 1 else _universal(zones[0])
    if "f" in parts.fields:
        digits = int(parts.field("f").str.len_chars().max() or 0)  # type: ignore[arg-type]
    return TimeForm(format, form.pivot, zone, names, digits, language)


def _universal(zone: str) -> str:
    """Universal time, written as the offsets of the column are."""
    return "+00:00" if ":" in zone else "+0000" if len(zone) == 5 else "Z" if zone == "Z" else "+00"
