"""Delimited text, as CSV and TSV files are: raw cells of every row, nothing lost before it is known
what the cells mean.
"""

import re
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl

from quasistatic.data.text._dialect import Dialect, find_dialect
from quasistatic.data.text._records import BLANKS, Records, contents, is_unclosed, split
from quasistatic.data.text.numbers import PLAIN
from quasistatic.errors import DataError

__all__ = ["Delimited", "quoted", "read_delimited", "write_delimited"]

_LONGEST_NAME = 1000
_MOST_PREAMBLE = 20
"""Lines above the header that are looked for."""
_UNCLOSED = "check the quotation marks: one may not be closed"


class Delimited(NamedTuple):
    """A delimited text as cells.

    Args:
        raw: frame of the cells as they stand in the text, quotation marks included.
        dialect: separator, line end and marks of the text.
        notes: what a person should know of how it was read, one line each.
    """

    raw: pl.DataFrame
    dialect: Dialect
    notes: tuple[str, ...]


def read_delimited(
    text: str, source: str, *, separator: str | None = None, marked: bool = False
) -> Delimited:
    """The raw cells of a text with a header.

    Args:
        text: text of the file, decoded.
        source: path of the file, for messages.
        separator: character between the cells; None (default) takes that of a `sep=` line, or finds
            it out of comma, semicolon, tab and bar, or runs of blanks.
        marked: whether the file began with a byte-order mark (default False).

    Raises:
        DataError: empty, no rows, ragged or unclosed rows, two columns of one name.
    """
    if not text.strip():
        raise DataError("the file is empty", where=source, fix="give a header line and rows")
    dialect, body = find_dialect(text, marked, separator)
    first = 2 if dialect.hinted else 1
    body, skipped = _without_blank_lines(body)
    first += skipped
    body, skipped, notes = _without_preamble(body, dialect.separator)
    first += skipped
    if skipped and separator is None and not dialect.hinted:
        dialect, body = find_dialect(body, marked, None)
    records = split(body, dialect.separator)
    _refuse_unclosed(records, body, first, source)
    header, rows, more = _squared(records, body, first, source)
    if dialect.separator == BLANKS:
        notes.append("no separator was found: the cells are split at runs of blanks")
    names = _names(header, rows, f"{source}, line {first}")
    if all(re.fullmatch(PLAIN, name.strip()) for name in names) and "." in "".join(names):
        notes.append("the first line holds numbers, and they are taken for the columns' names")
    rows.columns = names
    is_quoted = all(name.startswith('"') for name in records.header)
    dialect = replace(dialect, quoted=is_quoted, closed=body.endswith("\n"))
    return Delimited(rows, dialect, (*notes, *more))


def _without_preamble(text: str, separator: str) -> tuple[str, int, list[str]]:
    """The text without what stands above its header, how many lines that is, and what to say of it:
    lines that begin with #, and a title alone in its line above names and numbers.
    """
    lines = text.split("\n", _MOST_PREAMBLE + 2)
    comments = 0
    while comments < min(len(lines) - 1, _MOST_PREAMBLE) and lines[comments].startswith("#"):
        comments += 1
    if (
        comments
        and not lines[comments].startswith("#")
        and (comments > 1 or lines[0].count(separator or ",") != lines[1].count(separator or ","))
    ):
        noun = "line begins" if comments == 1 else "lines begin"
        return "\n".join(lines[comments:]), comments, [f"{comments} {noun} with #: passed over"]
    if not separator or separator == BLANKS:
        return text, 0, []
    rows = [[cell.strip(' \t\r"') for cell in line.split(separator)] for line in lines[:-1]]
    filled = [sum(cell != "" for cell in row) for row in rows]
    head = next((i for i, count in enumerate(filled) if count > 1), 0)
    if not 0 < head < len(rows) - 1 or not rows[0][0] or len({len(row) for row in rows}) > 1:
        return text, 0, []
    is_number = [[re.fullmatch(PLAIN, cell) is not None for cell in row] for row in rows]
    if any(is_number[head]) or not any(map(any, is_number[head + 1 :])):
        return text, 0, []
    noun = "line is" if head == 1 else "lines are"
    return (
        "\n".join(lines[head:]),
        head,
        [f"{head} {noun} above the names of the columns: passed over ({rows[0][0]!r})"],
    )


def _without_blank_lines(text: str) -> tuple[str, int]:
    """The text from its first line with a character on, and how many lines that skips."""
    start = len(text) - len(text.lstrip("\r\n"))
    return text[start:], text.count("\n", 0, start)


