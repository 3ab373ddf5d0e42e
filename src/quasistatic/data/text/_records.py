"""Text -> records of raw cells: as they stand in the file, quotation marks included."""

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

BLANKS = " "
"""Separator that stands for runs of blanks and tabs."""
_TOKEN = re.compile(r'"[^"]*(?:""[^"]*)*"|\S+')


@dataclass(frozen=True)
class Records:
    """The lines of a delimited text.

    Args:
        header: raw cells of the first line.
        rows: frame of the raw cells of the other lines, columns `0`, `1`, ...; null beyond the end
            of a short line.
        widths: number of cells of each row, `[N]`; 0 for a blank line.
        offsets: place in the text where each row begins, `[N]`.
    """

    header: list[str]
    rows: pl.DataFrame
    widths: np.ndarray
    offsets: np.ndarray

    def line(self, row: int, text: str) -> int:
        """The number of the line where a row begins, counted from 1."""
        return text.count("\n", 0, int(self.offsets[row])) + 1


def split(text: str, separator: str) -> Records:
    """The records of a text.

    Args:
        text: text with lines that end in a line feed, with or without a carriage return before it.
        separator: one character, `BLANKS` for runs of blanks, or empty where every line is one
            cell.
    """
    if separator == BLANKS:
        return _gathered(*_at_blanks(text))
    if '"' in text:
        return _gathered(*_quoted(text, separator))
    return _unquoted(text, separator)


def widths_of(text: str, separator: str) -> list[int]:
    """The widths of the records of a short text, blank lines left out."""
    cells, _ = _at_blanks(text) if separator == BLANKS else _quoted(text, separator)
    return [len(row) for row in cells if "".join(row).strip() or len(row) > 1]


def is_unclosed(raw: str) -> bool:
    """Whether a raw cell begins with a quotation mark and is not closed by one."""
    cell = raw.strip(" \t")
    return cell.startswith('"') and (len(cell) == 1 or not cell.endswith('"'))


def contents(raw: pl.Series) -> pl.Series:
    """What raw cells say: without the quotation marks around a cell, each doubled one single."""
    inner = raw.str.extract(r'(?s)^[ \t]*"(.*)"[ \t]*$')
    inner = inner.str.replace_all('""', '"', literal=True)
    if inner.str.contains(r"\"", literal=True).any():
        inner = inner.str.replace_all(r"\"", '"', literal=True)
    return inner.fill_null(raw)


def _unquoted(text: str, separator: str) -> Records:
    lines = pl.Series("", text.split("\n"), dtype=pl.String)
    offsets = np.concatenate([[0], np.cumsum(_lengths(lines) + 1)[:-1]])
    lines = lines.str.strip_suffix("\r")
    blank = (lines.str.strip_chars(" \t") == "").to_numpy()
    counts = (
        lines.str.count_matches(separator, literal=True).to_numpy().astype(np.int64)
        if separator
        else np.zeros(len(lines), np.int64)
    )
    widths = np.where(blank, 0, counts + 1)
    header = lines[0].split(separator) if separator else [lines[0]]
    most = max(int(widths[1:].max(initial=1)), 1)
    body = lines[1:]
    cells = (
        body.str.split_exact(separator, most - 1).struct.unnest()
        if separator
        else body.to_frame("0")
    )
    cells.columns = [str(j) for j in range(cells.width)]
    return Records(header, cells, widths[1:], offsets[1:])


def _lengths(lines: pl.Series) -> np.ndarray:
    return lines.str.len_chars().to_numpy().astype(np.int64)


def _quoted(text: str, separator: str) -> tuple[list[list[str]], list[int]]:
    """A cell that begins with a quotation mark reaches to the next one that a separator or a line
    end follows; any other mark is a character like the rest.
    """
    mark = re.escape(separator)
    # Nothing is taken back (`*+`): what is doubled or escaped never closes a cell, and to remember
    # each of millions of marks takes a hundred times the memory of the text.
    stop = rf"(?:{mark}|\r?\n|\Z)" if mark else r"(?:\r?\n|\Z)"
    within = rf"[^{mark}\n]*?" if mark else r"[^\n]*?"
    cell = re.compile(
        rf'([ \t]*"[^"\\]*+(?:(?:""|\\.|\\\n)[^"\\]*+)*+"[ \t]*(?={stop})|{within})({stop})',
        re.DOTALL,
    )
    rows: list[list[str]] = []
    offsets: list[int] = []
    row: list[str] = []
    begin = 0
    for match in cell.finditer(text):
        row.append(match[1])
        if match[2] != separator or not separator:
            rows.append(row)
            offsets.append(begin)
            row, begin = [], match.end()
            if begin >= len(text):
                break
    return rows, offsets


def _at_blanks(text: str) -> tuple[list[list[str]], list[int]]:
    rows, offsets, begin = [], [], 0
    for line in text.split("\n"):
        rows.append(_TOKEN.findall(line))
        offsets.append(begin)
        begin += len(line) + 1
    return rows, offsets


def _gathered(rows: list[list[str]], offsets: list[int]) -> Records:
    header, body = rows[0], rows[1:]
    widths = np.array(
        [0 if len(row) < 2 and not "".join(row).strip() else len(row) for row in body], np.int64
    )
    most = max(int(widths.max(initial=1)), 1)
    if np.any(widths != most):
        body = [row + [None] * (most - len(row)) for row in body]
    columns = zip(*body, strict=True) if body else [()] * most
    cells = {str(j): pl.Series(list(c), dtype=pl.String) for j, c in enumerate(columns)}
    return Records(header, pl.DataFrame(cells), widths, np.array(offsets[1:], np.int64))
