"""Files out: whole or not at all, and never over a file without leave. Tables in the format of
their extension.
"""

import gzip
import io
import os
import stat
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl

from quasistatic.data.exchange import remove_parts
from quasistatic.data.files import EXTENSIONS
from quasistatic.data.table import Table
from quasistatic.data.text._dialect import Dialect
from quasistatic.data.text.cells import TextCells
from quasistatic.data.text.delimited import quoted, write_delimited
from quasistatic.data.text.jsonlines import write_json_lines
from quasistatic.data.text.written import Written
from quasistatic.data.together import finish, put_in_place, together
from quasistatic.errors import OutputError

__all__ = [
    "WRITABLE",
    "PartFile",
    "as_delimited",
    "check_output",
    "check_parent",
    "delimited_text",
    "refusals",
    "write_table",
    "write_tables",
    "write_whole",
]

WRITABLE = (*EXTENSIONS, ".csv.gz", ".tsv.gz", ".txt.gz", ".jsonl.gz")
"""Kinds of tables that are written."""


def check_output(
    path: str | Path, force: bool = False, extensions: Collection[str] = WRITABLE
) -> Path:
    """Refuse, before any work, a path that `write_table` would refuse.

    Args:
        path: path of the file to make.
        force: whether an existing file is replaced (default False).
        extensions: extensions that the path may have (default: those of tables).

    Raises:
        OutputError: unknown extension, a folder, a missing or write-protected parent folder, or a
            file that exists.
    """
    path = Path(path)
    if path.is_dir():
        raise OutputError("this is a folder", where=str(path), fix="give the name of a file")
    if not path.name.lower().endswith(tuple(extensions)) or not path.suffix:
        fix = f"give a name that ends in {', '.join(extensions)}"
        raise OutputError(f"unknown kind of file {path.suffix!r}", where=str(path), fix=fix)
    check_parent(path)
    finish(path.parent)
    if os.path.lexists(path) and not force:
        raise OutputError(
            "the file exists already",
            where=str(path),
            fix="give another name, or --force to replace it",
        )
    return path


def check_parent(path: Path) -> None:
    """Refuse a path whose folder does not exist or cannot be written.

    Args:
        path: path of the file or folder to make.

    Raises:
        OutputError: a missing or write-protected parent folder.
    """
    parent = path.parent
    if not parent.is_dir():
        raise OutputError(
            f"there is no folder {str(parent)!r}",
            where=str(path),
            fix=f"create it: mkdir -p {parent}",
        )
    if not os.access(parent, os.W_OK):
        raise OutputError(
            f"the folder {str(parent)!r} cannot be written",
            where=str(path),
            fix="choose another folder",
        )


def write_table(table: pl.DataFrame | Table, path: str | Path, force: bool = False) -> None:
    """Write a table in the format of the extension, atomically.

    Args:
        table: frame to write; or table, of which the cells that were read from a file of text are
            written to one as they stood there, and new ones in the form of their column.
        path: path of the file to make.
        force: whether an existing file is replaced (default False).

    Raises:
        OutputError: as `check_output`, or the disk is full, or a column does not fit the format.
    """
    write_tables([table], [path], force)


def write_tables(
    tables: Sequence[pl.DataFrame | Table], paths: Sequence[str | Path], force: bool = False
) -> None:
    """Write tables that belong together as `write_table` does: all of them, or none.

    Args:
        tables: tables to write.
        paths: path of the file of each table.
        force: whether existing files are replaced (default False).

    Raises:
        OutputError: as `write_table`.
    """
    checked = [check_output(path, force) for path in paths]
    with together():
        for table, path in zip(tables, checked, strict=True):
            write_whole(path, partial(_write, table, path), force)


def _write(table: pl.DataFrame | Table, path: Path, file: BinaryIO) -> None:
    suffix = path.suffix.lower()
    if suffix == ".gz":
        unpacked = io.BytesIO()
        _write(table, path.with_suffix(""), unpacked)
        file.write(gzip.compress(unpacked.getvalue(), mtime=0))
        return
    frame = table.frame if isinstance(table, Table) else table
    text = table.text if isinstance(table, Table) else None
    if text is not None and isinstance(table, Table) and suffix in (".csv", ".tsv", ".tab", ".txt"):
        file.write(as_delimited(table, {".tsv": "\t", ".tab": "\t"}.get(suffix)))
    elif text is not None and suffix in (".jsonl", ".ndjson"):
        file.write(write_json_lines(frame, text))
    else:
        _WRITERS[suffix](frame, file)


def delimited_text(table: pl.DataFrame | Table, *, header: bool = True) -> str:
    """A table as delimited text, in the form of its file or as CSV.

    Args:
        table: table, or frame of its values.
        header: whether the names of the columns stand above the rows (default True).
    """
    if isinstance(table, Table) and table.text is not None:
        return as_delimited(table, header=header).decode().removeprefix("\ufeff")
    frame = table.frame if isinstance(table, Table) else table
    return frame.write_csv(include_header=header)


