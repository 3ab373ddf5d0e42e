r"""How unusual a conditional log-probability is for its column: a number that columns of any unit
and kind share.

Raw values of log p(x_j | x_-j) cannot be compared between columns: a density depends on the unit, a
count has less of it than a flag. With reference rows, the surprise of a cell is minus the logarithm
of the share of reference cells that are as improbable,

    s_j(x) = -log P( l_j <= l ),     l = log p(x_j | x_-j),

empirical down to the lowest tenth q_j of the reference, and below it with an exponential tail, so
that no two cells tie at the end:

    s_j = log 10 + (q_j - l) / b_j,     b_j = max(1, mean of q_j - l_j over the reference cells below q_j).

Under the model's own law the tail falls by at least about a factor of e a nat (P(p(x) <= e^-c) <= V
e^-c on a set of volume V), hence b_j >= 1; it is longer where the model fits a column badly, and
such a column is then blamed less.
"""

from typing import NamedTuple, Self

import numpy as np

TAIL = 0.1
"""Share of the reference cells that make the tail."""


class Tails(NamedTuple):
    """What is usual of every column, NumPy.

    Args:
        cells: one sorted array a column, its reference log-probabilities; empty where the reference
            has no cell.
        edge: `[C]` q, nats; NaN without a reference.
        scale: `[C]` b, nats.

    Example:
        >>> import numpy as np
        >>> tails = Tails.of(np.log(np.linspace(0.01, 1.0, 100))[:, None])
        >>> tails.surprise(np.log([[0.5], [0.01], [1e-6]])).round(1).ravel()
        array([ 0.7,  4.7, 13.9])
    """

    cells: tuple[np.ndarray, ...]
    edge: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, log_p: np.ndarray) -> Self:
        """Of the reference cells `[n, C]`, nats; NaN is no cell."""
        cells = tuple(np.sort(column[np.isfinite(column)]) for column in log_p.T)
        edge = np.array([np.quantile(c, TAIL) if len(c) else np.nan for c in cells])
        below = (q - c[c < q] for c, q in zip(cells, edge, strict=True))
        return cls(
            cells, edge, np.array([max(1.0, float(np.mean(d))) if len(d) else 1.0 for d in below])
        )

    def surprise(self, log_p: np.ndarray) -> np.ndarray:
        """s of cells `[N, C]`, nats >= 0; NaN where there is no cell, or no reference of its
        column.
        """
        found = np.full(log_p.shape, np.nan)
        for j, cells in enumerate(self.cells):
            if len(cells):
                share = np.searchsorted(cells, log_p[:, j], side="right") / len(cells)
                inner = -np.log(np.maximum(share, TAIL))
                outer = np.maximum(self.edge[j] - log_p[:, j], 0.0) / self.scale[j]
                found[:, j] = np.where(np.isnan(log_p[:, j]), np.nan, inner + outer)
        return found
