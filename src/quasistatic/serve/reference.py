"""What is usual for the model: rows that it draws, their log-likelihoods and those of their cells.

It is computed in steps, between questions, when a service has started; until then answers leave out
what needs it.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from quasistatic.data.layout import are_images
from quasistatic.data.table import Table
from quasistatic.fitted.columns import PARTICLES, Conditionals, Tails, column_log_probs
from quasistatic.fitted.likelihood import log_likelihood
from quasistatic.fitted.ranks import Ranks, ranks_among
from quasistatic.fitted.sampling import sample
from quasistatic.fitted.scores import REFERENCE_ROWS
from quasistatic.serve.marginal import MarginalRanks
from quasistatic.serve.subject import Subject
from quasistatic.serve.table_scores import TableScores

__all__ = ["MOST_COLUMNS", "Reference"]

MOST_COLUMNS = 64
"""Columns above which cells are not judged one by one: that takes an evidence for each of them."""
_TRAJECTORIES = 64
_ARRANGED = 64, 16
"""Rows of images or sequences, and trajectories of each: a network of images takes long."""
_AT_ONCE = 4
"""Rows of a step: a question waits for so many."""


class Reference:
    """What is usual, as far as it is known by now.

    Args:
        subject: model and table.
        seed: seed of the rows (default 0).
    """

    def __init__(self, subject: Subject, seed: int = 0) -> None:
        self.subject, self._seed = subject, seed
        self.table: Table | None = None
        self.log_p: np.ndarray | None = None
        self.tails: Tails | None = None
        self.marginal = MarginalRanks(subject.fitted, seed)
        self.done = 0.0
        arranged = subject.schema.layout is not None
        self.rows, self.trajectories = _ARRANGED if arranged else (REFERENCE_ROWS, _TRAJECTORIES)
        self.scores = None if subject.table is None else TableScores(subject.fitted, subject.table)

    @property
    def judges_cells(self) -> bool:
        """Whether there are few enough columns to judge cells one by one; not of images."""
        few = len(self.subject.schema.columns) <= MOST_COLUMNS
        return few and not are_images(self.subject.schema.layout)

    def made(self) -> Iterator[None]:
        """Make it, step by step."""
        fitted = self.subject.fitted
        key = fitted.key(self._seed)
        self.table = sample(fitted, self.rows, key=key)
        yield
        parts = []
        for index in self._chunks(64 if self.judges_cells else _AT_ONCE):
            some = self.table.take(index)
            parts.append(log_likelihood(fitted, some, "ais", self.trajectories, key=key).lower)
            yield
        self.log_p = np.concatenate(parts)
        if not self.judges_cells:
            self.done = 1.0
            return
        cells: list[np.ndarray] = []
        for index in self._chunks(_AT_ONCE):
            cells.append(self.conditionals(self.table.take(index), PARTICLES).log_p)
            self.done = 0.99 * sum(map(len, cells)) / self.rows
            yield
        self.tails = Tails.of(np.concatenate(cells))
        self.done = 1.0

    def conditionals(self, table: Table, particles: int) -> Conditionals:
        """log p of every cell given the others of its row; always with the seed of the reference,
        so that a cell is compared with the like.

        Args:
            table: rows of the model.
            particles: number of particles of each evidence.
        """
        fitted = self.subject.fitted
        return column_log_probs(fitted, table, particles, key=fitted.key(self._seed))

    def ranks(self, log_p: np.ndarray) -> Ranks | None:
        """Shares of the model's rows that are less likely; None as long as it is not known.

        Args:
            log_p: log-likelihoods of whole rows, nats `[N]`.
        """
        return None if self.log_p is None else ranks_among(log_p, self.log_p)

    def _chunks(self, size: int) -> Iterator[np.ndarray]:
        for begin in range(0, self.rows, size):
            yield np.arange(begin, min(begin + size, self.rows))

    def surprises(self, log_p: np.ndarray) -> np.ndarray | None:
        """Surprises of cells, nats `[N, C]`; None as long as what is usual is not known.

        Args:
            log_p: log p of the cells given the others of their row, nats `[N, C]`.
        """
        return None if self.tails is None else self.tails.surprise(log_p)

    def state(self) -> dict[str, Any]:
        """How far it is, for `/healthz`."""
        return {"calibrated": round(self.done, 3)}
