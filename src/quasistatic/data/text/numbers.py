"""How the numbers of a column are written: decimal mark, thousands, currency, percent, sign."""

import re
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import numpy as np
import polars as pl

from quasistatic.records import Within

__all__ = [
    "GROUPED",
    "LEADING_ZERO",
    "PLAIN",
    "NumberForm",
    "decimals_range",
    "marks_of",
    "number_forms",
    "refined",
]

PLAIN = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
"""Numbers that need no form."""
_NOT_FINITE = r"(?i)^[+-]?(?:inf|infinity|nan)$"
LEADING_ZERO = r"^[^0-9.,]*0[0-9]"
"""Digits that are no number but a name: postcodes."""
GROUPED = r"^[+-]?(?:[1-9][0-9]{0,2}\.[0-9]{3}|[0-9]{1,3})$"
"""Plain numbers that could as well have points between thousands: 1.234, 12.500, 999."""
_CURRENCY = (
    r"US\$|C\$|A\$|R\$|HK\$|[$€£¥₹₩₽₺₪฿₫₴₦¢]|kr\.?|Kč|zł|Fr\.?|Rs\.?|USD|EUR|GBP|JPY|CHF|CAD|AUD"
    "|NZD|CNY|RMB|INR|BRL|MXN|SEK|NOK|DKK|PLN|CZK|HUF|RUB|TRY|ZAR|KRW|SGD|HKD|THB|ILS|AED|SAR"
)
_UNITS = (
    "kg|g|mg|µg|ug|t|lbs?|oz|km|m|cm|mm|µm|nm|mi|miles?|ft|in|yd|l|L|ml|mL|dl|kWh|Wh|MWh|kW|MW|W|V"
    "|A|Hz|kHz|MHz|GHz|Pa|hPa|kPa|bar|mbar|psi|K|°C|°F|°|s|sec|ms|min|mins|h|hrs?|hours?|days?"
    "|weeks?|months?|years?|yrs?|px|pt|dB|mph|km/h|m/s|mg/dl|mg/dL|mmol/l|mmol/L|mmHg|bpm|kcal|cal"
    "|kJ|J|kB|KB|MB|GB|TB|ppm|ppb"
)
_BEFORE = re.compile(rf"^([+\-−–]?)[(]?([+\-−–]?)((?:{_CURRENCY})[ \u00a0]?)")
# a unit of one letter needs a blank before it: 12A may be the name of a seat
_BEHIND = re.compile(
    rf"((?:[ \u00a0\u202f]?(?:[%‰°]|{_CURRENCY}))|(?:[ \u00a0](?:{_UNITS}))"
    rf"|(?:(?=\D{{2}})(?:{_UNITS})))[)]?-?$"
)
_ROUGH = r"^[^0-9]{0,6}[0-9.,'’ \u00a0\u202f]*[0-9][0-9.,'’]*(?:[eE][+-]?[0-9]+)?[^0-9]{0,9}$"
"""What a number with anything around it looks like; exact forms are sought among these alone."""
_GROUPS = {
    ".": (",", "'", "’", " ", "\u00a0", "\u202f"),
    ",": (".", "'", "’", " ", "\u00a0", "\u202f"),
}
_MOST_MARKS = 6
_MOST_DIGITS = 15
"""Decimals beyond which a number is written as its float reads shortest."""


_Mark = Annotated[str, Within(0, 100)]
_Decimals = Annotated[int, Within(0, 400)]


