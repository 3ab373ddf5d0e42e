"""The first sheet with a table of an Excel workbook."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zipfile import ZipFile, is_zipfile

import polars as pl

from quasistatic.data.memory import refuse_bomb, require_bytes
from quasistatic.errors import DataError

_BYTES, _COPIES = 5 * 2**28, 4
"""Memory of the process that parses: what its libraries take, and its cells for each byte."""
_SECONDS, _BYTES_A_SECOND = 8, 10**7
EXTENSIONS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")


def read_workbook(path: Path) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The cells of the first sheet that has any, and what a person should know of the reading.

    Raises:
        DataError: the reader is not installed, no cell in it, a damaged file, or one that asks for
            more memory or time than a workbook of its size has any use for.
    """
    _require_reader()
    size = path.stat().st_size
    if is_zipfile(path):
        with ZipFile(path) as archive:
            size = sum(item.file_size for item in archive.infolist())
        refuse_bomb(path, size)
    require_bytes(size, where=str(path))
    with tempfile.NamedTemporaryFile(suffix=".arrow") as file:
        found = _read_apart(path, file.name, size)
        if "name" not in found:
            raise DataError("no sheet has rows", where=str(path), fix="give a header and rows")
        frame = pl.read_ipc(file.read())
    name, count = found["name"], found["sheets"]
    notes = (f"sheet {name!r} is read, the first of {count}",) if count > 1 else ()
    return frame.select(_plain(series) for series in frame), notes


def _read_apart(path: Path, frame: str, size: int) -> dict[str, Any]:
    """What `_sheet` says; the limits of its process grow with the bytes of the workbook."""
    most_bytes, most_seconds = _BYTES + _COPIES * size, _SECONDS + size // _BYTES_A_SECOND
    limits = (str(most_bytes), str(most_seconds))
    done = subprocess.run(
        [sys.executable, "-m", "quasistatic.data._sheet", os.path.abspath(path), frame, *limits],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "POLARS_MAX_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    if done.returncode == -signal.SIGABRT:
        raise DataError(
            f"its cells take more than {most_bytes / 2**30:.1f} GiB of memory, and it holds"
            f" {size / 2**20:.1f} MiB",
            where=str(path),
            fix="save the sheet as CSV",
        )
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise DataError(
            f"its parser needs more than {most_seconds} seconds, and it holds"
            f" {size / 2**20:.1f} MiB",
            where=str(path),
            fix="save the sheet as CSV",
        )
    found = json.loads(done.stdout) if done.returncode == 0 else {"error": "its parser gave up"}
    if "error" in found:
        raise ValueError(found["error"])
    return found


def _plain(series: pl.Series) -> pl.Series:
    """Whole numbers as integers and dates without a time as dates: Excel tells neither apart."""
    if series.dtype.is_float():
        whole = series.drop_nulls()
        if len(whole) and (whole == whole.round()).all() and whole.abs().max() < 2**53:  # type: ignore[operator]
            return series.cast(pl.Int64)
    if isinstance(series.dtype, pl.Datetime):
        days = series.dt.date()
        return days if (days.cast(series.dtype) == series).all() else series
    return series


def _require_reader() -> None:
    if find_spec("fastexcel") is None:
        raise DataError(
            "Excel files need the library fastexcel",
            fix="pip install 'quasistatic[excel]', or save the sheet as CSV",
        )
