"""Atoms: exact values repeated far too often for a density (many zeros, a cap at 5.00001)."""

import numpy as np

MOST_ATOMS = 8
DISTINCT_WITHOUT_ATOMS = 50
"""A lattice with at most this many values in use is fine enough described by its cells."""


def find_atoms(values: np.ndarray, step: float | None) -> tuple[float, ...]:
    """The atoms of a column, in increasing order, at most `MOST_ATOMS`.

    A value is one when it occurs at least 5 times and in at least 1 % of the rows (10 times and 5 % on a lattice, whose cells
    could hold it too), and 5 times as often as each of the two values on either side.

    Args:
        values: observed training values.
        step: lattice width, None for a density.
    """
    distinct, counts = np.unique(values, return_counts=True)
    if step is not None and len(distinct) <= DISTINCT_WITHOUT_ATOMS:
        return ()
    least = max(5, 0.01 * len(values)) if step is None else max(10, 0.05 * len(values))
    padded = np.pad(counts, 2)
    neighbours = np.max([padded[:-4], padded[1:-3], padded[3:-1], padded[4:]], axis=0)
    found = np.flatnonzero((counts >= least) & (counts >= 5 * neighbours))
    found = found[np.argsort(-counts[found], kind="stable")][:MOST_ATOMS]
    return tuple(sorted(float(value) for value in distinct[found]))
