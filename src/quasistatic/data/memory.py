"""Refusing, before work begins, what cannot fit into memory."""

import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import numpy as np
import polars as pl

from quasistatic.data.schema import Schema
from quasistatic.errors import DataError

__all__ = [
    "MOST_UNPACKED",
    "available_bytes",
    "bytes_of_row",
    "check_size",
    "declared_bytes",
    "estimate_bytes",
    "refuse_bomb",
    "require_bytes",
    "require_rows",
]


_WIDTH, _BATCH, _COPIES = (
    256,
    512,
    5,
)  # of a default network; parameters, gradient, two moments and their average
MOST_UNPACKED = 2**25
"""Bytes that any packed file may unpack to."""
_DENSEST = 100
_DRAWN = 12
"""Bytes of a cell that is drawn, at the least: in the model's units and in the table's."""
_BYTES = {
    pl.Null: 0,
    pl.Boolean: 1 / 8,
    **dict.fromkeys((pl.Int8, pl.UInt8), 1),
    **dict.fromkeys((pl.Int16, pl.UInt16), 2),
    **dict.fromkeys((pl.Int32, pl.UInt32, pl.Float32, pl.Date, pl.Categorical, pl.Enum), 4),
    **dict.fromkeys((pl.String, pl.Binary, pl.Decimal, pl.Int128), 16),
}
"""Bytes of a cell; a text holds so many where it is short, and else lies elsewhere. 8 of others."""


def estimate_bytes(schema: Schema, n_rows: int) -> int:
    """A rough lower estimate of the memory that training needs: encoded rows, first and last layer,
    one batch.
    """
    continuous = [c for c in schema.columns if not c.is_discrete]
    states = [len(c.categories) for c in schema.columns if c.is_discrete] + [
        1 + len(c.atoms) for c in continuous if c.atoms
    ]
    width = len(continuous) + sum(states)
    rows = n_rows * (10 * len(continuous) + 5 * len(states) + 8)
    return 2 * rows + 4 * width * (2 * _WIDTH * _COPIES + 4 * _BATCH)


def available_bytes() -> int:
    """Memory that can still be had, by /proc/meminfo or else the machine's physical memory."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def check_size(schema: Schema, n_rows: int, available: int | None = None) -> None:
    """Refuse a table that needs more memory than there is.

    Raises:
        DataError: with both figures in GiB, and the columns that cost most.
    """
    needed = estimate_bytes(schema, n_rows)
    available = available_bytes() if available is None else available
    if needed <= available:
        return
    widest = sorted(schema.columns, key=lambda c: -len(c.categories))[:3]
    names = ", ".join(f"{c.name!r} ({max(len(c.categories), 1)})" for c in widest)
    raise DataError(
        f"{n_rows} rows of {len(schema.columns)} columns need about {needed / 2**30:.1f} GiB of"
        f" memory, {available / 2**30:.1f} GiB are available; most states: {names}",
        fix=(
            'leave columns out (kind "ignore" in a --schema file), merge rare categories, or fit on'
            " fewer rows"
        ),
    )


def require_bytes(
    needed: int, *, where: str, fix: str = "give a smaller file, or fewer or smaller images"
) -> None:
    """Refuse what needs more memory than there is, before any of it is taken.

    Args:
        needed: bytes that it takes, at the least.
        where: name of what asks for them, for the message.
        fix: what to do about it (default: a smaller file).

    Raises:
        DataError: with both figures in GiB.
    """
    available = available_bytes()
    if needed > available:
        raise DataError(
            f"its numbers take {needed / 2**30:.1f} GiB of memory, {available / 2**30:.1f} GiB are"
            " available",
            where=where,
            fix=fix,
        )


def refuse_bomb(path: Path, unpacked: int) -> None:
    """Refuse a packed file that is made to fill memory: large, and packed as no table is.

    Args:
        path: path of the file.
        unpacked: bytes that it unpacks to.

    Raises:
        DataError: more than 32 MiB, and more than 100 times its size; with both figures.
    """
    packed = path.stat().st_size
    if unpacked > max(MOST_UNPACKED, _DENSEST * packed):
        raise DataError(
            f"its {packed / 2**20:.1f} MiB unpack to {unpacked / 2**20:.0f} MiB, more"
            f" than {_DENSEST} times as much",
            where=str(path),
            fix="unpack it, if you know that it is meant so, and give what was in it",
        )


def require_rows(n_rows: int, n_columns: int) -> None:
    """Refuse to draw more rows than there is memory for.

    Args:
        n_rows: number of rows.
        n_columns: number of columns.

    Raises:
        DataError: with both figures in GiB.
    """
    needed = _DRAWN * n_rows * n_columns
    require_bytes(needed, where=f"{n_rows} rows", fix="draw fewer rows at a time")


def bytes_of_row(dtypes: Iterable[pl.DataType]) -> float:
    """Bytes of a row of a frame in memory, at the least: what a file of it unpacks to.

    Args:
        dtypes: types of the columns.

    Example:
        >>> bytes_of_row([pl.Float64(), pl.String(), pl.Boolean()])
        24.125
    """
    return float(sum(_bytes_of_cell(dtype) for dtype in dtypes))


def _bytes_of_cell(dtype: Any) -> float:
    if isinstance(dtype, pl.Array):
        return dtype.size * _bytes_of_cell(dtype.inner)
    if isinstance(dtype, pl.Struct):
        return sum(_bytes_of_cell(field.dtype) for field in dtype.fields)
    return _BYTES.get(dtype.base_type(), 8)


def declared_bytes(file: IO[bytes]) -> int:
    """Bytes of the array that the head of a NPY file declares; the file is read on behind it.

    Args:
        file: file at its begin.

    Raises:
        ValueError: no such head.
    """
    version = np.lib.format.read_magic(file)
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = read(file)
    return math.prod(shape) * dtype.itemsize
