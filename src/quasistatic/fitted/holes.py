"""The holes of synthetic rows: patterns of missing cells as in the fitted table.

They are drawn given the cells of their row where held-out rows of the fitted table are likelier so
(`flags`), else as often as the table has them; and they are no part of log p.
"""

from collections import Counter
from typing import Any

import jax
import numpy as np
import polars as pl

from quasistatic.data.disk.table import AnyTable
from quasistatic.data.table import Table
from quasistatic.errors import SettingError
from quasistatic.fitted.flags import draw_flags
from quasistatic.fitted.model import Fitted
from quasistatic.typing import Key

__all__ = ["patterns_of", "with_holes"]

_MOST = 10_000
"""Different patterns that are kept, the most frequent ones."""


def patterns_of(table: AnyTable, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """The patterns of missing cells of a table, in JSON types: names of the missing columns, and
    how many rows have just these; none for a table without holes.

    Args:
        table: table of the training rows.
        names: names of the columns.
    """
    found: Counter[tuple[bool, ...]] = Counter()
    for piece in table.pieces():
        holes = piece.frame.select(pl.col(list(names)).is_null()).to_numpy()
        holed = holes[holes.any(axis=1)]
        found[(False,) * len(names)] += len(holes) - len(holed)
        patterns, counts = np.unique(holed, axis=0, return_counts=True)
        found.update(dict(zip(map(tuple, patterns.tolist()), counts.tolist(), strict=True)))
    if not any(map(any, found)):
        return []
    patterns = sorted(pattern for pattern, count in found.items() if count)
    counts = np.array([found[pattern] for pattern in patterns])
    order = np.argsort(-counts, kind="stable")[:_MOST]
    return [
        {"columns": [n for n, hole in zip(names, patterns[i], strict=True) if hole],
         "rows": int(counts[i])}
        for i in order
    ]  # fmt: skip


def with_holes(fitted: Fitted, table: Table, *, key: Key, first: int = 0) -> Table:
    """Rows with patterns of missing cells as the fitted table has them.

    Args:
        fitted: fitted model, with the patterns of its table.
        table: whole rows of the model.
        key: random key of the patterns.
        first: number of the first row (default 0): each piece of a table has draws of its own.

    Raises:
        SettingError: a model whose folder does not tell the patterns.
    """
    if "missing" not in fitted.record:
        raise SettingError(
            "the model does not know which cells of its table were missing",
            fix="fit again: folders of earlier versions do not tell",
        )
    patterns = fitted.record["missing"]
    if not patterns:
        return table
    given = fitted.record.get("missing_given")
    if given is not None:
        return _without(table, draw_flags(given, table.frame, _generator(key, first)))
    counts = np.asarray([item["rows"] for item in patterns], np.float64)
    which = _generator(key, first).choice(len(patterns), len(table), p=counts / counts.sum())
    gone = {name for item in patterns for name in item["columns"]}
    return _without(
        table,
        {name: np.asarray([name in item["columns"] for item in patterns])[which] for name in gone},
    )


def _generator(key: Key, first: int) -> np.random.Generator:
    return np.random.default_rng(
        [*np.asarray(jax.random.key_data(key)), *([first] if first else [])]
    )


def _without(table: Table, holes: dict[str, np.ndarray]) -> Table:
    """The table without some cells, bool `[N]` by column."""
    frame = table.frame.with_columns(
        pl.when(pl.Series(~holes[name])).then(pl.col(name)).alias(name)
        for name in table.names
        if name in holes
    )
    return table.with_values(frame)
