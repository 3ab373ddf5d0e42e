"""Constraints that hold in every row of a table that is not held in memory."""

from dataclasses import replace

import numpy as np

from quasistatic.data.constraints.found import find_constraints
from quasistatic.data.constraints.ties import Ties
from quasistatic.data.constraints.violations import violations
from quasistatic.data.disk.table import DiskTable
from quasistatic.data.schema import Schema

__all__ = ["find_constraints_on_disk"]

_MOST_ROWS = 2**17
"""Rows among which constraints are looked for; all rows decide."""


def find_constraints_on_disk(table: DiskTable, schema: Schema) -> list[str]:
    """What `find_constraints` finds among 2^17 rows, evenly spaced, and no other row contradicts.

    A dependency is given up where another row has a pair that the 2^17 have not.

    Args:
        table: table on the disk.
        schema: schema of its columns.
    """
    n = len(table)
    chosen = np.rint(np.linspace(0, n - 1, min(n, _MOST_ROWS))).astype(np.int64)
    some = table.take(chosen).held()
    found = find_constraints(some, schema)
    if n <= _MOST_ROWS or not found:
        return found
    held = {text: Ties.of(replace(schema, constraints=(text,)), some) for text in found}
    for piece in table.pieces():
        held = {text: ties for text, ties in held.items() if not violations(ties, piece).any()}
    return list(held)
