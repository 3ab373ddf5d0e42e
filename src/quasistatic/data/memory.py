"""Refusing, before work begins, what cannot fit into memory."""

import os
from pathlib import Path

from quasistatic.data.schema import Schema
from quasistatic.errors import DataError

__all__ = ["available_bytes", "check_size", "estimate_bytes", "require_bytes"]


_WIDTH, _BATCH, _COPIES = (
    256,
    512,
    5,
)  # of a default network; parameters, gradient, two moments and their average


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


def require_bytes(needed: int, *, where: str) -> None:
    """Refuse an array that needs more memory than there is, before it is read.

    Raises:
        DataError: with both figures in GiB.
    """
    available = available_bytes()
    if needed > available:
        raise DataError(
            f"its numbers take {needed / 2**30:.1f} GiB of memory, {available / 2**30:.1f} GiB are"
            " available",
            where=where,
            fix="give a smaller file, or fewer or smaller images",
        )
