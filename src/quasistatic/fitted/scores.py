r"""The scores of outlier detection: one function each, and a line in `SCORES`. Higher is more
usual, nats.

| score | of a row x | what it finds |
|---|---|---|
| "bound" | K, a lower bound on log p(x) | rows of low density; the fastest |
| "ais" | the importance-weighted bound, tighter | the same, with less noise |
| "conditional" | -max_j s_j | one odd cell among many usual ones |
| "typicality" | -abs(log p(x) - E log p) | rows too likely as well as too unlikely |

Here s_j is the surprise of log p(x_j given the others) (`columns`), and E is taken over rows of the
model. A row with holes is scored by the cells that are there. Its "bound" and "ais" are then log p
of fewer cells, as a rule higher than that of a whole row; "conditional" takes the worst of the
cells there are, and in "typicality" E is that of generated rows with the same holes.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl

from quasistatic.data.table import Table
from quasistatic.errors import SettingError
from quasistatic.fitted.columns import Conditionals, Tails, column_log_probs
from quasistatic.fitted.likelihood import log_likelihood
from quasistatic.fitted.model import Fitted
from quasistatic.fitted.sampling import sample

__all__ = ["REFERENCE_ROWS", "SCORES", "Basis", "check_score", "worst"]

REFERENCE_ROWS = 256
"""Rows that say what is usual."""


class Basis(NamedTuple):
    """What all scores of a detector stand on.

    Args:
        fitted: model and codec.
        seed: seed of the noise.
        particles: number of particles of a conditional's evidences.
        steps: length of the best sub-schedule that a conditional walks; None: see
            `columns.column_log_probs`.
    """

    fitted: Fitted
    seed: int
    particles: int
    steps: int | None

    def conditionals(self, table: Table) -> Conditionals:
        """log p(x_j | x_-j) of every cell."""
        T = self.fitted.model.trajectory_length
        steps = None if self.steps is None else min(self.steps, T)
        key = self.fitted.key(self.seed)
        return column_log_probs(self.fitted, table, self.particles, steps, key=key)

    def log_likelihood(self, table: Table, method: str) -> np.ndarray:
        """log p of the observed cells of every row `[N]`, nats; 0 of a row without any."""
        names = list(self.fitted.schema.names)
        some = np.flatnonzero(
            table.frame.select(pl.any_horizontal(pl.col(names).is_not_null()))
            .to_series()
            .to_numpy()
        )
        found = np.zeros(len(table))
        if len(some):
            taken = table if len(some) == len(table) else table.take(some)
            key = self.fitted.key(self.seed)
            found[some] = log_likelihood(self.fitted, taken, method, key=key).lower
        return found

    def generated(self) -> Table:
        """Rows that the model draws."""
        return sample(self.fitted, REFERENCE_ROWS, key=self.fitted.key(self.seed))


def _bound(basis: Basis, table: Table, tails: Callable[[], Tails]) -> np.ndarray:
    return basis.log_likelihood(table, "bound")


def _ais(basis: Basis, table: Table, tails: Callable[[], Tails]) -> np.ndarray:
    return basis.log_likelihood(table, "ais")


def _conditional(basis: Basis, table: Table, tails: Callable[[], Tails]) -> np.ndarray:
    return -worst(tails().surprise(basis.conditionals(table).log_p))


def _typicality(basis: Basis, table: Table, tails: Callable[[], Tails]) -> np.ndarray:
    names = list(basis.fitted.schema.names)
    holes = table.frame.select(pl.col(names).is_null()).to_numpy()
    patterns, pattern = np.unique(holes, axis=0, return_inverse=True)
    generated = basis.generated()
    size = REFERENCE_ROWS if len(patterns) == 1 else REFERENCE_ROWS // 4
    frames = [
        generated.frame.head(size).with_columns(_hidden(names, hidden)) for hidden in patterns
    ]
    reference = basis.log_likelihood(Table(pl.concat(frames), generated.source), "ais")
    expected = reference.reshape(len(patterns), size).mean(axis=1)
    return -np.abs(basis.log_likelihood(table, "ais") - expected[pattern.reshape(-1)])


def _hidden(names: list[str], hidden: np.ndarray) -> list[pl.Expr]:
    return [
        pl.when(pl.lit(False)).then(pl.col(n)).alias(n)
        for n, hole in zip(names, hidden, strict=True)
        if hole
    ]


SCORES: dict[str, Callable[[Basis, Table, Callable[[], Tails]], np.ndarray]] = {
    "bound": _bound,
    "ais": _ais,
    "conditional": _conditional,
    "typicality": _typicality,
}


def worst(surprise: np.ndarray) -> np.ndarray:
    """The largest surprise of every row `[N]`, 0 of a row without a cell."""
    return np.max(np.nan_to_num(surprise, nan=0.0), axis=1)


def check_score(method: str) -> None:
    """Refuse a score that is none.

    Args:
        method: name of the score.

    Raises:
        SettingError: naming those there are.
    """
    if method not in SCORES:
        raise SettingError(f"method = {method!r} is none of {', '.join(SCORES)}")
