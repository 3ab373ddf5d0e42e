"""Columns of text that a schema has as numbers or times; and the errors where that cannot be."""

import json
from collections.abc import Mapping, Sequence

import polars as pl

from quasistatic.data.text._time_forms import FORMATS, time_forms
from quasistatic.data.text.numbers import NumberForm
from quasistatic.data.text.times import TimeForm
from quasistatic.data.text.written import Hints, Written, decided, read_column
from quasistatic.errors import SchemaError


def parsed(series: pl.Series, noun: str, where: str) -> pl.Series:
    """Text as numbers ("number"), or as dates, times of day or durations ("date").

    Args:
        series: series of text or categories.
        noun: what the cells are to be.
        where: file and column, for the message.

    Raises:
        SchemaError: cells that are none; or dates whose day and month cannot be told apart.
    """
    text = series.cast(pl.String, strict=False)
    reading = decided(read_column(text), Hints(), text, ",")
    fits = [
        written
        for written in (reading.choices or (reading.written,))
        if written.form is not None and isinstance(written.form, NumberForm) == (noun == "number")
    ]
    if len(fits) > 1:
        raise open_forms({text.name: text}, {text.name: fits}, where)
    if fits:
        return fits[0].read(text)
    number = NumberForm().read(text)
    if number.null_count() == text.null_count() and noun == "number":
        return number
    raise unreadable(text, noun, where)


def unreadable(text: pl.Series, noun: str, where: str) -> SchemaError:
    """The error that names the first cell that is no number or date, and the forms tried."""
    cells = text.str.strip_chars()
    if noun == "number":
        failed = NumberForm().read(cells).is_null() & cells.is_not_null()
    else:
        failed = cells.is_not_null() & pl.Series(
            [value is not None and not time_forms(pl.Series([value])) for value in cells]
        )
    row = _first(failed if failed.any() else cells.is_not_null())
    tried = "" if noun == "number" else f" in one of the forms tried: {FORMATS}"
    return SchemaError(
        f"{text[row - 1]!r} in row {row} is no {noun}; the schema has a column of {noun}s{tried}",
        where=where,
        fix=(
            "correct the cell, leave it empty, or change the column's kind with --schema"
            + ("" if noun == "number" else '; {"format": "%d.%m.%Y"} there names another form')
        ),
    )


def open_forms(
    contents: Mapping[str, pl.Series], choices: Mapping[str, Sequence[Written]], where: str
) -> SchemaError:
    """The error that shows the readings of columns whose cells do not tell which is meant.

    Args:
        contents: cells of text of each column.
        choices: the forms of each column.
        where: file, for the message.
    """
    shown, settled = [], {}
    for name, forms in choices.items():
        values = [form.read(contents[name]) for form in forms]
        differ = (values[0].cast(pl.String) != values[1].cast(pl.String)).fill_null(False)
        row = _first(differ if differ.any() else contents[name].is_not_null())
        readings = " or as ".join(
            f"{value[row - 1]} ({_how(form)})" for value, form in zip(values, forms, strict=True)
        )
        shown.append(
            f"column {name!r}: {contents[name][row - 1].strip()!r} in row {row} can be read as"
            f" {readings}, and no cell tells which"
        )
        settled[name] = [_entry(form) for form in forms]
    first = {name: entries[0] for name, entries in settled.items()}
    others = "; or ".join(
        f"for {name!r} {json.dumps(entry)}" for name, entries in settled.items()
        for entry in entries[1:]
    )  # fmt: skip
    return SchemaError(
        "; ".join(shown),
        where=where,
        fix=(
            f"give a --schema file with {json.dumps({'columns': first}, ensure_ascii=False)}, or"
            f' {others}; {{"kind": "categorical"}} keeps the text as it is'
        ),
    )


def _how(written: Written) -> str:
    form = written.form
    if isinstance(form, TimeForm):
        return form.format
    assert isinstance(form, NumberForm)
    if form.decimal == ".":
        return "a comma between thousands" if form.group else "a point before decimals"
    return f"{form.group!r} between thousands" if form.group else "a comma before decimals"


def _entry(written: Written) -> dict[str, str]:
    """The setting of a schema file that chooses a form."""
    form = written.form
    if isinstance(form, TimeForm):
        return {"format": form.format.replace("%-", "%")}
    assert isinstance(form, NumberForm)
    return {"decimal": form.decimal}


def _first(mask: pl.Series) -> int:
    """The first row of a mask, counted from 1."""
    return int(mask.fill_null(False).arg_max() or 0) + 1
