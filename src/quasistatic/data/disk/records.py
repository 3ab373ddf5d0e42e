"""JSON lines and NumPy arrays, read a piece at a time."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl

from quasistatic.data.disk.table import ROWS, Stamp, behind, spans
from quasistatic.data.door import ordinary, parsing
from quasistatic.data.table import Table, from_array
from quasistatic.data.text.jsonlines import read_json_lines

__all__ = ["array_pieces", "json_pieces"]


def json_pieces(path: Path) -> Iterator[Callable[[], Table]]:
    """The rows of a file of JSON lines, `ROWS` lines at a time, each piece read when it is called.

    A key that the first piece has and a later one has not is missing there.

    Args:
        path: path of the file, not packed.

    Raises:
        DataError: a line that is no JSON object, with its number; a file that changes meanwhile.
    """
    ordinary(path)
    with parsing(path, "text file"):
        stamp = Stamp.of(path)
        file = path.open(encoding="utf-8-sig")
    names: list[str] = []
    with file:
        begin = 0
        while True:
            with parsing(path, "text file"):
                lines = list(islice(file, ROWS))
            if not lines:
                break
            if not names:
                names += _json_table(lines, str(path), []).names
            yield partial(_json_table, lines, _behind_line(path, begin), names)
            begin += len(lines)
    stamp.check()


def _json_table(lines: list[str], source: str, names: list[str]) -> Table:
    frame, cells, notes = read_json_lines("".join(lines), source)
    absent = [pl.lit(None).alias(name) for name in names if name not in frame.columns]
    return Table(frame.with_columns(absent), source, text=cells, notes=notes)


def _behind_line(path: Path, begin: int) -> str:
    return f"{path}, behind line {begin}" if begin else str(path)


def array_pieces(path: Path) -> Iterator[Callable[[], Table]]:
    """The rows of a NPY file, `ROWS` at a time, each piece read when it is called.

    Args:
        path: path of the file.

    Raises:
        DataError: a damaged file, or an array of Python objects.
    """
    with parsing(path, "NumPy file"):
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    for begin, size in spans(len(array)):
        yield partial(_array_table, array, begin, size, behind(str(path), begin))


def _array_table(array: np.ndarray, begin: int, size: int, source: str) -> Table:
    return from_array(np.array(array[begin : begin + size]), source)
