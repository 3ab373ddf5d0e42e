"""The encoded rows of a table on the disk: blocks of fixed width in files of no name."""

import mmap
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryFile, gettempdir, mkstemp
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from quasistatic.data.cells import Cells, EncodedTable
from quasistatic.data.disk.sharing import Sharing
from quasistatic.data.disk.table import DiskTable
from quasistatic.data.exchange import remove_parts
from quasistatic.errors import OutputError

if TYPE_CHECKING:
    from quasistatic.data.codec import Codec
    from quasistatic.data.schema import Schema

__all__ = ["bytes_of_cells", "encode_on_disk", "forget", "in_slices", "take_rows"]

_NAME, _VOLUME = "encoded", np.dtype(np.float64)
_FEW = 2**7
"""Rows that are taken together: each lies on other pages, which the system maps in groups."""
_AT_ONCE = 2**18
"""Rows of an encoded table that are looked at together."""


def bytes_of_cells(schema: "Schema", n_rows: int) -> int:
    """Bytes of the encoded rows of a table, at the most.

    Args:
        schema: schema of the table.
        n_rows: number of rows.
    """
    numbers = [c for c in schema.columns if not c.is_discrete]
    states = len(schema.columns) - len(numbers) + sum(bool(c.atoms) for c in numbers)
    return n_rows * (10 * len(numbers) + 5 * states + 8)


def encode_on_disk(codec: "Codec", table: DiskTable) -> EncodedTable:
    """The rows of a table as `codec.encode` gives them, written a piece at a time: all cells of a
    row beside each other, as a batch asks for single rows. Processes that share the table encode
    some of the pieces each, and map one file.

    It has no name any more: the system removes it when the processes end, however they end.

    Args:
        codec: codec of the table.
        table: table on the disk.

    Raises:
        OutputError: the disk is full.
        DataError, SchemaError: as `codec.encode`.
    """
    folder = Path(gettempdir()) if table.scratch is None else table.scratch
    n_rows, begin = len(table), 0
    blocks: tuple[Cells, ...] = ()
    kind = np.dtype("V")
    with _nameless(folder, table.sharing) as file:
        for number, piece in enumerate(table.pieces()):
            is_own = table.sharing.has(number)
            if is_own or not number:
                encoded = codec.encode(piece)
                blocks, records = encoded.rows, _records(encoded.rows)
                kind = records.dtype
                if is_own:
                    with _room(folder):
                        file.seek(begin * kind.itemsize)
                        file.write(records.data)
                        file.seek(n_rows * kind.itemsize + begin * _VOLUME.itemsize)
                        file.write(encoded.log_volume.astype(_VOLUME).data)
                        file.flush()
            begin += len(piece)
        table.sharing.meet("")
        records = np.memmap(file, kind, "r", shape=(n_rows,))
        file.seek(n_rows * kind.itemsize)
        log_volumes = np.fromfile(file, _VOLUME, n_rows)
    _mapped(records).madvise(mmap.MADV_RANDOM)
    names = iter(kind.names or ())
    rows = tuple(
        Cells(*(None if part is None else records[next(names)] for part in cells))
        for cells in blocks
    )
    return EncodedTable(rows, log_volumes)


@contextmanager
def _nameless(folder: Path, sharing: Sharing) -> Iterator[BinaryIO]:
    """A file that all processes have open, and that has a name until they have."""
    with ExitStack() as opened:
        if sharing.count == 1:
            with _room(folder):
                file = opened.enter_context(TemporaryFile(dir=folder))
        elif sharing.rank:
            file = opened.enter_context(open(sharing.meet(""), "r+b"))
            sharing.meet("")
        else:
            remove_parts(folder / _NAME)
            with _room(folder):
                number, name = mkstemp(".part", f".{_NAME}.{os.getpid()}-", folder)
                file = opened.enter_context(os.fdopen(number, "w+b"))
            opened.callback(Path(name).unlink, missing_ok=True)
            sharing.meet(name)
            sharing.meet("")
            Path(name).unlink()
        yield file


def _records(blocks: tuple[Cells, ...]) -> np.ndarray:
    """The rows `[N]` as records of all parts of their cells."""
    parts = [part for cells in blocks for part in cells if part is not None]
    kind = [(f"{i}", part.dtype, part.shape[1:]) for i, part in enumerate(parts)]
    records = np.empty(len(parts[0]), kind)
    for i, part in enumerate(parts):
        records[f"{i}"] = part
    return records


def in_slices(cells: Cells) -> Iterator[Cells]:
    """The rows of a block, some at a time: of one that is mapped from a file no more are kept in
    memory.

    Args:
        cells: block `[N, D]`.
    """
    for begin in range(0, len(cells.value), _AT_ONCE):
        yield cells.take(slice(begin, begin + _AT_ONCE))
        forget((cells,))


@contextmanager
def _room(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"the encoded rows cannot be written ({error.strerror})",
            where=str(folder),
            fix="free space, or choose another place for the output",
        ) from error


def take_rows(rows: tuple[Cells, ...], index: np.ndarray) -> tuple[Cells, ...]:
    """The cells of some rows, in the shape of `index`; of blocks that are mapped from a file few
    are kept in memory meanwhile.

    Args:
        rows: blocks `[N, D]`.
        index: numbers of rows, of any shape.
    """
    if not isinstance(rows[0].value, np.memmap):
        return tuple(cells.take(index) for cells in rows)
    parts = []
    for some in np.array_split(index.reshape(-1), -(-index.size // _FEW)):
        parts.append([[None if x is None else np.array(x[some]) for x in cells] for cells in rows])
        forget(rows)
    return tuple(
        Cells(
            *(
                None if part[0] is None else _joined(part, index.shape)
                for part in zip(*block, strict=True)
            )
        )
        for block in zip(*parts, strict=True)
    )


def _joined(parts: Any, shape: tuple[int, ...]) -> np.ndarray:
    whole = np.concatenate(parts)
    return whole.reshape(*shape, *whole.shape[1:])


def forget(rows: Any) -> None:
    """Give back the memory in which parts of mapped blocks are kept; they are read again when they
    are asked for.

    Args:
        rows: tuple of `Cells`, of which those that are mapped from a file are given back.
    """
    for cells in rows:
        if isinstance(cells.value, np.memmap):
            _mapped(cells.value).madvise(mmap.MADV_DONTNEED)


def _mapped(array: np.ndarray) -> mmap.mmap:
    """The map that an array is a view of."""
    base: Any = array
    while not isinstance(base, mmap.mmap):
        base = base.base
    return base
