r"""How good filled cells are, against the true ones.

A filled table is judged by the missing cells alone. Distances of cells are absolute differences of
numbers in units of their column's range, and 0 or 1 of categories (Gower).

- `figures`: MinMAE, AvgMAE and "apart", of the distance summed over cells.
- `energy`: the energy score of a row's cells, `E|X - y| - E|X - X'| / 2` with the Euclidean length
  of the row's distances, the mean over rows with holes. It is proper: the truth's own distribution
  has the lowest expected score. (Gneiting and Raftery 2007; of m draws the fair form, over pairs of
  different draws.)
- `coverage`: shares of the missing numbers within the central intervals of 50 and of 90 %. Of 19
  draws and the true value, which is one more draw of the exact posterior, every rank has the
  probability 1/20: the 10 middle ranks are the one interval, all but the first and the last the
  other. Equal values are ranked at random.
"""

from itertools import combinations

import numpy as np
import polars as pl

INTERVALS = 19
"""Draws with which both intervals are exact."""


def figures(
    truth: pl.DataFrame, missing: np.ndarray, filled: list[pl.DataFrame]
) -> tuple[float, float, float]:
    """MinMAE and AvgMAE of the imputations, and how far they are from one another."""
    scales, n = ranges(truth), missing.sum()
    errors = np.array(
        [distances(truth, frame, missing, scales).sum(axis=1) for frame in filled]
    )  # [imputations, rows]
    apart = [distances(a, b, missing, scales).sum() / n for a, b in combinations(filled, 2)]
    average = float(np.mean(apart)) if apart else float("nan")
    return float(errors.min(axis=0).sum() / n), float(errors.mean(axis=0).sum() / n), average


def energy(truth: pl.DataFrame, missing: np.ndarray, filled: list[pl.DataFrame]) -> float:
    """Mean energy score of the rows with holes; of one filling its mean distance."""
    scales, holed = ranges(truth), missing.any(axis=1)

    def length(one: pl.DataFrame, other: pl.DataFrame) -> np.ndarray:
        return np.sqrt(np.square(distances(one, other, missing, scales)).sum(axis=1))[holed]

    off = np.mean([length(truth, frame) for frame in filled])
    apart = [length(a, b) for a, b in combinations(filled, 2)]
    return float(off - np.mean(apart) / 2) if apart else float(off)


def coverage(
    truth: pl.DataFrame, missing: np.ndarray, filled: list[pl.DataFrame], seed: int = 0
) -> tuple[float, float]:
    """Shares of the missing numbers within 50 and 90 %; NaN with another number of fillings than
    `INTERVALS`, or without numbers.
    """
    if len(filled) != INTERVALS:
        return float("nan"), float("nan")
    rng, ranks = np.random.default_rng(seed), []
    for j, column in enumerate(truth.iter_columns()):
        if column.dtype != pl.Enum and missing[:, j].any():
            true = column.to_numpy()[missing[:, j]]
            drawn = np.stack([frame[column.name].to_numpy()[missing[:, j]] for frame in filled])
            ties = (drawn == true).sum(axis=0)
            ranks.append((drawn < true).sum(axis=0) + rng.integers(0, ties + 1))
    if not ranks:
        return float("nan"), float("nan")
    rank = np.concatenate(ranks)
    return float(np.mean((rank >= 5) & (rank <= 14))), float(np.mean((rank >= 1) & (rank <= 18)))


def ranges(truth: pl.DataFrame) -> dict[str, float]:
    """Ranges of the columns of numbers."""
    numbers = [column.name for column in truth.iter_columns() if column.dtype != pl.Enum]
    return {name: max(np.ptp(truth[name].to_numpy()), 1e-300) for name in numbers}


def distances(
    one: pl.DataFrame, other: pl.DataFrame, missing: np.ndarray, scales: dict[str, float]
) -> np.ndarray:
    """Distances of the missing cells, `[N, D]`, 0 where a cell is there."""
    found = np.zeros(missing.shape)
    for j, column in enumerate(one.iter_columns()):
        if column.dtype == pl.Enum:
            apart = (column.cast(pl.String) != other[column.name].cast(pl.String)).to_numpy()
        else:
            apart = np.abs(column.to_numpy() - other[column.name].to_numpy()) / scales[column.name]
        found[:, j] = np.where(missing[:, j], apart, 0.0)
    return found
