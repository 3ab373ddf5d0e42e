r"""The scores of outlier detection: one function each, and a line in `SCORES`. Higher is more
usual, nats.

| score | of a row x | what it finds |
|---|---|---|
| "bound" | K, a lower bound on log p(x) | rows of low density; the fastest |
| "ais" | the importance-weighted bound, tighter | the same, with less noise |
| "conditional" | -max_j s_j, s_j the surprise of log p(x_j given the others) (`surprise`) | one odd cell among many usual ones |
| "typicality" | -abs(log p(x) - E log p) over rows of the model | rows too likely as well as too unlikely |

A row with holes is scored by the cells that are there. Its "bound" and "ais" are then log p of
fewer cells, as a rule higher than that of a whole row; "conditional" takes the worst of the cells
there are, and in "typicality" E is that of generated rows with the same holes.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl

from quasistatic.data.table import Table
from quasistatic.errors import SettingError
from quasistatic.estimator.conditionals import Conditionals, column_log_probs
from quasistatic.estimator.density import DiffusionDensity
from quasistatic.estimator.surprise import Tails

REFERENCE_ROWS = 256
"""Rows that say what is usual."""


class Basis(NamedTuple):
    """What all scores of a detector stand on.

    Args:
        density: fitted.
        seed: of the noise.
        particles: of a conditional.
        steps: of a conditional's walk; None: as many as `column_log_probs` takes by itself.
    """

    density: DiffusionDensity
    seed: int
    particles: int
    steps: int | None

    def conditionals(self, table: Table) -> Conditionals:
        """log p(x_j | x_-j) of every cell."""
        model, codec = self.density.model_, self.density._fitted.codec
        key = self.density._key(self.seed)
        return column_log_probs(
            model, codec, table, key=key, particles=self.particles, steps=self.steps
        )

    def log_likelihood(self, table: Table, method: str) -> np.ndarray:
        """log p of the observed cells of every row `[N]`, nats; 0 of a row without any."""
        names = list(self.density.schema_.names)
        some = np.flatnonzero(
            table.frame.select(pl.any_horizontal(pl.col(names).is_not_null()))
            .to_series()
            .to_numpy()
        )
        found = np.zeros(len(table))
        if len(some):
            taken = table if len(some) == len(table) else table.take(some)
            found[some] = self.density.log_likelihood(taken, method, random_state=self.seed).lower  # type: ignore[arg-type]
        return found

    def generated(self) -> Table:
        """Rows that the model draws."""
        return Table(
            self.density.sample_table(REFERENCE_ROWS, random_state=self.seed), "generated rows"
        )


def _bound(basis: Basis, table: Table, tails: Callable[[], Tails]) -> np.ndarray:
    return basis.log_likelihood(table, "bound")


def _ais(basis: Basis, table: Table, tails: Callable[[], Tails]) -> np.ndarray:
    return basis.log_likelihood(table, "ais")


def _conditional(basis: Basis, table: Table, tails: Callable[[], Tails]) -> np.ndarray:
    return -worst(tails().surprise(basis.conditionals(table).log_p))


def _typicality(basis: Basis, table: Table, tails: Callable[[], Tails]) -> np.ndarray:
    names = list(basis.density.schema_.names)
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

    Raises:
        SettingError: naming those there are.
    """
    if method not in SCORES:
        raise SettingError(f"method = {method!r} is none of {', '.join(SCORES)}")
