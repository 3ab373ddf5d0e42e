"""A delimited text, read a piece at a time."""

import gzip
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

import polars as pl

from quasistatic.data.disk.table import ROWS, Stamp
from quasistatic.data.door import parsing
from quasistatic.data.frames.container import FrameContainer
from quasistatic.data.memory import MOST_UNPACKED, refuse_bomb
from quasistatic.data.table import Table
from quasistatic.data.text._bytes import decoded, unpacked_suffix
from quasistatic.data.text.cells import read_cells, unquoted
from quasistatic.data.text.delimited import Delimited, quoted, read_delimited
from quasistatic.errors import DataError

__all__ = ["raw_pieces", "table_of", "text_pieces"]

_LONGEST_LINE = 2**24
"""Bytes."""
_LONGEST_RECORD = 1000
"""Lines of a record at most, where a quotation mark is open at the end of a piece."""


def text_pieces(path: str | Path, missing: Sequence[str] = ()) -> Iterator[Table]:
    """The rows of a delimited file in their order, about `ROWS` at a time; each piece is read as a
    file of its own, with the separator and the names of the first one.

    Args:
        path: path of the file, plain or packed by gzip.
        missing: cells of text that mean "missing", beside the usual ones (default none).

    Raises:
        DataError: what no table can be made of, with the line; a file that changes meanwhile.
    """
    for found, source in raw_pieces(path):
        yield table_of(found, source, missing)


def table_of(found: Delimited, source: str, missing: Sequence[str] = ()) -> Table:
    """The table of the raw cells of a text.

    Args:
        found: cells and their dialect.
        source: name of the rows in messages.
        missing: cells of text that mean "missing", beside the usual ones (default none).
    """
    mark = found.dialect.separator
    frame, cells, notes = read_cells(
        unquoted(found.raw), raw=found.raw, separator=mark, missing=missing
    )
    container = FrameContainer(dialect=found.dialect)
    return Table(frame, source, container, cells, (*found.notes, *notes))


def raw_pieces(path: str | Path) -> Iterator[tuple[Delimited, str]]:
    """The raw cells of a delimited file, about `ROWS` rows at a time, and their name for messages.

    Args:
        path: path of the file.

    Raises:
        DataError: what no table can be made of, with the line; a file that changes meanwhile.
    """
    path = Path(path)
    separator = "\t" if unpacked_suffix(path) in (".tsv", ".tab") else None
    head, marked = b"", False
    with parsing(path, "text file"):
        stamp = Stamp.of(path)
    unpack = gzip.open if path.suffix.lower() == ".gz" else open
    with unpack(path, "rb") as file:
        begin = 0
        for block in _blocks(cast("BinaryIO", file), path):
            lines = block.count(b"\n")
            source = f"{path}, behind line {begin}" if begin else str(path)
            with parsing(path, "text file"):
                text, has_mark = decoded(head + block, path)
                marked = marked or has_mark
                found = read_delimited(text, source, separator=separator, marked=marked)
            if not begin:
                separator = found.dialect.separator
                names = pl.Series(found.raw.columns, dtype=pl.String)
                head = (separator or ",").join(quoted(names, separator or ",")).encode() + b"\n"
            _refuse_header(found.raw, source)
            yield found, source
            begin += lines
    stamp.check()


def _refuse_header(raw: pl.DataFrame, source: str) -> None:
    """Two files one after the other have a header within: no cell of it is a value."""
    if raw.width < 2:
        return
    again = raw.select(pl.all_horizontal(pl.col(name) == name for name in raw.columns)).to_series()
    if again.any():
        raise DataError(
            "the names of the columns stand here again",
            where=f"{source}, row {int(again.arg_max() or 0) + 1}",
            fix="take the line out, or give the files one by one",
        )


def _lines(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """The lines, none of which takes more memory than a line of a table does."""
    packed, length = path.suffix.lower() == ".gz", 0
    for line in iter(partial(file.readline, _LONGEST_LINE), b""):
        if len(line) == _LONGEST_LINE:
            raise DataError(
                f"a line is longer than {_LONGEST_LINE / 2**20:.0f} MiB: this is no table",
                where=str(path),
                fix="give a file with one row a line",
            )
        if packed and (length := length + len(line)) > MOST_UNPACKED:
            refuse_bomb(path, length)
        yield line


def _blocks(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """Whole records, about `ROWS` lines each and the header; the last block has less than twice as
    many.
    """
    held: list[bytes] = []
    lines, size = _lines(file, path), ROWS + 1
    while True:
        with parsing(path, "text file"):
            held += islice(lines, size + ROWS - len(held))
            if len(held) < size + ROWS:
                break
            end = _end(held, size)
        yield b"".join(held[:end])
        held, size = held[end:], ROWS
    if held:
        yield b"".join(held)


def _end(lines: list[bytes], size: int) -> int:
    """How many of the lines make a block: one ends where no quotation mark is open. Where none
    closes within the longest record, the mark is a character like the rest.
    """
    if sum(line.count(b'"') for line in lines[:size]) % 2 == 0:
        return size
    for number, line in enumerate(lines[size : size + _LONGEST_RECORD], start=size + 1):
        if line.count(b'"') % 2 == 1:
            return number
    return size
