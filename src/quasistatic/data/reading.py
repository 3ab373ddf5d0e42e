"""The values of a table of text, as settings or a model's schema say that it is written."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from quasistatic.data.columns._parsing import open_forms
from quasistatic.data.schema import Column, Schema
from quasistatic.data.table import Table
from quasistatic.data.text.cells import MEANING, TextCells, read_given
from quasistatic.data.text.numbers import NumberForm
from quasistatic.data.text.times import TimeForm
from quasistatic.data.text.written import Form, Written
from quasistatic.errors import SchemaError

__all__ = ["read_as", "read_as_given", "table_of"]


def read_as_given(table: Table, given: Mapping[str, Mapping[str, Any]]) -> Table:
    """The table with the columns read as a user's settings say.

    Args:
        table: table of the training rows.
        given: what the user fixed, by column: the answer of `read_overrides`.

    Raises:
        SchemaError: cells that are not written as the settings say; columns whose cells do not tell
            how they are written, and of which the settings say nothing.
    """
    values, written = {}, dict(table.text.written) if table.text is not None else {}
    choices = dict(table.text.choices) if table.text is not None else {}
    for name, settings in given.items():
        if settings.get("written") is not None:
            written[name] = settings["written"]
            choices.pop(name, None)
        if settings.get("kind") in ("ignore", "categorical", "binary") or "categories" in settings:
            choices.pop(name, None)
        if set(settings) & set(MEANING):
            where = f"{table.source}, column {name!r}"
            contents = _contents(table, name, where)
            reading = read_given(contents, settings, written.get(name, Written()))
            if len(reading.choices) > 1:
                choices[name] = reading.choices
                continue
            _refuse_unread(contents, reading.values, reading.written, where)
            values[name], written[name] = reading.values, reading.written
            choices.pop(name, None)
    if choices:
        cells = {name: _contents(table, name, table.source) for name in choices}
        raise open_forms(cells, choices, table.source)
    if not values and not given:
        return table
    text = table.text or TextCells({})
    frame = table.frame.with_columns(series.alias(name) for name, series in values.items())
    return replace(table, frame=frame, text=replace(text, written=written, choices=choices))


def read_as(table: Table, schema: Schema) -> Table:
    """The table with its columns of text read as a model's schema says that they are written.

    Args:
        table: table whose columns may be text, or a file's.
        schema: schema of the model.

    Raises:
        SchemaError: cells that are not written so.
    """
    values, written = {}, {} if table.text is None else dict(table.text.written)
    for column in schema.columns:
        name, form = column.name, column.written
        if form is None or name not in table.frame.columns:
            continue
        is_text = table.frame[name].dtype == pl.String
        if not (is_text or (table.text is not None and table.text.has(name))):
            continue
        own = written.get(name)
        if own is not None and own.form == form.form and set(form.missing) <= set(own.missing):
            continue
        contents = _contents(table, name, table.source)
        tokens = (*form.missing, *(own.missing if own is not None else ()))
        asked = replace(form, missing=tuple(dict.fromkeys(tokens)))
        read = asked.read(contents)
        if read.null_count() > contents.null_count():
            failed = contents.is_not_null() & read.is_null() & ~asked.is_missing(contents)
            if failed.any():
                if own is not None and _is_alike(own.form, form.form) and name not in _open(table):
                    continue
                raise _unread(contents, failed, column, f"{table.source}, column {name!r}")
        values[name], written[name] = read, asked
    if not values:
        return table
    text = replace(table.text or TextCells({}), written=written)
    frame = table.frame.with_columns(series.alias(name) for name, series in values.items())
    return replace(table, frame=frame, text=text)


def table_of(frame: pl.DataFrame, schema: Schema, source: str) -> Table:
    """The table of a frame, in the form of the table of a schema.

    Args:
        frame: frame of the schema's columns.
        schema: schema of the table.
        source: name of the rows, for messages.
    """
    written = {c.name: c.written for c in schema.columns if c.written is not None}
    return Table(frame, source, schema.container, TextCells(written) if written else None)


def _open(table: Table) -> Mapping[str, Any]:
    return {} if table.text is None else table.text.choices


def _is_alike(own: Form, asked: Form) -> bool:
    """Whether a file's own form of a column cannot be mistaken for another."""
    if isinstance(own, NumberForm) and isinstance(asked, NumberForm):
        return True
    both = isinstance(own, TimeForm) and isinstance(asked, TimeForm)
    return both and own.format.startswith("%Y")  # type: ignore[union-attr]


def _contents(table: Table, name: str, where: str) -> pl.Series:
    if table.text is not None and table.text.has(name):
        assert table.text.contents is not None
        return table.text.contents[name]
    series = table.frame[name]
    if series.dtype == pl.String or isinstance(series.dtype, pl.Categorical | pl.Enum):
        return series.cast(pl.String)
    raise SchemaError(
        f"the column is no text but {series.dtype}: nothing can be said of how it is written",
        where=where,
        fix=f"leave out {', '.join(MEANING)} in the schema file",
    )


def _refuse_unread(contents: pl.Series, values: pl.Series, written: Written, where: str) -> None:
    failed = contents.is_not_null() & values.is_null() & ~written.is_missing(contents)
    if failed.any():
        row = int(failed.arg_max() or 0) + 1
        raise SchemaError(
            f"{contents[row - 1]!r} in row {row} is not written as the schema says:"
            f" {_form_words(written.form)}",
            where=where,
            fix="correct the cell, leave it empty, or change the setting in the --schema file",
        )


def _unread(contents: pl.Series, failed: pl.Series, column: Column, where: str) -> SchemaError:
    row = int(failed.arg_max() or 0) + 1
    form = None if column.written is None else column.written.form
    noun = "number" if isinstance(form, NumberForm) else "date"
    return SchemaError(
        f"{contents[row - 1]!r} in row {row} is no {noun}; the schema has a column of {noun}s,"
        f" {_form_words(form)}",
        where=where,
        fix="correct the cell, leave it empty, or change the column's kind with --schema",
    )


def _form_words(form: Form) -> str:
    if isinstance(form, TimeForm):
        return f"in the form {form.format}"
    words = "" if form is None else form.words
    return f"written {words}" if words else "in plain digits"