@dataclass(frozen=True)
class NumberForm:
    """The form of a column's numbers.

    Args:
        decimal: decimal mark, "." (default) or ",".
        group: mark between groups of three digits; empty (default) for none.
        before: what stands before the digits, a currency say (default empty).
        behind: what stands behind them, a percent sign say (default empty).
        negative: form of negative numbers: "-" (default), "−", "–", "()", or "x-" for a sign
            behind; a sign before the currency is written there.
        least: number of decimals that every number has at least (default 0).
        most: number of decimals that a number of the table has at most; None (default) where some
            are written with a power of ten or with full precision.
        power: number of decimals before the power of ten that every number has; None (default)
            where not all have one.
        pairs: whether groups but the last have two digits, as in 12,34,567 (default False).
    """

    decimal: Annotated[str, Within(1, 1)] = "."
    group: Annotated[str, Within(0, 1)] = ""
    before: _Mark = ""
    behind: _Mark = ""
    negative: Annotated[str, Within(1, 2)] = "-"
    least: _Decimals = 0
    most: _Decimals | None = None
    power: _Decimals | None = None
    pairs: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether the digits are those of a program: a point, no groups, nothing around them."""
        return (self.decimal, self.group, self.before, self.behind, self.negative) == (
            ".", "", "", "", "-"
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types; `NumberForm(**...)` gives back an equal form."""
        return asdict(self)

    @property
    def words(self) -> str:
        """What is special about the form, for people; empty if nothing is."""
        parts = [f"{self.decimal!r} before the decimals"] if self.decimal != "." else []
        parts += [f"{self.group!r} between thousands"] if self.group else []
        parts += [repr(mark.strip()) for mark in (self.before, self.behind) if mark.strip()]
        parts += [f"negative {self.negative!r}"] if self.negative not in ("-", "−", "–") else []
        return ", ".join(parts)

    def read(self, text: pl.Series) -> pl.Series:
        """The numbers of cells `[N]`, in the narrowest of Int64, UInt64 and Float64; null where a
        cell is none.
        """
        cells = text.str.strip_chars()
        if not self.is_plain:
            cells = self._stripped(cells)
        for dtype in (pl.Int64, pl.UInt64):
            numbers = cells.cast(dtype, strict=False)
            if numbers.null_count() == cells.null_count():
                return numbers
        return cells.cast(pl.Float64, strict=False)

    def _stripped(self, cells: pl.Series) -> pl.Series:
        """The cells as plain numbers, null where they have another form."""
        below = cells.str.contains(r"^[^0-9]*[-−–]|^\(.*\)$|-$")
        digits = _bare(cells, self.before, self.behind)
        fits = digits.str.contains(self._pattern)
        if self.group:
            digits = digits.str.replace_all(self.group, "", literal=True)
        if self.decimal != ".":
            digits = digits.str.replace(self.decimal, ".", literal=True)
        signed = pl.select(pl.when(below).then("-" + digits).otherwise(digits)).to_series()
        return signed.set(~fits.fill_null(False), None).alias(cells.name)

    @property
    def _pattern(self) -> str:
        """What the digits are, without sign and what is around them."""
        mark, group = re.escape(self.decimal), re.escape(self.group)
        grouped = rf"[1-9][0-9]{{0,2}}(?:{group}[0-9]{{3}})+" if self.group else r"[0-9]+"
        if self.pairs:
            grouped = rf"[1-9][0-9]?(?:{group}[0-9]{{2}})*{group}[0-9]{{3}}"
        return rf"^(?:(?:{grouped}|[0-9]+)(?:{mark}[0-9]*)?|{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?$"

    def write(self, numbers: pl.Series) -> pl.Series:
        """Numbers `[N]` as cells, null where missing: with `least` decimals at least, and as many
        as the number needs.
        """
        if isinstance(numbers.dtype, pl.Decimal):
            numbers = numbers.cast(pl.Float64)
        below = (numbers < 0).fill_null(False)
        if self.power is None:
            whole, part = _digits(numbers, self.least, self.most)
        else:
            whole, part = _powers(numbers, self.power)
        if self.group:
            whole = whole.str.replace(r"^([0-9]+)([0-9]{3})$", f"${{1}}{self.group}${{2}}")
            size = 2 if self.pairs else 3
            for _ in range(6):
                next_group = rf"^([0-9]+)([0-9]{{{size}}}{re.escape(self.group)})"
                whole = whole.str.replace(next_group, f"${{1}}{self.group}${{2}}")
        body = whole if part is None else whole + _after(part, self.decimal)
        body = self.before + body + self.behind
        minus = {"()": ("(", ")"), "x-": ("", "-")}.get(self.negative, (self.negative, ""))
        signed = pl.select(pl.when(below).then(minus[0] + body + minus[1]).otherwise(body))
        return signed.to_series().alias(numbers.name)


