"""Tables from files, by the extension of their names."""

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from quasistatic.data import _workbook as workbook
from quasistatic.data.frames.container import FrameContainer
from quasistatic.data.table import Table, from_array
from quasistatic.data.text._bytes import PACKED, decoded, read_bytes, unpacked_suffix
from quasistatic.data.text.cells import read_cells, unquoted
from quasistatic.data.text.delimited import read_delimited
from quasistatic.data.text.jsonlines import read_json_lines
from quasistatic.errors import DataError

__all__ = ["EXTENSIONS", "READABLE", "read_table"]


_DELIMITED = (".csv", ".tsv", ".tab", ".txt")
_TEXT = (*_DELIMITED, ".jsonl", ".ndjson")
EXTENSIONS = (
    *_TEXT,
    ".parquet",
    ".arrow",
    ".feather",
    ".ipc",
    ".npy",
    ".npz",
)
"""Kinds of files that can be read and written."""
READABLE = (*EXTENSIONS, *workbook.EXTENSIONS)
"""Kinds of files that can be read; those of text also packed, as `.csv.gz` or `.csv.zst`."""
_DAMAGE = (
    ValueError,
    EOFError,
    KeyError,
    TypeError,
    IndexError,
    OverflowError,
    AttributeError,
    SyntaxError,
    tokenize.TokenError,
    RecursionError,
    RuntimeError,
    SystemError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
)
"""What the readers of NumPy, polars and Python say of a file that is damaged."""


def read_table(path: str | Path, missing: Sequence[str] = ()) -> Table:
    """The table in a file.

    Args:
        path: path of a file whose name ends in one of `READABLE`.
        missing: cells of text that mean "missing" in every column, beside the usual ones (default
            none).

    Raises:
        DataError: no such file, an unknown extension, an empty or damaged file, no rows, two
            columns of one name.
    """
    path = Path(path)
    if path.is_dir():
        raise DataError("this is a folder", where=str(path), fix="give a file")
    suffix = unpacked_suffix(path)
    packed = path.suffix.lower() in PACKED
    if suffix not in READABLE or (packed and suffix not in _TEXT):
        known = ", ".join(_TEXT if packed else READABLE)
        raise DataError(
            f"unknown kind of file {(suffix if packed else path.suffix)!r}",
            where=str(path),
            fix=f"give a file that ends in {known}" + (" and the packing" if packed else ""),
        )
    try:
        if path.stat().st_size == 0:
            raise DataError("the file is empty", where=str(path), fix="give a file with rows")
        table = _READERS[suffix](path, tuple(missing))
    except FileNotFoundError as error:
        raise DataError("there is no such file", where=str(path), fix="check the path") from error
    except OSError as error:
        raise DataError(
            f"the file cannot be read ({error.strerror or error})", where=str(path)
        ) from error
    if not table.names or len(table) == 0:
        raise DataError("the table has no rows", where=str(path), fix="give at least two rows")
    return table


def _delimited(path: Path, missing: tuple[str, ...]) -> Table:
    text, marked = decoded(read_bytes(path), path)
    separator = "\t" if unpacked_suffix(path) in (".tsv", ".tab") else None
    found = read_delimited(text, str(path), separator=separator, marked=marked)
    frame, cells, notes = read_cells(
        unquoted(found.raw), raw=found.raw, separator=found.dialect.separator, missing=missing
    )
    container = FrameContainer(dialect=found.dialect)
    return Table(frame, str(path), container, cells, (*found.notes, *notes))


def _json_lines(path: Path, missing: tuple[str, ...]) -> Table:
    text, _ = decoded(read_bytes(path), path)
    frame, cells, notes = read_json_lines(text, str(path), missing)
    return Table(frame, str(path), text=cells, notes=notes)


def _workbook(path: Path, missing: tuple[str, ...]) -> Table:
    frame, notes = workbook.read_workbook(path)
    texts = frame.select(pl.col(pl.String))
    if not texts.width:
        return Table(frame, str(path), notes=notes)
    read, cells, more = read_cells(texts, missing=missing)
    return Table(frame.with_columns(read), str(path), text=cells, notes=(*notes, *more))


