"""The cells of a file of text beside their values: what was read, and how it is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from quasistatic.data.text._plain import read_plain
from quasistatic.data.text._records import contents as contents_of
from quasistatic.data.text.delimited import quoted
from quasistatic.data.text.written import (
    Reading,
    Written,
    decided,
    given_form,
    hints_of,
    read_column,
)

__all__ = ["MEANING", "TextCells", "read_cells", "read_given", "unquoted"]

MEANING = ("format", "pivot", "decimal", "thousands", "missing")
"""Settings of a column that say how its cells are read."""


@dataclass(frozen=True)
class TextCells:
    """The cells of a table of text.

    Args:
        written: form of each column's cells.
        contents: frame of the cells without quotation marks; None where there is no file, as of
            sampled rows (default).
        raw: frame of the cells as they stand in a delimited file; None for other files (default).
        separator: separator of the delimited file (default a comma).
        choices: of each column whose cells do not tell its form, the forms between which a user
            has to decide (default none).
    """

    written: Mapping[str, Written]
    contents: pl.DataFrame | None = None
    raw: pl.DataFrame | None = None
    separator: str = ","
    choices: Mapping[str, tuple[Written, ...]] = field(default_factory=dict)

    def take(self, indices: np.ndarray) -> "TextCells":
        """The cells of the rows `indices`, in that order."""
        return replace(
            self,
            contents=None if self.contents is None else self.contents[indices],
            raw=None if self.raw is None else self.raw[indices],
        )

    def rename(self, names: Mapping[str, str]) -> "TextCells":
        """The cells with other names of columns."""
        return TextCells(
            {names.get(n, n): w for n, w in self.written.items()},
            None if self.contents is None else self.contents.rename(names, strict=False),
            None if self.raw is None else self.raw.rename(names, strict=False),
            self.separator,
            {names.get(n, n): c for n, c in self.choices.items()},
        )

    def has(self, name: str) -> bool:
        """Whether there is text of a column."""
        return self.contents is not None and name in self.contents.columns

    def with_values(self, before: pl.DataFrame, after: pl.DataFrame) -> "TextCells":
        """The cells of a table in which some values have been changed: theirs are written anew, all
        others stay as they are.

        Args:
            before: frame of the values that the cells were read as.
            after: frame of the new values.
        """
        if self.contents is None:
            return self
        contents: dict[str, pl.Series] = {}
        raw: dict[str, pl.Series] = {}
        for series in after:
            name = series.name
            if name not in self.contents.columns:
                continue
            same, written = _same(before[name], series), self.written.get(name, Written())
            cells = written.write(series)
            contents[name] = self.contents[name].zip_with(same, cells)
            if self.raw is not None:
                cells = quoted(cells, self.separator, written.quoted)
                raw[name] = self.raw[name].zip_with(same, cells)
        return replace(
            self, contents=pl.DataFrame(contents), raw=pl.DataFrame(raw) if raw else None
        )


def _same(old: pl.Series, new: pl.Series) -> pl.Series:
    if old.dtype == new.dtype:
        return old.eq_missing(new)
    if old.dtype.is_numeric() and new.dtype.is_numeric():
        return old.cast(pl.Float64).eq_missing(new.cast(pl.Float64))
    return old.cast(pl.String).eq_missing(new.cast(pl.String))


def read_cells(
    contents: pl.DataFrame,
    *,
    raw: pl.DataFrame | None = None,
    separator: str = ",",
    missing: Sequence[str] = (),
    dates_only: bool = False,
) -> tuple[pl.DataFrame, TextCells, tuple[str, ...]]:
    """The values of columns of text, their forms, and what a person should know of the reading.

    Args:
        contents: frame of the cells without quotation marks.
        raw: frame of the cells as they stand in a delimited file; None (default) for other files.
        separator: separator of the file (default a comma).
        missing: further cells that mean "missing", in every column (default none).
        dates_only: whether numbers stay text, as in a file that tells them apart (default False).
    """
    plain = {} if dates_only else read_plain(contents, missing)
    readings = {
        series.name: plain.get(series.name) or read_column(series, missing) for series in contents
    }
    hints = hints_of(readings)
    readings = {
        name: decided(reading, hints, contents[name], separator)
        for name, reading in readings.items()
    }
    if dates_only:
        readings = {
            name: reading
            if reading.values.dtype.is_temporal()
            else Reading(contents[name], Written(missing=tuple(missing)))
            for name, reading in readings.items()
        }
    written = {name: reading.written for name, reading in readings.items()}
    if raw is not None:
        always = _are_quoted(raw)
        written = {name: replace(form, quoted=always[name]) for name, form in written.items()}
    choices = {name: r.choices for name, r in readings.items() if len(r.choices) > 1}
    frame = pl.DataFrame({name: reading.values for name, reading in readings.items()})
    notes = tuple(reading.note for reading in readings.values() if reading.note)
    return frame, TextCells(written, contents, raw, separator, choices), notes


def _are_quoted(raw: pl.DataFrame) -> dict[str, bool]:
    """Whether quotation marks stand around every cell of a column that is not empty."""
    cells = pl.all().filter(pl.all().fill_null("") != "")
    marked = raw.select((cells.count() > 0) & cells.str.contains('^[ \t]*"').all())
    return marked.row(0, named=True)


def unquoted(raw: pl.DataFrame) -> pl.DataFrame:
    """The contents of the raw cells of a delimited file."""
    marked = raw.select(pl.all().str.contains('"', literal=True).any()).row(0, named=True)
    changed = [contents_of(raw[name]).alias(name) for name, mark in marked.items() if mark]
    return raw.with_columns(changed)


def read_given(contents: pl.Series, given: Mapping[str, Any], written: Written) -> Reading:
    """A column as a user's settings say that it is written.

    Args:
        contents: cells of text, null for missing ones.
        given: settings of the column, of which those of `MEANING` are used.
        written: form that was found.
    """
    tokens = tuple(given.get("missing", ()))
    if tokens and not set(given) & {"format", "decimal", "thousands", "pivot"}:
        found = read_column(contents, (*written.missing, *tokens))
        return found._replace(written=replace(found.written, quoted=written.quoted))
    changed = replace(written, missing=tuple(dict.fromkeys((*written.missing, *tokens))))
    changed = replace(changed, form=given_form(contents, given, changed))
    return Reading(changed.read(contents), changed)
