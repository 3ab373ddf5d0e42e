"""A table written a part at a time, and put in its place whole."""

import gzip
import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from quasistatic.data.disk.table import ROWS
from quasistatic.data.output import PartFile, as_delimited, check_output, refusals
from quasistatic.data.table import Table
from quasistatic.data.text._bytes import unpacked_suffix
from quasistatic.errors import OutputError

__all__ = ["in_parts", "rendered", "require_disk"]

_SEPARATORS = {".csv": None, ".txt": None, ".tsv": "\t", ".tab": "\t"}
_GATHER: dict[str, Callable[[pl.LazyFrame, Path], object]] = {
    ".parquet": lambda frame, path: frame.sink_parquet(path, row_group_size=ROWS),
    **dict.fromkeys(
        (".arrow", ".feather", ".ipc"), lambda frame, path: frame.sink_ipc(path, compression=None)
    ),
    **dict.fromkeys((".jsonl", ".ndjson"), lambda frame, path: frame.sink_ndjson(path)),
}
"""How parts become a file, by its ending; of text the parts follow each other."""

_Add = Callable[["pl.DataFrame | Table | bytes"], None]


@contextmanager
def in_parts(path: str | Path, force: bool = False) -> Iterator[_Add]:
    """A function that adds rows to a file, or what `rendered` has made of them; the file has its
    name at the end of the `with` block, and after an error there is none.

    Args:
        path: path of the file to make.
        force: whether an existing file is replaced (default False).

    Raises:
        OutputError: as `data.output.write_table`; a format that is written at once.
    """
    path = check_output(path, force)
    suffix = unpacked_suffix(path)
    if suffix in _SEPARATORS:
        write = _as_text(path, force)
    elif suffix in _GATHER and path.suffix.lower() != ".gz":
        write = _gathered(path, suffix, force)
    else:
        raise OutputError(
            f"a file {path.suffix} is written at once, and the rows do not fit into memory",
            where=str(path),
            fix=f"give a name that ends in {', '.join([*_SEPARATORS, *_GATHER])}",
        )
    with write as add:
        yield add


def rendered(path: str | Path, rows: pl.DataFrame | Table, *, header: bool) -> bytes:
    """What is kept of some rows of a file on their way to it.

    Args:
        path: path of the file to make.
        rows: some of its rows.
        header: whether they are the first, of a text: below the names of the columns.
    """
    suffix = unpacked_suffix(Path(path))
    if suffix in _SEPARATORS:
        table = rows if isinstance(rows, Table) else Table(rows)
        return as_delimited(table, _SEPARATORS[suffix], header=header)
    kept = io.BytesIO()
    frame = rows.frame if isinstance(rows, Table) else rows
    frame.write_ipc(kept, compression="lz4")
    return kept.getvalue()


@contextmanager
def _as_text(path: Path, force: bool) -> Iterator[_Add]:
    with refusals(path):
        part = PartFile(path)
    try:
        packed = path.suffix.lower() == ".gz"
        file = gzip.GzipFile("", "wb", fileobj=part.file, mtime=0) if packed else part.file
        ended = b""

        def add(rows: pl.DataFrame | Table | bytes) -> None:
            nonlocal ended
            text = rows if isinstance(rows, bytes) else rendered(path, rows, header=not ended)
            with refusals(path):
                if ended and not ended.endswith(b"\n"):
                    file.write(b"\n")
                file.write(text)
            ended = text[-1:] or ended

        yield add
        with refusals(path):
            if packed:
                file.close()
            part.complete()
            part.take_place(force)
    finally:
        part.discard()


@contextmanager
def _gathered(path: Path, suffix: str, force: bool) -> Iterator[_Add]:
    parts: list[PartFile] = []
    try:

        def add(rows: pl.DataFrame | Table | bytes) -> None:
            with refusals(path):
                parts.append(PartFile(path))
                kept = rows if isinstance(rows, bytes) else rendered(path, rows, header=False)
                parts[-1].file.write(kept)
                parts[-1].complete()

        yield add
        with refusals(path):
            whole = PartFile(path)
            parts.append(whole)
            names = [part.written for part in parts]
            _GATHER[suffix](pl.scan_ipc(names[:-1], glob=False), names[-1])
            whole.complete()
            whole.take_place(force)
    finally:
        for part in parts:
            part.discard()


def require_disk(needed: int, folder: Path, *, what: str) -> None:
    """Refuse what needs more of the disk than is free, before any of it is written.

    Args:
        needed: bytes that it takes, at the least.
        folder: folder that it is written to.
        what: name of what is written, for the message.

    Raises:
        OutputError: with both figures in GiB.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OutputError(
            f"{what} takes {needed / 2**30:.1f} GiB, and {free / 2**30:.1f} GiB of the disk are"
            " free",
            where=str(folder),
            fix="free space, choose another place, or ask for fewer rows",
        )
