r"""The ledger: where along the trajectory the nats of K are lost.

    -K = sum_{t=1..T} cost_t + cost_prior,

    cost_t = E KL(q(x_{t-1}|x_t,x_0) || p(x_{t-1}|x_t)) for t >= 2,
    cost_1 = -E log p(x_0|x_1) - filler,
    cost_prior = KL(q(x_T|x_0) || pi).

Entries are means over the rows of a table, float64; K is by definition minus the sum of the
entries, and with the key of `bound.evaluate_terms` it is that function's mean. `work` are the mean
increments of -log w on trajectories: other draws of the same numbers (E g_t = -cost_t), whose
spread is what dissipates. `dissipation` says how much of each cost more trajectories would give
back.
"""

from typing import NamedTuple

import jax
import numpy as np

from quasistatic.bound.terms import bound_costs
from quasistatic.model import DiffusionModel
from quasistatic.rows import CHUNK, Row, iterate_rows, row_checksums
from quasistatic.thermodynamics._dissipation import dissipation_shares
from quasistatic.thermodynamics.corridor import Corridor, is_continuous, row_corridor
from quasistatic.trajectory import increments
from quasistatic.typing import Key

__all__ = ["Entries", "Ledger", "ledger"]


class Entries(NamedTuple):
    """One column of the ledger: `[T + 1]`, steps t = 1..T and then the prior, nats a row.

    Args:
        mean: mean over rows and draws, `[T + 1]` nats a row.
        stderr: standard error of `mean`, `[T + 1]` nats a row, from the spread over the rows, which
            contains the Monte Carlo noise; of equal rows, which share theirs, from the spread over
            the draws too (not for the dissipation, one number for all draws of a row). NaN for one
            row.
        total: mean over rows and draws of the whole trajectory's sum, nats a row.
        total_stderr: standard error of `total`, nats a row.
    """

    mean: np.ndarray
    stderr: np.ndarray
    total: float
    total_stderr: float


class Ledger(NamedTuple):
    """What each step costs.

    Args:
        cost: terms of -K, nats a row.
        work: increments of -log w, nats a row.
        dissipation: shares of log p - K, nats a row.
        corridor: entropies and signal, `[T, B]` NumPy, means over the rows.
        continuous: which blocks are continuous, bool `[B]`.
        n_rows: number of rows of the table.
        trajectories: number of trajectories a row behind `work` and `dissipation`.
    """

    cost: Entries
    work: Entries
    dissipation: Entries
    corridor: Corridor
    continuous: np.ndarray
    n_rows: int
    trajectories: int

    @property
    def k_nats(self) -> float:
        """K, nats a row: minus the sum of the costs."""
        return -self.cost.total

    @property
    def log_p_nats(self) -> float:
        """log p as far as the trajectories tell, nats a row: K plus the dissipation."""
        return self.k_nats + self.dissipation.total


def ledger(
    model: DiffusionModel,
    rows: Row,
    *,
    key: Key,
    repetitions: int = 2,
    trajectories: int = 16,
    chunk: int = CHUNK,
) -> Ledger:
    """The ledger of a table; memory does not grow with its rows.

    Args:
        model: model p whose steps are accounted for.
        rows: table of N rows, blocks [N, D], at least one row.
        key: random key of the whole table.
        repetitions: number of draws of a row, of the costs and of the corridor (default 2).
        trajectories: number of forward trajectories of a row, at least 2 (default 16).
        chunk: number of trajectories held at once, at most (default 1024).
    """
    if trajectories < 2:
        raise ValueError(f"trajectories = {trajectories} must be at least 2: one does not vary")
    _, which, counts = np.unique(row_checksums(rows), return_inverse=True, return_counts=True)
    cost, work, shares = (_Sums(counts[which]) for _ in range(3))
    for draws in iterate_rows(bound_costs, model, rows, repetitions, key=key, chunk=chunk):
        cost.add(draws)
    for draws in iterate_rows(increments, model, rows, trajectories, key=key, chunk=chunk):
        work.add(-draws)
        shares.add(dissipation_shares(draws)[:, None])
    corridor = None
    for draws in iterate_rows(row_corridor, model, rows, repetitions, key=key, chunk=chunk):
        part = jax.tree.map(lambda x: x.mean(axis=1).sum(axis=0), draws)
        corridor = part if corridor is None else jax.tree.map(np.add, corridor, part)
    if corridor is None:
        raise ValueError("a ledger needs at least one row")
    means = Corridor(*(x / cost.n for x in corridor))
    return Ledger(
        cost.entries(),
        work.entries(),
        shares.entries(),
        means,
        is_continuous(model),
        cost.n,
        trajectories,
    )


class _Sums:
    """Means and standard errors of `[n, draws, T + 1]` arrays that arrive in parts, and of their
    sums over the steps.

    Args:
        copies: number of rows of the table that equal each of its rows, itself included, `[N]`: c
            of them, whose draws are the same, leave c (c - 1) Var(mean of the draws) / N^2 more in
            the variance of the mean than the spread over the rows says.
    """

    def __init__(self, copies: np.ndarray) -> None:
        self.n, self._sum, self._squares = 0, np.zeros(1), np.zeros(1)
        self._copies, self._shared = copies, np.zeros(1)

    def add(self, draws: np.ndarray) -> None:
        draws = np.append(draws, draws.sum(axis=2, keepdims=True), axis=2)
        n, values = draws.shape[1], draws.mean(axis=1)
        if n > 1:
            others = self._copies[self.n : self.n + len(values), None] - 1.0
            self._shared = self._shared + np.sum(others * draws.var(axis=1, ddof=1) / n, axis=0)
        if self.n == 0:
            self._shift = values[0]  # sums of squares about a typical value lose no digits
        self.n += len(values)
        self._sum = self._sum + (values - self._shift).sum(axis=0)
        self._squares = self._squares + np.square(values - self._shift).sum(axis=0)

    def entries(self) -> Entries:
        mean = self._sum / self.n
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = (
                np.maximum(self._squares / self.n - mean**2, 0.0) * self.n / np.float64(self.n - 1)
            )
            stderr = np.sqrt(variance / self.n + self._shared / self.n**2)
        mean = mean + self._shift
        return Entries(mean[:-1], stderr[:-1], float(mean[:-1].sum()), float(stderr[-1]))