def _refuse_unclosed(records: Records, text: str, first: int, source: str) -> None:
    if '"' not in text:
        return
    for name in records.header:
        if is_unclosed(name):
            raise DataError(
                "cannot be read: a quotation mark is opened and not closed",
                where=f"{source}, line {first}",
                fix=_UNCLOSED,
            )
    marked = records.rows.select(pl.all().str.contains('"', literal=True).any()).row(0)
    for series, is_marked in zip(records.rows, marked, strict=True):
        if not is_marked:
            continue
        opened = series.str.contains(r'^[ \t]*"') & ~series.str.contains(r'(?s)"[ \t]*$')
        opened |= series.str.contains(r'^[ \t]*"[ \t]*$')
        if opened.any():
            row = int(opened.fill_null(False).arg_max() or 0)
            raise DataError(
                f"cannot be read as CSV: {series[row][:60]!r} opens a quotation mark and does not"
                " close it",
                where=f"{source}, line {records.line(row, text) + first - 1}",
                fix=_UNCLOSED,
            )


def _squared(
    records: Records, text: str, first: int, source: str
) -> tuple[list[str], pl.DataFrame, list[str]]:
    """The header and the rows that are not blank, all of one width; a blank line of a one-column
    file is a missing cell, except at the end.
    """
    header, widths, notes = list(records.header), records.widths, []
    kept = widths > 0
    if len(header) == 1 and len(widths):
        filled = np.flatnonzero(kept)
        kept[: filled[-1] if len(filled) else 0] = True
    if not kept.any():
        raise DataError("there is a header, but no rows", where=source, fix="give two rows or more")
    rows = records.rows.filter(pl.Series(kept))
    if len(header) == 1:
        widths = np.maximum(widths, 1)
    longer = len(header) + 1
    if np.all(widths[kept] == longer):
        last = contents(rows[rows.columns[-1]])
        if last.str.strip_chars().eq("").all():  # each line ends in a separator
            return header, rows.drop(rows.columns[-1]), notes
        if not contents(rows[rows.columns[0]]).is_duplicated().any():
            names = {*header}
            label = next(name for name in ("row", "row name", "row_name_") if name not in names)
            notes.append(
                f"every line has one cell more than the header: the first is read as {label!r}"
            )
            return [label, *header], rows, notes
    wrong = np.flatnonzero(kept & (widths != len(header)))
    if len(wrong):
        row = int(wrong[0])
        fix = (
            "add or remove separators, or put quotation marks around a cell that contains one; the"
            " first line must hold the names of the columns"
        )
        raise DataError(
            f"{widths[row]} cells where the header has {len(header)}",
            where=f"{source}, line {records.line(row, text) + first - 1}",
            fix=fix,
        )
    return header, rows.select(rows.columns[: len(header)]), notes


def _names(header: list[str], rows: pl.DataFrame, where: str) -> list[str]:
    """The names of the columns: of several without a name the places, of which the empty ones are
    named by their place.
    """
    names = contents(pl.Series("", header, dtype=pl.String)).to_list()
    seen: dict[str, int] = {}
    for position, name in enumerate(names, start=1):
        if len(name) > _LONGEST_NAME:
            raise DataError(
                f"the name of column {position} has {len(name)} characters: {name[:20]!r} ...",
                where=where,
                fix=f"give it a name of at most {_LONGEST_NAME} characters",
            )
        if name in seen and not name.strip():
            names[position - 1] = name = f"column {position}"
        if name in seen:
            raise DataError(
                f"column name {name!r} occurs twice (columns {seen[name]} and {position})",
                where=where,
                fix="rename one of them",
            )
        seen[name] = position
    return names


def write_delimited(raw: pl.DataFrame, dialect: Dialect, *, header: bool = True) -> bytes:
    """The bytes of a delimited file, in UTF-8.

    Args:
        raw: frame of raw cells: quotation marks stand where they are needed.
        dialect: separator, line end and marks of the file.
        header: whether the names of the columns stand above the rows (default True).
    """
    mark = dialect.separator or ","
    lines = raw.select(pl.concat_str(pl.all(), separator=mark)).to_series()
    body = dialect.line_end.join(lines)
    body += dialect.line_end if len(lines) and dialect.closed else ""
    if not header:
        return body.encode()
    names = mark.join(quoted(pl.Series(raw.columns, dtype=pl.String), mark, dialect.quoted))
    head = f"sep={mark}{dialect.line_end}" if dialect.hinted else ""
    head += names + dialect.line_end
    return (b"\xef\xbb\xbf" if dialect.marked else b"") + (head + body).encode()


def quoted(cells: pl.Series, mark: str, always: bool = False) -> pl.Series:
    """Cells with quotation marks where a separator, a mark or a line end in them asks for it.

    Args:
        cells: cells of text, without nulls.
        mark: the separator.
        always: whether every cell gets them (default False).
    """
    marked = '"' + cells.str.replace_all('"', '""', literal=True) + '"'
    if always:
        return marked.alias(cells.name)
    special = cells.str.contains(mark, literal=True) | cells.str.contains('["\r\n]')
    if mark == BLANKS:
        special |= cells.str.contains(r"\s") | (cells == "")
    return marked.zip_with(special, cells).alias(cells.name)
