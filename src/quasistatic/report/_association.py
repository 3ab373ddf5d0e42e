r"""How much two columns of any kinds tell of each other: normalised mutual information on binned
columns.

    NMI(A, B) = I(A; B) / sqrt(H(A) H(B)),    I(A; B) = H(A) + H(B) - H(A, B),
    H = -sum p log p + (r - 1) / 2n

0 for independent columns, 1 where each determines the other (Strehl and Ghosh 2002). Each entropy,
of n rows in r occupied bins, has the first-order correction for the bins that n rows leave uneven
by chance (Miller 1955); I below 0 counts as 0. Numbers are cut at the quantiles of the reference
rows, the rarest categories share a bin, and only rows with both cells count.
"""

from typing import NamedTuple

import numpy as np

from quasistatic.data.schema import Column
from quasistatic.data.table import Table
from quasistatic.report._columns import Marginal, Values, marginal, read_column

MOST_BINS = 10
ROWS_A_CELL = 5
"""Rows that a pair of bins should hold on average."""


class Association(NamedTuple):
    """Between all pairs of columns.

    Args:
        names: names of the D columns.
        real: association of the real rows, `[D, D]`, NaN where a column does not vary; None without
            data.
        sampled: association of the sampled rows, `[D, D]`, NaN where a column does not vary.
        bins: largest number of bins of each column.
    """

    names: tuple[str, ...]
    real: np.ndarray | None
    sampled: np.ndarray
    bins: int

    def widest(self, n: int) -> list[tuple[str, str, float, float]]:
        """The pairs whose association differs most: names, real, sampled; at most n of them."""
        if self.real is None:
            return []
        first, second = np.triu_indices(len(self.names), 1)
        real, sampled = self.real[first, second], self.sampled[first, second]
        apart = np.nan_to_num(np.abs(real - sampled), nan=-1.0)
        order = [i for i in np.argsort(-apart, kind="stable")[:n] if apart[i] >= 0]
        return [
            (self.names[first[i]], self.names[second[i]], float(real[i]), float(sampled[i]))
            for i in order
        ]


def associate(
    columns: list[Column], real: list[Values] | None, sampled: list[Values]
) -> Association:
    """The association of real and of sampled rows, in bins made from the real ones (if there are
    any).
    """
    reference = sampled if real is None else real
    n_rows = len(reference[0].observed)
    bins = int(np.clip(np.sqrt(n_rows / ROWS_A_CELL), 2, MOST_BINS))
    cuts = [
        bin_rule(column, values.value, bins)
        for column, values in zip(columns, reference, strict=True)
    ]
    matrices = [
        (
            None
            if table is None
            else _matrix([_binned(v, cut) for v, cut in zip(table, cuts, strict=True)])
        )
        for table in (real, sampled)
    ]
    assert matrices[1] is not None  # there are sampled rows always
    return Association(tuple(column.name for column in columns), matrices[0], matrices[1], bins)


def compare(
    columns: list[Column], real: Table | None, sampled: Table, paired: int
) -> tuple[tuple[Marginal, ...], Association | None]:
    """Real against sampled rows: columns one by one, and the first `paired` of them in pairs."""
    of_sampled = [read_column(sampled, column) for column in columns]
    of_real = None if real is None else [read_column(real, column) for column in columns]
    marginals = tuple(
        marginal(column, None if of_real is None else of_real[j], of_sampled[j])
        for j, column in enumerate(columns)
    )
    if len(columns) < 2:
        return marginals, None
    taken = slice(paired)
    return marginals, associate(columns[taken], of_real and of_real[taken], of_sampled[taken])


def bin_rule(column: Column, value: np.ndarray, bins: int) -> np.ndarray:
    """How a column is binned: upper edges for numbers (`value <= edge`), the bin of each code for
    states.
    """
    if not column.is_discrete:
        inner = np.quantile(value, np.linspace(0, 1, bins + 1)[1:-1]) if len(value) else np.zeros(0)
        return np.unique(inner)
    order = np.argsort(-np.bincount(value, minlength=len(column.categories)), kind="stable")
    rule = np.empty(len(order), np.int64)
    rule[order] = np.minimum(np.arange(len(order)), bins - 1)
    return rule


def _binned(values: Values, rule: np.ndarray) -> np.ndarray:
    """Bins `[N]`, -1 where the cell is missing."""
    binned = np.full(len(values.observed), -1)
    coded = values.value.dtype.kind == "i"
    binned[values.observed] = rule[values.value] if coded else np.searchsorted(rule, values.value)
    return binned


def _matrix(columns: list[np.ndarray]) -> np.ndarray:
    size = len(columns)
    found = np.full((size, size), np.nan)
    for i in range(size):
        for j in range(i, size):
            found[i, j] = found[j, i] = normalised_mutual_information(columns[i], columns[j])
    return found


def normalised_mutual_information(a: np.ndarray, b: np.ndarray) -> float:
    """NMI of two columns of bins `[N]`, -1 where missing; NaN where one of them has a single value.

    Example:
        >>> a, b = np.arange(1000) % 4, np.arange(1000) // 4 % 3
        >>> round(normalised_mutual_information(a, 3 - a), 2)
        1.0
        >>> round(normalised_mutual_information(a, b), 2)
        0.0
    """
    both = (a >= 0) & (b >= 0)
    if not both.any():
        return float("nan")
    a, b = a[both], b[both]
    entropy_a, entropy_b, joint = (_entropy(bins) for bins in (a, b, a * (int(b.max()) + 1) + b))
    if min(entropy_a, entropy_b) <= 0:
        return float("nan")
    return float(
        np.clip((entropy_a + entropy_b - joint) / np.sqrt(entropy_a * entropy_b), 0.0, 1.0)
    )


def _entropy(bins: np.ndarray) -> float:
    """Of the shares of the bins, with Miller's correction, nats; 0 for a single bin."""
    count = np.unique(bins, return_counts=True)[1]
    share = count / count.sum()
    return float(-np.sum(share * np.log(share)) + (len(count) - 1) / (2 * count.sum()))
