"""How the durations of a column are written: 26:15:00, 1 days 02:03:04, PT1H30M, 2h 30m."""

import re
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

import numpy as np
import polars as pl

from quasistatic.records import Within

__all__ = ["DurationForm", "Style", "duration_forms"]

Style = Literal["clock", "laps", "days", "iso", "letters"]
_CLOCK = r"(?P<H>[0-9]{1,6}):(?P<M>[0-5][0-9])(?::(?P<S>[0-5][0-9])(?:[.,](?P<f>[0-9]{1,9}))?)?"
_PATTERNS: dict[Style, str] = {
    "clock": rf"^(?P<sign>-?){_CLOCK}$",
    "laps": r"^(?P<sign>-?)(?P<M>[0-9]{1,6}):(?P<S>[0-5][0-9])[.,](?P<f>[0-9]{1,9})$",
    "days": rf"^(?P<sign>-?)(?P<D>[0-9]+) days?,?(?: \+?{_CLOCK})?$",
    "iso": (
        r"^(?P<sign>-?)P(?:(?P<D>[0-9]+)D)?"
        r"(?:T(?:(?P<H>[0-9]+)H)?(?:(?P<M>[0-9]+)M)?(?:(?P<S>[0-9]+)(?:\.(?P<f>[0-9]{1,9}))?S)?)?$"
    ),
    "letters": (
        r"^(?P<sign>-?)(?:(?P<D>[0-9]+) ?d(?:ays?)?)? ?(?:(?P<H>[0-9]+) ?h(?:rs?|ours?)?)?"
        r" ?(?:(?P<M>[0-9]+) ?m(?:in(?:s|utes?)?)?)? ?(?:(?P<S>[0-9]+) ?s(?:ec(?:s|onds?)?)?)?$"
    ),
}
_SECONDS = {"D": 86400, "H": 3600, "M": 60, "S": 1}


@dataclass(frozen=True)
class DurationForm:
    """The form of a column's durations.

    Args:
        style: "clock" (26:15:00), "laps" (1:23.456), "days" (1 days 02:03:04), "iso" (PT1H30M) or
            "letters" (2h 30m).
        seconds: whether seconds are written (default True).
        digits: number of decimals of the seconds (default 0).
        padded: whether hours have two digits at least (default True).
        gap: what stands between the parts of "letters" (default empty).
    """

    style: Style
    seconds: bool = True
    digits: Annotated[int, Within(0, 9)] = 0
    padded: bool = True
    gap: Annotated[str, Within(0, 10)] = ""

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types; `DurationForm(**...)` gives back an equal form."""
        return asdict(self)

    @property
    def words(self) -> str:
        """The form for people."""
        return {
            "clock": "hours:minutes" + (":seconds" if self.seconds else ""),
            "laps": "minutes:seconds",
            "days": "days and hours:minutes:seconds",
            "iso": "as PT1H30M",
            "letters": "as 2h 30m",
        }[self.style]

    def read(self, text: pl.Series) -> pl.Series:
        """The durations of cells `[N]`, in microseconds; null where a cell is none."""
        cells = text.str.strip_chars()
        pattern = _PATTERNS[self.style]
        valid = (cells.str.contains(pattern) & cells.str.contains(r"[0-9]")).fill_null(False)
        parts = cells.str.extract_groups(pattern).struct
        total = np.zeros(len(cells), np.int64)
        for name, seconds in _SECONDS.items():
            if name in parts.fields:
                count = parts.field(name).cast(pl.Int64, strict=False).fill_null(0).to_numpy()
                total += seconds * 10**6 * count
        if "f" in parts.fields:
            decimals = parts.field("f").fill_null("0").str.pad_end(6, "0").str.head(6)
            total += decimals.cast(pl.Int64, strict=False).fill_null(0).to_numpy()
        below = (parts.field("sign") == "-").fill_null(False).to_numpy()
        ticks = np.where(valid.to_numpy(), np.where(below, -total, total), 0)
        return pl.Series(text.name, ticks).cast(pl.Duration("us")).set(~valid, None)

    def write(self, durations: pl.Series) -> pl.Series:
        """Durations `[N]` as cells, null where missing."""
        ticks = durations.cast(pl.Duration("us")).to_physical().to_list()
        cells = [None if tick is None else self._cell(tick) for tick in ticks]
        return pl.Series(durations.name, cells, dtype=pl.String)

    def _cell(self, tick: int) -> str:
        sign, rest = ("-" if tick < 0 else ""), abs(tick)
        rest, micro = divmod(rest, 10**6)
        minutes, second = divmod(rest, 60)
        hours, minute = divmod(minutes, 60)
        days, hour = divmod(hours, 24)
        decimals = f".{micro:06d}"[: self.digits + 1] if self.digits else ""
        width = 2 if self.padded else 1
        if self.style == "clock":
            tail = f":{second:02d}{decimals}" if self.seconds else ""
            return f"{sign}{hours:0{width}d}:{minute:02d}{tail}"
        if self.style == "laps":
            return f"{sign}{minutes:0{width}d}:{second:02d}{decimals}"
        if self.style == "days":
            return f"{sign}{days} days {hour:02d}:{minute:02d}:{second:02d}{decimals}"
        if self.style == "iso":
            clock = _joined([(hour, "H"), (minute, "M"), (f"{second}{decimals}", "S")])
            text = (f"{days}D" if days else "") + (f"T{clock}" if clock else "")
            return f"{sign}P{text or 'T0S'}"
        parts = _joined([(hours, "h"), (minute, "m"), (second, "s")], self.gap)
        return f"{sign}{parts or '0s'}"


def _joined(parts: list[tuple[int | str, str]], gap: str = "") -> str:
    return gap.join(f"{count}{unit}" for count, unit in parts if str(count) not in ("0", "0."))


def duration_forms(cells: pl.Series) -> list[DurationForm]:
    """The form in which all cells are durations, or none.

    Args:
        cells: distinct cells of text, blanks around them removed, none missing.
    """
    if not cells.str.contains(r"[0-9]").all() or not cells.head(20).str.contains("[:PdhmsH]").all():
        return []
    for style, pattern in _PATTERNS.items():
        if not cells.str.contains(pattern).all():
            continue
        if style == "letters" and not cells.str.contains(r"[0-9] ?[dhm].*[0-9] ?[hms]").any():
            continue  # all of one unit: numbers with a unit
        decimals = cells.str.extract(r"[.,]([0-9]+)").str.len_chars().max() or 0
        return [
            DurationForm(
                style,
                bool(cells.str.contains(r":[0-9][0-9]:[0-9][0-9]").any()),
                int(decimals),  # type: ignore[arg-type]
                not bool(cells.str.contains(r"^-?[0-9]:").any()),
                " " if re.search(r"[a-z] [0-9]", "\n".join(cells.head(50))) else "",
            )
        ]
    return []
