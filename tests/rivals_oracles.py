"""Enumeration, by NumPy alone: what every method is held against."""

import jax
import numpy as np

from quasistatic.rivals.exact import states


def enumerated(energy):
    """All states `[2^D, D]`, their probabilities, and log Z; every weight is summed on its own."""
    rows = states(energy.sites)
    log_weights = np.array([energy.log_weight(x) for x in rows], np.float64)
    log_z = np.logaddexp.reduce(log_weights)
    return rows, np.exp(log_weights - log_z), log_z


def flat(tree):
    """The arrays of an energy, one after the other."""
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])


def moved(tree, direction, length):
    """The parameters a little further along a direction, for finite differences."""
    return jax.tree.map(lambda x, d: x + length * d, tree, direction)


def counts_fit(rows, all_rows, p):
    """Chi-square of rows against probabilities of all states, in standard deviations."""
    number = {tuple(row): n for n, row in enumerate(all_rows.tolist())}
    counts = np.bincount(
        [number[tuple(row)] for row in np.asarray(rows).tolist()], minlength=len(p)
    )
    expected = len(rows) * p
    kept = expected > 5
    chi = np.sum((counts - expected)[kept] ** 2 / expected[kept])
    return (chi - kept.sum()) / np.sqrt(2 * kept.sum())
