"""Which rows are held out, to decide between what is tried."""

from typing import NamedTuple

import numpy as np

from quasistatic.data.rows import split_validation
from quasistatic.fitting import _defaults as defaults


class Folds(NamedTuple):
    """Parts of the rows, each of which is held out in turn.

    Args:
        held_out: row numbers of each part, equally many (one shape to compile for).
        rests: row numbers of what is trained on where a part is held out, in the same order.
    """

    held_out: list[np.ndarray]
    rests: list[np.ndarray]

    @classmethod
    def of(cls, n_rows: int, seed: int) -> "Folds":
        """Random parts, `defaults.FOLDS` of them where there are as many rows."""
        n_folds = min(defaults.FOLDS, n_rows)
        order = np.random.default_rng(seed).permutation(n_rows)
        size = n_rows // n_folds
        held_out = [np.sort(order[i * size : (i + 1) * size]) for i in range(n_folds)]
        return cls(held_out, [np.setdiff1d(np.arange(n_rows), fold) for fold in held_out])

    @classmethod
    def once(cls, n_rows: int, fraction: float, seed: int) -> "Folds":
        """One part alone is held out: a fraction of the rows, as many as an evaluation takes at
        most.
        """
        n_valid = defaults.validation_rows(n_rows, fraction)
        rest, held_out = split_validation(n_rows, n_valid / n_rows, seed)
        return cls([held_out], [rest])

    def first(self, n_rows: int) -> "Folds":
        """The first of the parts, as many as hold so many rows, if there are as many."""
        held = np.cumsum([len(part) for part in self.held_out])
        n = int(np.searchsorted(held, n_rows)) + 1
        return Folds(self.held_out[:n], self.rests[:n])

    @property
    def words(self) -> str:
        """How the rows were held out, for the record."""
        n_folds, n_held_out = len(self.rests), sum(map(len, self.held_out))
        if n_folds == 1:
            return f"{n_held_out} rows, not trained on"
        if n_held_out > len(self.rests[0]):  # all but a rest
            return f"{n_folds}-fold cross-validation"
        return f"{n_held_out} rows, in {n_folds} parts"