def _after(part: pl.Series, mark: str) -> pl.Series:
    """Decimals with the mark before them, and a power of ten as it is."""
    bare = (part == "") | part.str.starts_with("e")
    return (mark + part).zip_with(~bare, part)


def _powers(numbers: pl.Series, decimals: int) -> tuple[pl.Series, pl.Series]:
    """The digit of |x| before the decimal mark, and the others with the power of ten; more than
    `decimals` where the number needs them.
    """
    values = numbers.fill_null(0.0).cast(pl.Float64).abs().to_list()
    texts = pl.Series([f"{value:.{decimals}e}" for value in values], dtype=pl.String)
    part = texts.str.slice(1).str.strip_prefix(".")
    return _with_holes(texts.str.head(1), numbers), part


def _digits(numbers: pl.Series, least: int, most: int | None) -> tuple[pl.Series, pl.Series | None]:
    """The digits of |x| before and behind the decimal mark; None where no number has any behind."""
    if numbers.dtype.is_integer():
        whole = numbers.cast(pl.String).str.strip_prefix("-")
        return whole, None if least == 0 else pl.repeat("0" * least, len(numbers), eager=True)
    values = numbers.fill_null(0.0).cast(pl.Float64).abs().to_numpy()
    places = max(least, 0 if most is None else most)
    scaled = values * 10.0**places
    with np.errstate(invalid="ignore"):  # infinity less infinity
        exact = (scaled < 2**53) & (np.abs(scaled - np.rint(scaled)) <= 1e-6 + 1e-12 * scaled)
    if most is not None and exact.all() and places <= _MOST_DIGITS:
        text = pl.Series(np.rint(scaled).astype(np.int64)).cast(pl.String).str.zfill(places + 1)
        if places == 0:
            return _with_holes(text, numbers), None
        whole, part = text.str.head(-places), text.str.tail(places)
    else:
        text = pl.Series([_shortest(float(value)) for value in values], dtype=pl.String)
        whole, part = (
            text.str.extract(r"^([0-9]+)"),
            text.str.extract(r"^[0-9]+\.?(.*)$").fill_null(""),
        )
    kept = part.str.strip_chars_end("0") if not part.str.contains("e").any() else part
    kept = kept.str.pad_end(least, "0") if least else kept
    return _with_holes(whole, numbers), kept


def _with_holes(text: pl.Series, numbers: pl.Series) -> pl.Series:
    return text.set(numbers.is_null(), None) if numbers.null_count() else text


def _shortest(value: float) -> str:
    """The shortest digits that read as the float; with a power of ten beyond 1e16 and 1e-7."""
    if value != 0 and not 1e-7 <= value < 1e16:
        return repr(value)
    text = np.format_float_positional(value, trim="-")
    return f"0{text}" if text.startswith(".") else text


def number_forms(cells: pl.Series) -> list[NumberForm]:
    """The forms in which all cells are numbers: none, one, or two between which the cells alone
    cannot decide.

    Args:
        cells: distinct cells of text, blanks around them removed, none missing.
    """
    if _all(cells, PLAIN) or _all(cells, f"{PLAIN}|{_NOT_FINITE}"):
        if cells.str.contains(LEADING_ZERO).any():
            return []
        plain = NumberForm()
        return [plain, NumberForm(group=".", decimal=",")] if _could_be_grouped(cells) else [plain]
    if not _all(cells, _ROUGH):
        return []
    bare, shell = _without_shell(cells)
    if bare is None or bare.str.contains(LEADING_ZERO).any():
        return []
    found = []
    for decimal, groups in _GROUPS.items():
        for group in ("", *groups):
            if group and not bare.str.contains(group, literal=True).any():
                continue
            forms = [NumberForm(decimal, group, **shell, pairs=pairs) for pairs in (False, True)]
            fits = [form for form in forms[: 2 if group == "," else 1] if _all(bare, form._pattern)]
            if fits:
                found.append(fits[0])
                break
    return found if bare.str.contains("[.,]").any() else found[:1]


