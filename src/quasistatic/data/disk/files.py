"""Which files are one table, and whether it is held in memory."""

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl

from quasistatic.data.disk.table import DiskTable, Stamp
from quasistatic.data.door import ordinary, parsing
from quasistatic.data.text._bytes import unpacked_suffix
from quasistatic.errors import DataError

__all__ = ["MOST_HELD", "is_dataset", "is_held", "is_large_text", "open_table"]

MOST_HELD = 2**27
"""Bytes in memory up to which a table is held there; the same on every machine, so that the same
command does the same."""
_COPIES = 4
"""Bytes in memory of a byte of text, about: its cells as they stand there, and their values."""
_LAZY = (".csv", ".tsv", ".tab", ".txt")
_READERS: dict[str, Callable[[list[Path]], pl.LazyFrame]] = {
    ".parquet": lambda paths: pl.scan_parquet(paths, glob=False),
    **dict.fromkeys((".arrow", ".feather", ".ipc"), lambda paths: pl.scan_ipc(paths, glob=False)),
}
_SHARD = re.compile(r"(\d+)-of-(\d+)")


def is_dataset(path: str | Path) -> bool:
    """Whether a path names several files of one table: a folder of Parquet or Arrow files, or a
    pattern such as `part-*.parquet`.

    Args:
        path: path as a user gave it.
    """
    where = Path(path)
    if where.exists():
        return where.is_dir() and bool(_shards(where, "*"))
    return any(mark in where.name for mark in "*?[") and bool(_matched(where))


def is_held(table: DiskTable) -> bool:
    """Whether a table is small enough to be held in memory.

    Args:
        table: table on the disk.
    """
    return table.n_bytes <= MOST_HELD


def is_large_text(path: str | Path) -> bool:
    """Whether a file is a delimited text that is read a piece at a time.

    Args:
        path: path of the file.
    """
    where = Path(path)
    if unpacked_suffix(where) not in _LAZY or where.suffix.lower() == ".zst":
        return False
    if not where.is_file() or _COPIES * where.stat().st_size <= MOST_HELD:
        return False
    with where.open("rb") as file:
        return file.read(2) not in (b"\xff\xfe", b"\xfe\xff")  # UTF-16 has no lines of bytes


def open_table(path: str | Path) -> DiskTable | None:
    """The table in Parquet or Arrow files, of which only the heads are read; None for other files.

    Args:
        path: path of a file, of a folder of such files, or a pattern for their names.

    Raises:
        DataError: files of other columns or types than the first, a shard that is missing, a
            damaged one.
    """
    where = Path(path)
    if where.is_file():
        paths = [where] if where.suffix.lower() in _READERS else []
    else:
        paths = _shards(where, "*") if where.is_dir() else _matched(where)
    if not paths or _is_stream(paths[0]):
        return None
    _refuse_missing(paths)
    read = _READERS[paths[0].suffix.lower()]
    heads = []
    for one in paths:
        with parsing(one, "table"):
            frame = read([one])
            heads.append((one, frame.collect_schema(), frame.select(pl.len()).collect().item()))
    _refuse_others(heads)
    return DiskTable(
        read(paths),
        tuple(Stamp.of(one) for one in paths),
        str(path),
        sum(n_rows for _, _, n_rows in heads),
    )


def _matched(pattern: Path) -> list[Path]:
    return _shards(pattern.parent, pattern.name) if pattern.parent.is_dir() else []


def _shards(folder: Path, pattern: str) -> list[Path]:
    """The files of a table in a folder, in the order of their names; hidden ones are none."""
    found = [
        path
        for path in sorted(folder.glob(pattern))
        if path.suffix.lower() in _READERS and not path.name.startswith((".", "_"))
    ]
    return [path for path in found if path.suffix == found[0].suffix]


def _is_stream(path: Path) -> bool:
    """Whether an Arrow file is of the format without a table of contents."""
    if path.suffix.lower() == ".parquet":
        return False
    ordinary(path)
    with path.open("rb") as file:
        return file.read(6) != b"ARROW1"


def _refuse_missing(paths: list[Path]) -> None:
    """Names such as `part-00003-of-00010` tell how many files there have to be."""
    marks = [_SHARD.search(path.name) for path in paths]
    found = [(int(mark[1]), int(mark[2])) for mark in marks if mark]
    if len(paths) < 2 or len(found) < len(paths):
        return
    numbers, count = {number for number, _ in found}, found[0][1]
    first = min(min(numbers), 1)
    absent = sorted(set(range(first, first + count)) - numbers)
    if absent:
        raise DataError(
            f"number {absent[0]} of {count} files is missing",
            where=str(paths[0].parent),
            fix="bring the file back, or name those that are meant by a pattern",
        )


def _refuse_others(heads: list[tuple[Path, pl.Schema, int]]) -> None:
    """One table has one list of columns, each of one type."""
    first, schema, before = heads[0]
    for path, other, n_rows in heads[1:]:
        if other != schema:
            names = [n for n in {**schema, **other} if schema.get(n) != other.get(n)]
            what = (
                f"its columns are in another order than those of {first.name}"
                if not names
                else f"column {names[0]!r} is {other.get(names[0], 'not there')}, in {first.name}"
                f" it is {schema.get(names[0], 'not there')}"
            )
            raise DataError(
                what,
                where=f"{path}, behind row {before} of the table",
                fix="write all files with the same columns and types",
            )
        before += n_rows
