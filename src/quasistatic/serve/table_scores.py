"""How unusual the rows of the table are: computed a few rows at a time, by whoever asks first, and
kept.
"""

from collections.abc import Iterator

import numpy as np

from quasistatic.data.table import Table
from quasistatic.fitted.columns import PARTICLES, column_log_probs
from quasistatic.fitted.likelihood import log_likelihood
from quasistatic.fitted.model import Fitted

__all__ = ["TableScores"]

_SCORED_AT_ONCE, _JUDGED_AT_ONCE = 64, 4
_TRAJECTORIES = 64


class TableScores:
    """log p of every row of a table, and of every cell given the others, as far as they are known.

    Args:
        fitted: model and codec.
        table: table of N rows.
        seed: seed of the noise (default 0).
    """

    def __init__(self, fitted: Fitted, table: Table, seed: int = 0) -> None:
        self._fitted, self.table, self._seed = fitted, table, seed
        self.names = fitted.codec.schema.names
        self.log_p = np.full(len(table), np.nan)
        self.cells = np.full((len(table), len(self.names)), np.nan)
        self.judged = np.zeros(len(table), bool)
        self.whole = fitted.whole_rows(table)

    def score(self, index: np.ndarray) -> Iterator[None]:
        """Make log p of some rows known, step by step."""
        left = index[np.isnan(self.log_p[index])]
        for begin in range(0, len(left), _SCORED_AT_ONCE):
            some = left[begin : begin + _SCORED_AT_ONCE]
            key = self._fitted.key(self._seed)
            part = self.table.take(some)
            self.log_p[some] = log_likelihood(
                self._fitted, part, "ais", _TRAJECTORIES, key=key
            ).lower
            yield

    def judge(self, index: np.ndarray) -> Iterator[None]:
        """Make log p of the cells of some rows known, step by step."""
        left = index[~self.judged[index]]
        for begin in range(0, len(left), _JUDGED_AT_ONCE):
            some = left[begin : begin + _JUDGED_AT_ONCE]
            key = self._fitted.key(self._seed)
            found = column_log_probs(self._fitted, self.table.take(some), PARTICLES, key=key)
            self.cells[some], self.judged[some] = found.log_p, True
            yield