def _could_be_grouped(cells: pl.Series) -> bool:
    return cells.str.contains(".", literal=True).any() and _all(cells, GROUPED)


def _without_shell(cells: pl.Series) -> tuple[pl.Series | None, dict[str, Any]]:
    """The digits and marks of every cell, and what stands around all of them: sign, currency, per
    cent, unit; None where this differs among the cells.
    """
    before, behind = _shared(cells, _BEFORE, 3), _shared(cells, _BEHIND, 1)
    if before is None or behind is None:
        return None, {}
    sign = "-"
    if cells.str.contains(r"^\(.*\)$").any():
        sign = "()"
    elif cells.str.contains(r"[0-9][^0-9]*-$").any():
        sign = "x-"
    elif cells.str.contains("[−–]").any():
        sign = "−" if cells.str.contains("−", literal=True).any() else "–"
    bare = _bare(cells, before, behind)
    return bare, {"before": before, "behind": behind, "negative": sign}


def _bare(cells: pl.Series, before: str, behind: str) -> pl.Series:
    """Cells without sign, parentheses and what stands around the digits."""
    bare = cells.str.replace_all(r"^\((.*)\)$", "${1}").str.replace_all(r"^[+\-−–]|-$", "")
    bare = bare.str.strip_chars().str.strip_prefix(before.strip()).str.strip_chars()
    return bare.str.replace_all(r"^[+\-−–]", "").str.strip_suffix(behind.strip()).str.strip_chars()


def _shared(cells: pl.Series, pattern: re.Pattern[str], group: int) -> str | None:
    """What the pattern finds in every cell, if it is one and the same; None if it differs."""
    seen: set[str] = set()
    for cell in cells:
        match = pattern.search(cell)
        seen.add(match[group] if match else "")
        if len(seen) > 1:
            return None
    return seen.pop() if seen else ""


def _all(cells: pl.Series, pattern: str) -> bool:
    return bool(cells.str.contains(pattern).all())


def refined(form: NumberForm, cells: pl.Series) -> NumberForm:
    """The form with the numbers of decimals that the cells have.

    Args:
        form: form of the numbers.
        cells: distinct cells that are numbers of that form.
    """
    mark = re.escape(form.decimal)
    powers = cells.str.contains(r"[0-9][eE][+-]?[0-9]")
    if powers.all():
        decimals = cells.str.extract(rf"{mark}([0-9]*)[eE]").str.len_chars().max() or 0
        return NumberForm(**(form.to_json() | {"power": int(decimals)}))  # type: ignore[arg-type]
    if powers.any() or cells.str.contains(r"(?i)^[+-]?(?:inf|nan)").any():
        return form
    decimals = cells.str.extract(rf"{mark}([0-9]+)").str.len_chars().fill_null(0).to_list()
    least, most = decimals_range(min(decimals, default=0), max(decimals, default=0))
    return NumberForm(**(form.to_json() | {"least": least, "most": most}))


def decimals_range(least: int, most: int) -> tuple[int, int | None]:
    """`least` and `most` of a form; no limit for full precision, as a program prints it.

    Args:
        least: smallest number of decimals in the column.
        most: largest number of decimals in the column.
    """
    full = most > _MOST_DIGITS or (most > 9 and least != most)
    return (0, None) if full else (least, most)


def marks_of(cells: pl.Series) -> tuple[str, ...]:
    """The currencies and units around the numbers of cells, if every cell is a number with one of
    them; else none.

    Args:
        cells: cells of text, blanks around them removed, none missing.
    """
    around = cells.str.replace_all(r"[0-9.,'’ \u00a0\u202f+\-−–()]", "").unique()
    known = around.str.contains(rf"^(?:{_CURRENCY}|{_UNITS}|[%‰])?$").all()
    if not known or not _all(cells, r"[0-9]") or len(around) > _MOST_MARKS:
        return ()
    return tuple(around.sort().to_list())
