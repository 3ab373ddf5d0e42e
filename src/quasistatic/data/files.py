"""Tables from files, by the extension of their names."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from quasistatic.data._delimited import read_delimited
from quasistatic.data.columns._text_dtypes import typed
from quasistatic.data.table import Table, from_array
from quasistatic.errors import DataError

__all__ = ["EXTENSIONS", "read_table", "typed_text"]


EXTENSIONS = (
    ".csv",
    ".tsv",
    ".parquet",
    ".arrow",
    ".feather",
    ".ipc",
    ".jsonl",
    ".ndjson",
    ".npy",
    ".npz",
)
"""Kinds of files that can be read and written."""


def read_table(path: str | Path) -> Table:
    """The table in a file.

    Raises:
        DataError: no such file, an unknown extension, an empty or damaged file, no rows, two
            columns of one name.
    """
    path = Path(path)
    if path.suffix.lower() not in EXTENSIONS:
        known = ", ".join(EXTENSIONS)
        raise DataError(
            f"unknown kind of file {path.suffix!r}",
            where=str(path),
            fix=f"give a file that ends in {known}",
        )
    if path.is_dir():
        raise DataError("this is a folder", where=str(path), fix="give a file")
    try:
        if path.stat().st_size == 0:
            raise DataError("the file is empty", where=str(path), fix="give a file with rows")
        table = _READERS[path.suffix.lower()](path)
    except FileNotFoundError as error:
        raise DataError("there is no such file", where=str(path), fix="check the path") from error
    except OSError as error:
        raise DataError(
            f"the file cannot be read ({error.strerror or error})", where=str(path)
        ) from error
    if not table.names or len(table) == 0:
        raise DataError("the table has no rows", where=str(path), fix="give at least two rows")
    return table


def _delimited(path: Path) -> Table:
    return Table(read_delimited(path, "\t" if path.suffix.lower() == ".tsv" else None), str(path))


def _parquet(path: Path) -> Table:
    return Table(_polars(lambda: pl.read_parquet(path), path, "Parquet"), str(path))


def _arrow(path: Path) -> Table:
    with path.open("rb") as file:
        start = file.read(6)
    # the file format starts with a magic word, the stream format with a length
    read = pl.read_ipc if start == b"ARROW1" else pl.read_ipc_stream
    data = path.read_bytes()
    return Table(_polars(lambda: read(data), path, "Arrow"), str(path))


def _polars(read: Callable[[], pl.DataFrame], path: Path, kind: str) -> pl.DataFrame:
    try:
        return read()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"this is no intact {kind} file ({reason})", where=str(path), fix="write the file again"
        ) from error


def _json_lines(path: Path) -> Table:
    try:
        frame = pl.read_ndjson(path, infer_schema_length=None)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError) as error:
        _find_bad_line(path)
        reason = str(error).splitlines()[0]
        raise DataError(
            f"cannot be read as JSON lines ({reason})",
            where=str(path),
            fix="give each column one type",
        ) from error
    _find_non_object(path)
    columns = {
        series.name: typed_text(series) if series.dtype == pl.String else series for series in frame
    }
    return Table(pl.DataFrame(columns), str(path))


def typed_text(series: pl.Series) -> pl.Series:
    """Dates for text that is all dates; quoted numbers were meant to be text."""
    result = typed(series)
    return result if isinstance(result.dtype, pl.Date | pl.Datetime) else series


def _find_bad_line(path: Path) -> None:
    """Name the line that is no JSON object, if there is one."""
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            raise DataError(
                f"no JSON ({error})", where=f"{path}, line {number}", fix="one JSON object per line"
            ) from error
        if not isinstance(value, dict):
            raise DataError(
                "no JSON object", where=f"{path}, line {number}", fix='write {"column": value, ...}'
            )


def _find_non_object(path: Path) -> None:
    """Lines that polars takes for rows although they are no objects."""
    with path.open("rb") as file:
        if any(line.strip() and not line.lstrip().startswith(b"{") for line in file):
            _find_bad_line(path)


def _npy(path: Path) -> Table:
    try:
        with path.open("rb") as file:
            return from_array(np.load(file, allow_pickle=False), str(path))
    except (ValueError, EOFError) as error:
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


def _npz(path: Path) -> Table:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except (ValueError, EOFError, zipfile.BadZipFile, KeyError) as error:
        raise _numpy_error(error, path) from error
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


_READERS: dict[str, Callable[[Path], Table]] = {
    ".csv": _delimited,
    ".tsv": _delimited,
    ".parquet": _parquet,
    ".arrow": _arrow,
    ".feather": _arrow,
    ".ipc": _arrow,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".npy": _npy,
    ".npz": _npz,
}
