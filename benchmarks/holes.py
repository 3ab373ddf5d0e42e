"""Tables with holes whose true values are known.

- `mcar`, missing completely at random: each cell with one probability, as in the protocol of
  ForestDiffusion.
- `mar`, at random: a random three tenths of the columns of X, one at least, are whole; a cell of
  the others is missing by a logistic model of the whole columns of its row, each column by its own.
- `mnar`, not at random: a cell is missing by a logistic model of its own value, which nobody sees.

Numbers enter the logistic models as they are, categories by a random number each; the logit has the
standard deviation `SLOPE`, and its mean is such that a share `MISSING` of the cells of X is
missing.
"""

import numpy as np
import polars as pl

MISSING = 0.2
WHOLE = 0.3
SLOPE = 2.0
MASKS = ("mcar", "mar", "mnar")


def with_holes(
    frame: pl.DataFrame, seed: int, mask: str = "mcar"
) -> tuple[pl.DataFrame, np.ndarray, pl.DataFrame]:
    """The rows that are used, flags of the missing cells, and the rows with these cells missing."""
    rng = np.random.default_rng(seed)
    frame = frame[rng.permutation(len(frame))[: len(frame) * 4 // 5]]
    missing = rng.random((len(frame), frame.width - 1)) < chances(frame[:, :-1], mask, rng)
    missing = np.c_[missing, np.zeros(len(frame), bool)]
    some = ~missing[:, :-1].all(axis=1)
    frame, missing = frame.filter(pl.Series(some)), missing[some]
    holed = frame.with_columns(
        pl.when(pl.Series(~missing[:, j])).then(pl.col(name)).otherwise(None).alias(name)
        for j, name in enumerate(frame.columns)
    )
    return frame, missing, holed


def chances(x: pl.DataFrame, mask: str, rng: np.random.Generator) -> np.ndarray:
    """Probability of each cell to be missing, `[N, D]` or what broadcasts to it."""
    if mask == "mcar":
        return np.full((1, 1), MISSING)
    scores = np.stack([_scores(column, rng) for column in x.iter_columns()], axis=1)
    if mask == "mnar":
        return np.stack([_logistic(score, MISSING) for score in scores.T], axis=1)
    n = scores.shape[1]
    whole = rng.permutation(n)[: max(round(WHOLE * n), 1)]
    found = np.zeros(scores.shape)
    rate = MISSING * n / max(n - len(whole), 1)
    for j in set(range(n)) - set(whole.tolist()):
        found[:, j] = _logistic(scores[:, whole] @ rng.normal(size=len(whole)), rate)
    return found


def _scores(column: pl.Series, rng: np.random.Generator) -> np.ndarray:
    if column.dtype == pl.Enum:
        return rng.normal(size=len(column.dtype.categories))[column.to_physical().to_numpy()]
    return column.cast(pl.Float64).to_numpy()


def _logistic(score: np.ndarray, rate: float) -> np.ndarray:
    """Probabilities with a logit that is linear in the score, and a mean of `rate`."""
    spread = score.std()
    logit = SLOPE * (score - score.mean()) / (spread if spread > 0 else 1.0)
    low, high = -50.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        above = np.mean(1 / (1 + np.exp(-np.clip(logit + middle, -500, 500)))) > rate
        low, high = (low, middle) if above else (middle, high)
    return 1 / (1 + np.exp(-np.clip(logit + low, -500, 500)))