def as_delimited(table: Table, separator: str | None = None, *, header: bool = True) -> bytes:
    """A table as a delimited file: cells that stood in one as they stood there.

    Args:
        table: table of rows, with the cells of its file.
        separator: separator of the new file; None (default) takes that of the old one.
        header: whether the names of the columns stand above the rows (default True); without them
            the rows follow others.
    """
    dialect = getattr(table.container, "dialect", None) or Dialect()
    if separator is not None and dialect.separator != separator:
        dialect = replace(dialect, separator=separator, hinted=False)
    mark, text = dialect.separator or ",", table.text or TextCells({})
    cells: dict[str, pl.Series] = {}
    for series in table.frame:
        written = text.written.get(series.name, Written())
        if text.raw is not None and series.name in text.raw.columns and text.separator == mark:
            cells[series.name] = text.raw[series.name]
            continue
        if text.contents is not None and series.name in text.contents.columns:
            column = text.contents[series.name].fill_null("")
        else:
            column = written.write(series)
        cells[series.name] = quoted(column, mark, written.quoted)
    return write_delimited(pl.DataFrame(cells), dialect, header=header)


def write_whole(
    path: Path,
    write: Callable[[BinaryIO], object],
    force: bool = False,
    extensions: Collection[str] = WRITABLE,
) -> None:
    """Let `write` fill a file beside `path`, and rename it.

    Args:
        path: path of the file to make.
        write: function that takes the file, open for bytes, and fills it.
        force: whether an existing file is replaced (default False).
        extensions: extensions that the path may have (default: those of tables).

    Raises:
        OutputError: as `check_output`, or the disk is full, or `write` refuses.
    """
    with refusals(path):
        part = PartFile(path)
        try:
            write(part.file)
            part.complete()
            part.take_place(force, extensions)
        finally:
            part.discard()


@contextmanager
def refusals(path: Path) -> Iterator[None]:
    """Within the `with` block a file is written; what the system or the format refuses is one
    error.

    Args:
        path: path of the file, for the message.

    Raises:
        OutputError: saying why.
    """
    try:
        yield
    except OutputError:
        raise
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise OutputError(
            f"cannot be written ({reason}); nothing was left behind",
            where=str(path),
            fix="free space, or choose another place",
        ) from error


class PartFile:
    """A file on its way: it is filled under another name beside its place.

    Args:
        path: path of the file to make, or a link to it.

    Raises:
        OSError: no file can be made there.
    """

    def __init__(self, path: Path) -> None:
        self.given = path
        self.path = path.resolve() if path.is_symlink() else path
        finish(self.path.parent)
        remove_parts(self.path)
        descriptor, name = tempfile.mkstemp(
            prefix=f".{self.path.name}.{os.getpid()}-", suffix=".part", dir=self.path.parent
        )
        self.written, self._is_left = Path(name), True
        self.file: BinaryIO = os.fdopen(descriptor, "wb")

    def complete(self) -> None:
        """Bring what was written to the disk; nothing can be added then."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        os.chmod(self.written, _mode_of(self.path))

    def take_place(self, force: bool, extensions: Collection[str] = WRITABLE) -> None:
        """Give the file its name, at once or at the end of `together`.

        Args:
            force: whether an existing file is replaced.
            extensions: extensions that the path may have (default: those of tables).

        Raises:
            OutputError: as `check_output`.
        """
        check_output(self.given, force, extensions)
        put_in_place(self.written, self.path)
        self._is_left = False

    def discard(self) -> None:
        """Remove the file if it has not taken its place."""
        if self._is_left:
            self.written.unlink(missing_ok=True)
            self._is_left = False
            with suppress(OSError):  # what is left to be written has no room, say
                self.file.close()


def _mode_of(path: Path) -> int:
    """The mode of the file that is replaced, or that of a new one."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _array(frame: pl.DataFrame, file: BinaryIO) -> None:
    held = [
        name
        for name, dtype in frame.schema.items()
        if not (dtype.is_numeric() or dtype == pl.Boolean)
    ]
    if held:
        raise OutputError(
            f"an NPY file holds numbers only, but {held[0]!r} is {frame[held[0]].dtype}",
            fix="write NPZ, CSV or Parquet",
        )
    dtypes = set(frame.dtypes)
    holes = any(series.null_count() for series in frame)
    plain = len(dtypes) == 1 and not holes and not isinstance(frame.dtypes[0], pl.Decimal)
    array = frame.to_numpy() if plain else frame.select(pl.all().cast(pl.Float64)).to_numpy()
    np.save(file, array, allow_pickle=False)


def _archive(frame: pl.DataFrame, file: BinaryIO) -> None:
    np.savez(file, allow_pickle=False, **{series.name: _savable(series) for series in frame})


def _savable(series: pl.Series) -> np.ndarray:
    if isinstance(series.dtype, pl.Decimal):
        series = series.cast(pl.Float64)
    if series.dtype.is_numeric() or isinstance(series.dtype, pl.Date | pl.Datetime):
        return series.to_numpy()
    if series.dtype == pl.Boolean and not series.null_count():
        return series.to_numpy()
    return np.array(series.cast(pl.String).fill_null("").to_list(), dtype=np.str_)


_WRITERS: dict[str, Callable[[pl.DataFrame, BinaryIO], object]] = {
    ".csv": lambda frame, file: frame.write_csv(file),
    ".txt": lambda frame, file: frame.write_csv(file, separator="\t"),
    **dict.fromkeys((".tsv", ".tab"), lambda frame, file: frame.write_csv(file, separator="\t")),
    ".parquet": lambda frame, file: frame.write_parquet(file),
    ".arrow": lambda frame, file: frame.write_ipc(file),
    ".feather": lambda frame, file: frame.write_ipc(file),
    ".ipc": lambda frame, file: frame.write_ipc(file),
    ".jsonl": lambda frame, file: frame.write_ndjson(file),
    ".ndjson": lambda frame, file: frame.write_ndjson(file),
    ".npy": _array,
    ".npz": _archive,
}
