"""JSON lines: one object a line. Numbers keep their digits; NaN is missing."""

import json
from typing import Any

import polars as pl

from quasistatic.data.text.cells import TextCells, read_cells
from quasistatic.data.text.numbers import NumberForm
from quasistatic.data.text.written import Written
from quasistatic.errors import DataError

__all__ = ["read_json_lines", "write_json_lines"]


class _Number(str):
    """The digits of a number, as they stand in the file."""

    __slots__ = ()


def _constant(text: str) -> _Number | None:
    return None if text == "NaN" else _Number(text.lower().replace("infinity", "inf"))


def _unlike(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are not alike: of two values of one key, one would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} occurs twice")
    return found


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unlike, parse_int=_Number, parse_float=_Number, parse_constant=_constant
)


def read_json_lines(
    text: str, source: str, missing: tuple[str, ...] = ()
) -> tuple[pl.DataFrame, TextCells, tuple[str, ...]]:
    """The values of a text of JSON lines, their forms, and what a person should know.

    A key that is absent is missing. Text that is all dates is dates; quoted numbers stay text.

    Args:
        text: text of the file, decoded.
        source: path of the file, for messages.
        missing: cells that mean "missing", beside null and NaN (default none).

    Raises:
        DataError: a line that is no JSON object, or no line at all.
    """
    columns: dict[str, list[Any]] = {}
    n = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        record = _record(line, f"{source}, line {number}")
        for name, value in record.items():
            cells = columns.setdefault(name, [])
            cells.extend([None] * (n - len(cells)))
            cells.append(value)
        n += 1
    if not columns:
        raise DataError("the table has no rows", where=source, fix='write {"column": value, ...}')
    for cells in columns.values():
        cells.extend([None] * (n - len(cells)))
    try:
        return _table(columns, missing)
    except UnicodeEncodeError as error:
        raise DataError(
            "a text holds half of a character (a lone surrogate)",
            where=source,
            fix="write the text in UTF-8",
        ) from error


def _record(line: str, where: str) -> dict[str, Any]:
    try:
        value = _DECODER.decode(line.strip())
    except ValueError as error:
        raise DataError(
            f"no JSON ({error})", where=where, fix="one JSON object per line"
        ) from error
    except RecursionError as error:
        raise DataError(
            "the object has too many levels", where=where, fix="give a flat object"
        ) from error
    if not isinstance(value, dict):
        raise DataError("no JSON object", where=where, fix='write {"column": value, ...}')
    return value


def _table(
    columns: dict[str, list[Any]], missing: tuple[str, ...]
) -> tuple[pl.DataFrame, TextCells, tuple[str, ...]]:
    others, texts, strings = {}, {}, {}
    for name, values in columns.items():
        kinds = {_kind(value) for value in values if value is not None}
        if kinds == {bool}:
            others[name] = pl.Series(name, values, dtype=pl.Boolean)
        elif kinds == {str}:
            strings[name] = pl.Series(name, values, dtype=pl.String)
        elif kinds & {dict, list}:
            others[name] = _nested(name, values)
        elif kinds:
            texts[name] = pl.Series(name, [_text(value) for value in values], dtype=pl.String)
        else:
            others[name] = pl.Series(name, values, dtype=pl.Null)
    found, notes = dict(others), ()
    written: dict[str, Written] = {}
    contents: dict[str, pl.Series] = {}
    for part, dates_only in ((texts, False), (strings, True)):
        if part:
            frame, text, more = read_cells(
                pl.DataFrame(part), missing=missing, dates_only=dates_only
            )
            found |= {series.name: series for series in frame}
            written |= text.written
            contents |= part
            notes += more
    frame = pl.DataFrame({name: found[name] for name in columns})
    kept = pl.DataFrame({name: contents[name] for name in columns if name in contents})
    return frame, TextCells(written, kept), notes


def _kind(value: Any) -> type:
    return (
        type(value)
        if isinstance(value, _Number | bool)
        else next((kind for kind in (str, dict, list) if isinstance(value, kind)), type(value))
    )


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(_plain(value), ensure_ascii=False)


def _nested(name: str, values: list[Any]) -> pl.Series:
    plain = [_plain(value) for value in values]
    try:
        return pl.Series(name, plain, strict=False)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        cells = [None if value is None else [json.dumps(value)] for value in plain]
        return pl.Series(name, cells, dtype=pl.List(pl.String))


def _plain(value: Any) -> Any:
    """A nested value with numbers in place of their digits."""
    if isinstance(value, _Number):
        return float(value) if not value.lstrip("-").isdigit() else int(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return {k: _plain(v) for k, v in value.items()} if isinstance(value, dict) else value


def write_json_lines(frame: pl.DataFrame, text: TextCells) -> bytes:
    """The bytes of JSON lines: cells that stood in a file as they stood there.

    Args:
        frame: frame of the values.
        text: cells that they were read from.
    """
    columns = []
    for series in frame:
        name = series.name
        if text.contents is not None and name in text.contents.columns:
            cells = text.contents[name]
        elif series.dtype.is_numeric():
            cells = NumberForm().write(series)
        else:
            cells = None
        if series.dtype.is_numeric() and cells is not None:
            # NaN and other marks for "missing" are no JSON
            column = [
                "null" if hole else cell for cell, hole in zip(cells, series.is_null(), strict=True)
            ]
        else:
            values = series.to_list() if cells is None else cells.to_list()
            column = [json.dumps(value, ensure_ascii=False, default=str) for value in values]
        columns.append([f"{json.dumps(name, ensure_ascii=False)}: {cell}" for cell in column])
    lines = ["{" + ", ".join(row) + "}\n" for row in zip(*columns, strict=True)]
    return "".join(lines).encode()
