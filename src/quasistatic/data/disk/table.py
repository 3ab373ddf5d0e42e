"""A table that stays on the disk: some of its rows, or one of its columns, at a time."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from quasistatic.data.disk.sharing import ALONE, Sharing
from quasistatic.data.door import parsing
from quasistatic.data.frames.container import Container, FrameContainer
from quasistatic.data.layout import Layout
from quasistatic.data.memory import bytes_of_row, require_bytes
from quasistatic.data.table import Table
from quasistatic.data.text.cells import TextCells
from quasistatic.errors import DataError

__all__ = ["ROWS", "AnyTable", "DiskTable", "Stamp", "behind", "regrouped", "spans"]

ROWS = 2**16
"""Rows of a piece; the last one has the rest besides."""


@dataclass(frozen=True)
class Stamp:
    """A file as it was when it was first looked at.

    Args:
        path: path of the file.
        size: number of its bytes.
        changed: time of its last change, nanoseconds.
    """

    path: Path
    size: int
    changed: int

    @classmethod
    def of(cls, path: Path) -> "Stamp":
        """The stamp of a file as it is now.

        Args:
            path: path of the file.

        Raises:
            OSError: no such file.
        """
        found = path.stat()
        return cls(path, found.st_size, found.st_mtime_ns)

    def check(self) -> None:
        """Refuse a file that is no longer what it was.

        Raises:
            DataError: it has changed, or is gone.
        """
        try:
            now = Stamp.of(self.path)
        except OSError as error:
            raise DataError(
                f"the file is gone ({error.strerror})",
                where=str(self.path),
                fix="bring it back, and begin anew",
            ) from error
        if now != self:
            raise DataError(
                f"the file changed while it was read: it had {self.size} bytes, and has {now.size}",
                where=str(self.path),
                fix="wait until it is complete, and begin anew",
            )


@dataclass(frozen=True)
class DiskTable:
    """Rows and columns of which a part is in memory only while it is worked on.

    What is asked of a `Table` column by column is answered by `holding`, what row by row by
    `pieces`.

    Args:
        frame: lazy frame of the rows, read from the files anew at each question.
        files: stamps of the files.
        source: path as it was given; named in errors.
        n_rows: number of rows in the files.
        scratch: folder for what is too large for memory; None (default) where nothing may be
            written.
        chosen: numbers of the rows that the table has, increasing; None (default): all.
        container: what to give back (default: a polars frame).
        notes: what a person should know of how the files were read (default none).
        read: function from the cells of some columns of text to their values and the cells beside
            them; None (default) where the files have values.
        sharing: processes that have the same table, and encode it together (default: this one).
    """

    frame: pl.LazyFrame
    files: tuple[Stamp, ...]
    source: str
    n_rows: int
    scratch: Path | None = None
    chosen: np.ndarray | None = None
    container: Container = field(default_factory=FrameContainer)
    text: None = None
    notes: tuple[str, ...] = ()
    read: Callable[[pl.DataFrame], tuple[pl.DataFrame, TextCells]] | None = None
    sharing: Sharing = ALONE

    def __len__(self) -> int:
        return self.n_rows if self.chosen is None else len(self.chosen)

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return self.frame.collect_schema().names()

    @property
    def layout(self) -> Layout | None:
        """How the columns are arranged: as those of a table."""
        return None

    @property
    def n_bytes(self) -> int:
        """Bytes of all rows in memory, at the least."""
        return int(self.n_rows * bytes_of_row(self.frame.collect_schema().dtypes()))

    def holding(self, name: str) -> Table:
        """The column alone, in memory.

        Args:
            name: name of the column.
        """
        with self._parsing():
            column = self.frame.select(name).collect(engine="streaming")
        self._check(column.height)
        return self._table(column if self.chosen is None else column[self.chosen], self.source)

    def pieces(self) -> Iterator[Table]:
        """The rows in their order, `ROWS` at a time."""
        return (
            self._table(frame, behind(self.source, begin))
            for begin, frame in regrouped(self._frames(), ROWS)
        )

    def _table(self, frame: pl.DataFrame, source: str) -> Table:
        if self.read is None:
            return Table(frame, source)
        values, text = self.read(frame)
        return Table(values, source, self.container, text)

    def _frames(self) -> Iterator[pl.DataFrame]:
        """The chosen rows of all files, as many at a time as they come."""
        begin = 0
        with self._parsing():
            for frame in self.frame.collect_batches(chunk_size=ROWS, maintain_order=True):
                end = begin + frame.height
                if self.chosen is None:
                    yield frame
                else:
                    first, last = np.searchsorted(self.chosen, [begin, end])
                    yield frame[self.chosen[first:last] - begin]
                    if last == len(self.chosen):
                        return
                begin = end
        self._check(begin)

    def take(self, indices: np.ndarray) -> "DiskTable":
        """The rows `indices`, which stay on the disk.

        Args:
            indices: numbers of rows, none smaller than the one before.
        """
        rows = np.asarray(indices)
        return replace(self, chosen=rows if self.chosen is None else self.chosen[rows])

    def held(self) -> Table:
        """All rows, in memory.

        Raises:
            DataError: more than there is room for.
        """
        require_bytes(
            int(len(self) * bytes_of_row(self.frame.collect_schema().dtypes())),
            where=self.source,
            fix="give a part of the rows",
        )
        empty = self.frame.collect_schema().to_frame()
        return self._table(pl.concat([empty, *self._frames()]), self.source)

    def whole(self, names: Iterable[str]) -> np.ndarray:
        """Rows without a missing cell in some columns, bool `[N]`.

        Args:
            names: names of the columns; those that the table does not have say nothing.
        """
        asked = list(names)
        return np.concatenate([piece.whole(asked) for piece in self.pieces()])

    def _parsing(self):
        return parsing(self.files[0].path, "table")

    def _check(self, n_rows: int) -> None:
        for stamp in self.files:
            stamp.check()
        if n_rows != self.n_rows:
            raise DataError(
                f"{n_rows} rows were read of {self.n_rows}",
                where=self.source,
                fix="write the file again",
            )


AnyTable = Table | DiskTable
"""What a model is fitted on: column by column, and row by row."""


def spans(n_rows: int) -> Iterator[tuple[int, int]]:
    """The first row and the number of the rows of each piece.

    Args:
        n_rows: number of rows of the table.

    Example:
        >>> list(spans(ROWS + 1)), list(spans(2 * ROWS + 1))
        ([(0, 65537)], [(0, 65536), (65536, 65537)])
    """
    begin = 0
    while begin < n_rows:
        left = n_rows - begin
        size = ROWS if left >= 2 * ROWS else left
        yield begin, size
        begin += size


def behind(source: str, begin: int) -> str:
    """The name of rows in messages, which count them from 1.

    Args:
        source: path of the table.
        begin: number of rows before these.
    """
    return f"{source}, behind row {begin}" if begin else source


def regrouped(frames: Iterable[pl.DataFrame], size: int) -> Iterator[tuple[int, pl.DataFrame]]:
    """Frames of `size` rows each, with the number of rows before them; the last one has less than
    twice as many.

    Args:
        frames: frames of one table, of any number of rows.
        size: number of rows.

    Example:
        >>> parts = [pl.DataFrame({"a": range(n)}) for n in (3, 4, 0, 2)]
        >>> [(begin, frame.height) for begin, frame in regrouped(parts, 4)]
        [(0, 4), (4, 5)]
    """
    held, begin = None, 0
    for frame in frames:
        held = frame if held is None else held.vstack(frame)
        while held.height >= 2 * size:
            yield begin, held[:size]
            held, begin = held[size:], begin + size
    if held is not None and held.height:
        yield begin, held
