"""Atoms: exact values repeated too often for a smooth density (many zeros, a cap at 5.00001, the
doses of a design).
"""

import numpy as np

from quasistatic.data.columns.transform import fit_transform, log_cell_mass

MOST_ATOMS_OF_A_DENSITY = 8
MOST_ATOMS_OF_A_LATTICE = 200
THRESHOLDS = (100, 50, 20, 10, 7, 4)
LEAST_GAIN = 0.15
"""Nats per row that atoms on a lattice must earn: an atom no longer knows that it lies between its
neighbours."""
CLEAR_GAIN = 1.0
"""Nats per row that leave no doubt; what lies between is tried with the model where the table is
small (see `alternatives`)."""


def find_atoms(values: np.ndarray, step: float | None) -> tuple[float, ...]:
    """The atoms of a column, in increasing order.

    Args:
        values: observed training values.
        step: lattice width, in the units of the values; None for a density.
    """
    distinct, counts = np.unique(values, return_counts=True)
    found = _of_density(distinct, counts) if step is None else _of_lattice(distinct, counts, step)
    return tuple(float(value) for value in distinct[found])


def _of_density(distinct: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Values that occur at least 5 times, in 1 % of the rows, and 5 times as often as the two
    values on either side.
    """
    padded = np.pad(counts, 2)
    neighbours = np.max([padded[:-4], padded[1:-3], padded[3:-1], padded[4:]], axis=0)
    found = np.flatnonzero((counts >= max(5, 0.01 * counts.sum())) & (counts >= 5 * neighbours))
    return np.sort(found[np.argsort(-counts[found], kind="stable")][:MOST_ATOMS_OF_A_DENSITY])


def _of_lattice(distinct: np.ndarray, counts: np.ndarray, step: float) -> np.ndarray:
    """The most frequent values, as many as predict a left-out row best, if they beat no atoms by
    `LEAST_GAIN` a row.
    """
    gain, threshold = _best_threshold(distinct, counts, step)
    return np.flatnonzero(counts > threshold) if gain >= LEAST_GAIN else np.zeros(0, dtype=int)


def gain_of_atoms(values: np.ndarray, step: float) -> float:
    """What the best atoms of a column on a lattice earn by its own distribution, nats per row; see
    `find_atoms`.
    """
    return _best_threshold(*np.unique(values, return_counts=True), step)[0]


def _best_threshold(distinct: np.ndarray, counts: np.ndarray, step: float) -> tuple[float, int]:
    """The gain of atoms, nats per row, and the count above which a value is one.

    With a threshold c, a left-out row of value v has the probability (n_v - 1/2) / (N + m/2) when v
    is an atom of the others, which means that it occurs more than c times among them, and that of
    no atom times the smooth mass of its cell otherwise; m counts the states. The threshold with the
    highest sum of logarithms is taken.
    """
    n = int(counts.sum())
    position = np.rint((distinct - distinct[0]) / step)
    smooth = fit_transform(np.repeat(position, counts), 1.0, "spline")
    log_mass = log_cell_mass(smooth, position)

    def left_out(threshold: int) -> float:
        atom = counts > threshold
        if np.count_nonzero(atom) > MOST_ATOMS_OF_A_LATTICE:
            return -np.inf
        total = n + 0.5 * (np.count_nonzero(atom) + 1)
        still = counts > threshold + 1  # an atom of the other rows, too
        n_none = np.sum(counts[~atom]) + np.where(atom, threshold, -1)  # of the other rows
        none = np.log(n_none + 0.5) + log_mass
        return float(np.sum(counts * (np.where(still, np.log(counts - 0.5), none) - np.log(total))))

    without = float(np.sum(counts * log_mass))
    gains = [(left_out(threshold) - without) / n for threshold in THRESHOLDS]
    best = int(np.argmax(gains))
    return gains[best], THRESHOLDS[best]