def _parquet(path: Path, missing: tuple[str, ...]) -> Table:
    del missing  # the file itself says what is missing
    return Table(_polars(lambda: pl.read_parquet(path), path, "Parquet"), str(path))


def _arrow(path: Path, missing: tuple[str, ...]) -> Table:
    del missing
    with path.open("rb") as file:
        start = file.read(6)
    # the file format starts with a magic word, the stream format with a length
    read = pl.read_ipc if start == b"ARROW1" else pl.read_ipc_stream
    data = path.read_bytes()
    return Table(_polars(lambda: read(data), path, "Arrow"), str(path))


def _polars(read: Callable[[], pl.DataFrame], path: Path, kind: str) -> pl.DataFrame:
    try:
        return read()
    except (*_DAMAGE, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"this is no intact {kind} file ({reason})", where=str(path), fix="write the file again"
        ) from error


def _npy(path: Path, missing: tuple[str, ...]) -> Table:
    del missing
    try:
        with path.open("rb") as file:
            return from_array(np.load(file, allow_pickle=False), str(path))
    except _DAMAGE as error:
        if isinstance(error, DataError):
            raise
        raise _numpy_error(error, path) from error


def _numpy_error(error: Exception, path: Path) -> DataError:
    if "allow_pickle" in str(error):
        fix = "save numbers or strings (array.astype(float)), or a CSV file"
        return DataError(
            "the array holds Python objects, which are not loaded for safety",
            where=str(path),
            fix=fix,
        )
    return DataError(
        f"this is no intact NumPy file ({error})", where=str(path), fix="write the file again"
    )


def _npz(path: Path, missing: tuple[str, ...]) -> Table:
    del missing
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except _DAMAGE as error:
        raise _numpy_error(error, path) from error
    foreign = [key for key, array in arrays.items() if not isinstance(array, np.ndarray)]
    if foreign:
        raise DataError(
            f"its member {foreign[0]!r} is no array",
            where=str(path),
            fix="save it with numpy.savez",
        )
    if "X" in arrays or len(arrays) == 1:
        array = arrays["X"] if "X" in arrays else next(iter(arrays.values()))
        if array.ndim == 2:
            return from_array(array, str(path))
    lengths = {array.shape[0] for array in arrays.values() if array.ndim in (1, 2)}
    if len(lengths) != 1 or any(array.ndim not in (1, 2) for array in arrays.values()):
        shapes = ", ".join(f"{key}: {array.shape}" for key, array in arrays.items())
        fix = 'save one 2-D array, an array "X", or one 1-D array per column, all of one length'
        raise DataError(f"no table can be made of the arrays ({shapes})", where=str(path), fix=fix)
    return _columns(arrays, path)


def _columns(arrays: dict[str, np.ndarray], path: Path) -> Table:
    columns: dict[str, pl.Series] = {}
    for key, array in arrays.items():
        part = from_array(array if array.ndim == 2 else array[:, None], str(path)).frame
        names = [key] if array.ndim == 1 else [f"{key}{j}" for j in range(array.shape[1])]
        for name, series in zip(names, part, strict=True):
            if name in columns:
                raise DataError(
                    f"two columns are called {name!r}",
                    where=str(path),
                    fix="rename one of the arrays",
                )
            columns[name] = series.alias(name)
    return Table(pl.DataFrame(columns), str(path))


_READERS: dict[str, Callable[[Path, tuple[str, ...]], Table]] = {
    **dict.fromkeys(_DELIMITED, _delimited),
    **dict.fromkeys((".jsonl", ".ndjson"), _json_lines),
    **dict.fromkeys(workbook.EXTENSIONS, _workbook),
    ".parquet": _parquet,
    **dict.fromkeys((".arrow", ".feather", ".ipc"), _arrow),
    ".npy": _npy,
    ".npz": _npz,
}
