"""Tables from files, by the extension of their names."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import polars as pl

from quasistatic.data import _workbook as workbook
from quasistatic.data.door import ordinary, parsing
from quasistatic.data.frames.container import FrameContainer
from quasistatic.data.memory import bytes_of_row, declared_bytes, refuse_bomb, require_bytes
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
_KINDS = {
    ".parquet": "Parquet file",
    **dict.fromkeys((".arrow", ".feather", ".ipc"), "Arrow file"),
    **dict.fromkeys((".npy", ".npz"), "NumPy file"),
    **dict.fromkeys(workbook.EXTENSIONS, "workbook"),
}
"""What the file is called in messages, by its ending; a text file by default."""


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
    suffix = unpacked_suffix(path)
    packed = path.suffix.lower() in PACKED
    if path.exists() or str(path) == "-":
        ordinary(path)
    if suffix not in READABLE or (packed and suffix not in _TEXT):
        known = ", ".join(_TEXT if packed else READABLE)
        raise DataError(
            f"unknown kind of file {(suffix if packed else path.suffix)!r}",
            where=str(path),
            fix=f"give a file that ends in {known}" + (" and the packing" if packed else ""),
        )
    fix = "save the sheet as CSV" if suffix in workbook.EXTENSIONS else "write the file again"
    with parsing(path, _KINDS.get(suffix, "text file"), fix=fix):
        if path.stat().st_size == 0:
            raise DataError("the file is empty", where=str(path), fix="give a file with rows")
        table = _READERS[suffix](path, tuple(missing))
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
    _require_memory(pl.scan_parquet(path, glob=False), path)
    return Table(pl.read_parquet(path, glob=False), str(path))


def _arrow(path: Path, missing: tuple[str, ...]) -> Table:
    del missing
    require_bytes(path.stat().st_size, where=str(path))
    data = path.read_bytes()
    # the file format starts with a magic word, the stream format with a length
    if not data.startswith(b"ARROW1"):
        return Table(pl.read_ipc_stream(data), str(path))
    _require_memory(pl.scan_ipc(data), path)
    return Table(pl.read_ipc(data), str(path))


def _require_memory(rows: pl.LazyFrame, path: Path) -> None:
    """Refuse a file of which a column takes few bytes, but not in memory: equal cells are packed
    well.
    """
    n_rows = rows.select(pl.len()).collect().item()
    require_bytes(int(n_rows * bytes_of_row(rows.collect_schema().dtypes())), where=str(path))


def _npy(path: Path, missing: tuple[str, ...]) -> Table:
    del missing
    with path.open("rb") as file, _without_objects(path):
        require_bytes(declared_bytes(file), where=str(path))
        file.seek(0)
        array = np.load(file, allow_pickle=False)
    return from_array(array, str(path))


@contextmanager
def _without_objects(path: Path) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        raise DataError(
            "the array holds Python objects, which are not loaded for safety",
            where=str(path),
            fix="save numbers or strings (array.astype(float)), or a CSV file",
        ) from error


def _npz(path: Path, missing: tuple[str, ...]) -> Table:
    del missing
    with (
        path.open("rb") as file,
        _without_objects(path),
        np.load(file, allow_pickle=False) as archive,
    ):
        unpacked = _unpacked_bytes(archive.zip)
        require_bytes(unpacked, where=str(path))
        refuse_bomb(path, unpacked)
        arrays = {key: archive[key] for key in archive.files}
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


def _unpacked_bytes(archive: ZipFile) -> int:
    """Bytes of all arrays, by what the archive says and by what their own heads say."""
    total = 0
    for item in archive.infolist():
        with archive.open(item) as member:
            is_array = member.read(6) == np.lib.format.MAGIC_PREFIX
            member.seek(0)
            total += max(item.file_size, declared_bytes(member) if is_array else 0)
    return total


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
