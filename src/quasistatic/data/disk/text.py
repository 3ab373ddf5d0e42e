"""A delimited text as a table on the disk: its cells in files of columns, each column read as a
whole.
"""

import os
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from quasistatic.data.disk.delimited import raw_pieces
from quasistatic.data.disk.parts import require_disk
from quasistatic.data.disk.table import DiskTable, Stamp
from quasistatic.data.exchange import remove_parts
from quasistatic.data.frames.container import FrameContainer
from quasistatic.data.output import refusals
from quasistatic.data.text._plain import read_plain
from quasistatic.data.text.cells import TextCells, unquoted
from quasistatic.data.text.written import Reading, Written, decided, hints_of, read_column

__all__ = ["text_on_disk"]


class _Spool:
    """Files that are removed when nothing needs them any more, at the latest with the process; what
    a killed one leaves is removed by the next that reads the same text.

    Args:
        folder: folder of the files.
        name: name of the text.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.paths: list[Path] = []
        remove_parts(folder / name)
        weakref.finalize(self, _remove, self.paths)

    def add(self, frame: pl.DataFrame) -> None:
        """Write a frame to a file of its own.

        Args:
            frame: frame of cells.

        Raises:
            OutputError: the disk is full.
        """
        with refusals(self.folder):
            descriptor, path = tempfile.mkstemp(
                prefix=f".{self.name}.{os.getpid()}-", suffix=".part", dir=self.folder
            )
            self.paths.append(Path(path))
            with os.fdopen(descriptor, "wb") as file:
                frame.write_ipc(file, compression="lz4")


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Forms:
    """How the columns of a text are read.

    Args:
        written: form of each column.
        dtypes: type of the values of each column.
        choices: of each column whose cells do not tell its form, the forms that are possible.
        separator: separator of the text.
        spool: files of the cells, kept as long as this is.
    """

    written: dict[str, Written]
    dtypes: dict[str, pl.DataType]
    choices: dict[str, tuple[Written, ...]]
    separator: str
    spool: _Spool = field(repr=False, compare=False)

    def read(self, contents: pl.DataFrame) -> tuple[pl.DataFrame, TextCells]:
        """The values of cells, and the cells beside them.

        Args:
            contents: frame of the cells of some columns.
        """
        names = contents.columns
        values = pl.DataFrame([self._values(series) for series in contents])
        written = {name: self.written[name] for name in names}
        choices = {name: found for name, found in self.choices.items() if name in names}
        return values, TextCells(written, contents, None, self.separator, choices)

    def _values(self, contents: pl.Series) -> pl.Series:
        written, dtype = self.written[contents.name], self.dtypes[contents.name]
        if dtype == pl.Boolean:
            truth = contents.str.strip_chars() == "true"
            return truth.set(written.is_missing(contents), None).alias(contents.name)
        return written.read(contents).cast(dtype).alias(contents.name)


def text_on_disk(path: str | Path, folder: Path, missing: Sequence[str] = ()) -> DiskTable:
    """The table in a delimited file, plain or packed by gzip.

    The cells are written to the folder once; then a column at a time is looked at as a whole, and
    is read as it is where the file is held in memory.

    Args:
        path: path of the file.
        folder: folder for the cells.
        missing: cells of text that mean "missing", beside the usual ones (default none).

    Raises:
        DataError: what no table can be made of, with the line; a file that changes meanwhile.
        OutputError: the disk is full.
    """
    path = Path(path)
    stamp = Stamp.of(path)
    require_disk(stamp.size, folder, what=f"a copy of {path.name}")
    spool, n_rows, notes, dialect = _Spool(folder, path.name), 0, [], None
    marked: dict[str, list[bool]] = {}
    for found, _ in raw_pieces(path):
        n_rows += found.raw.height
        notes += [note for note in found.notes if note not in notes]
        dialect = replace(dialect or found.dialect, closed=found.dialect.closed)
        filled = pl.all().filter(pl.all().fill_null("") != "")
        for name, counts in _quoted(found.raw, filled).items():
            marked.setdefault(name, [False, True])
            marked[name] = [marked[name][0] or counts[0], marked[name][1] and counts[1]]
        spool.add(unquoted(found.raw))
    assert dialect is not None
    frame = pl.scan_ipc(spool.paths, glob=False)
    readings: dict[str, Reading] = {}
    for name in marked:
        contents = frame.select(name).collect()
        reading = read_plain(contents, missing).get(name) or read_column(contents[name], missing)
        readings[name] = reading._replace(values=reading.values.clear())
    hints = hints_of(readings)
    for name, reading in readings.items():
        if len(reading.choices) > 1:
            contents = frame.select(name).collect()[name]
            readings[name] = decided(reading, hints, contents, dialect.separator)
    forms = _Forms(
        {n: replace(r.written, quoted=all(marked[n])) for n, r in readings.items()},
        {n: r.values.dtype for n, r in readings.items()},
        {n: r.choices for n, r in readings.items() if len(r.choices) > 1},
        dialect.separator,
        spool,
    )
    return DiskTable(
        frame,
        (stamp,),
        str(path),
        n_rows,
        folder,
        container=FrameContainer(dialect=dialect),
        notes=(*notes, *(r.note for r in readings.values() if r.note)),
        read=forms.read,
    )


def _quoted(raw: pl.DataFrame, filled: pl.Expr) -> dict[str, tuple[bool, bool]]:
    """Of each column, whether a cell is filled, and whether all that are have quotation marks."""
    some = raw.select(filled.count() > 0).row(0)
    every = raw.select(filled.str.contains('^[ \t]*"').all()).row(0)
    return dict(zip(raw.columns, zip(some, every, strict=True), strict=True))
