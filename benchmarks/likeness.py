"""How alike two tables are, column by column, pair by pair and to a classifier: what `samples.py`
prints. Tables are polars frames of the same columns; numbers stay numbers, all else is a category.
"""

from collections import Counter
from itertools import combinations

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score
from sklearn.model_selection import cross_val_predict

BINS = 10
"""Of numbers, where they are paired with categories."""
MOST_STATES = 50
"""A category of more states is none for a classifier or for structural zeros."""
EXPECTED = 10
"""So many rows are not missing by chance: exp(-10) is 5e-5."""


def is_number(frame: pl.DataFrame, name: str) -> bool:
    """Whether a column holds numbers of more than a few values."""
    return frame[name].dtype.is_numeric() and frame[name].n_unique() > 2


def shapes(real: pl.DataFrame, other: pl.DataFrame) -> float:
    """Mean over the columns of 1 - Kolmogorov-Smirnov distance (numbers) or 1 - total variation
    (categories); a missing cell is a state of its own.
    """
    found = []
    for name in real.columns:
        if is_number(real, name):
            a, b = real[name].drop_nulls().to_numpy(), other[name].drop_nulls().to_numpy()
            at = np.concatenate([a, b])
            found.append(1 - np.max(np.abs(_cumulated(a, at) - _cumulated(b, at))))
        else:
            found.append(_overlap(_texts(real, name), _texts(other, name)))
    return float(np.mean(found))


def pairs(real: pl.DataFrame, other: pl.DataFrame) -> float:
    """Mean over the pairs of columns of 1 - half the difference of their correlations (two numbers)
    or 1 - total variation of their joint frequencies (else; numbers in `BINS` equal bins).
    """
    found = []
    for a, b in combinations(real.columns, 2):
        if is_number(real, a) and is_number(real, b):
            found.append(1 - 0.5 * abs(_correlation(real, a, b) - _correlation(other, a, b)))
        else:
            one, two = (_codes(real, other, name) for name in (a, b))
            joint = [np.char.add(np.char.add(x, "|"), y) for x, y in zip(one, two, strict=True)]
            found.append(_overlap(*joint))
    return float(np.mean(found))


def rank_correlations(real: pl.DataFrame, other: pl.DataFrame) -> float:
    """Largest difference of Spearman's correlations of two columns of numbers; NaN without two."""
    names = [name for name in real.columns if is_number(real, name)]
    ranked = [frame.select(pl.col(names).rank()) for frame in (real, other)]
    gaps = [
        abs(_correlation(ranked[0], a, b) - _correlation(ranked[1], a, b))
        for a, b in combinations(names, 2)
    ]
    return max(gaps, default=float("nan"))


def impossible(known: pl.DataFrame, other: pl.DataFrame) -> float:
    """Share of the rows of `other` with a pair of values of two columns that no row of `known` has,
    though `EXPECTED` rows or more would have it if the columns were independent.
    """
    names = [n for n in known.columns if known[n].n_unique() <= MOST_STATES]
    bad = np.zeros(len(other), bool)
    for a, b in combinations(names, 2):
        one, two = _texts(known, a), _texts(known, b)
        seen = set(zip(one, two, strict=True))
        counts = [Counter(one.tolist()), Counter(two.tolist())]
        drawn = zip(_texts(other, a), _texts(other, b), strict=True)
        bad |= [
            pair not in seen and counts[0][pair[0]] * counts[1][pair[1]] >= EXPECTED * len(known)
            for pair in drawn
        ]
    return float(bad.mean())


def told_apart(real: pl.DataFrame, other: pl.DataFrame, seed: int) -> float:
    """Area under the curve of boosted trees that tell the tables apart, by 5-fold
    cross-validation on equally many rows of each: 0.5 where nothing does.
    """
    n = min(len(real), len(other))
    both = pl.concat([real.head(n), other.head(n)], how="vertical_relaxed")
    x, discrete = _features(both)
    y = np.repeat([0, 1], n)
    model = HistGradientBoostingClassifier(categorical_features=discrete, random_state=seed)
    order = np.random.default_rng(seed).permutation(2 * n)
    guess = cross_val_predict(model, x[order], y[order], cv=5, method="predict_proba")[:, 1]
    return float(roc_auc_score(y[order], guess))


def learned_from(train: pl.DataFrame, test: pl.DataFrame, seed: int) -> float:
    """Mean over the columns of how well boosted trees, fitted on `train`, predict them in `test`
    from the others: accuracy of categories, R^2 (at least 0) of numbers.
    """
    found = []
    for name in train.columns:
        parts = [frame.drop_nulls(name) for frame in (train, test)]
        both = pl.concat([part.drop(name) for part in parts], how="vertical_relaxed")
        x, discrete = _features(both)
        n = len(parts[0])
        options = {"categorical_features": discrete, "random_state": seed}
        if is_number(test, name):
            y = [part[name].cast(pl.Float64).to_numpy() for part in parts]
            model = HistGradientBoostingRegressor(**options).fit(x[:n], y[0])
            found.append(max(r2_score(y[1], model.predict(x[n:])), 0.0))
            continue
        y = [_texts(part, name) for part in parts]
        if len(set(y[0])) == 1:
            found.append(accuracy_score(y[1], np.full(len(y[1]), y[0][0])))
        elif len(set(y[0])) <= MOST_STATES:
            model = HistGradientBoostingClassifier(**options).fit(x[:n], y[0])
            found.append(accuracy_score(y[1], model.predict(x[n:])))
    return float(np.mean(found))


def _cumulated(x: np.ndarray, at: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.sort(x), at, side="right") / max(len(x), 1)


def _correlation(frame: pl.DataFrame, a: str, b: str) -> float:
    found = frame.select(pl.corr(a, b)).item()
    return 0.0 if found is None or not np.isfinite(found) else float(found)


def _texts(frame: pl.DataFrame, name: str) -> np.ndarray:
    return frame[name].cast(pl.String).fill_null("").to_numpy().astype(str)


def _floats(frame: pl.DataFrame, name: str) -> np.ndarray:
    return frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _codes(real: pl.DataFrame, other: pl.DataFrame, name: str) -> list[np.ndarray]:
    """The columns of both tables as text; numbers as their bin."""
    if not is_number(real, name):
        return [_texts(real, name), _texts(other, name)]
    edges = np.linspace(real[name].min(), real[name].max(), BINS + 1)[1:-1]
    columns = (_floats(frame, name) for frame in (real, other))
    return [np.where(np.isnan(c), -1, np.digitize(c, edges)).astype(str) for c in columns]


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """1 - total variation of the frequencies of two samples."""
    states, both = np.unique(np.concatenate([a, b]), return_inverse=True)
    counts = [np.bincount(part, minlength=len(states)) for part in np.split(both, [len(a)])]
    return 1 - 0.5 * float(np.abs(counts[0] / len(a) - counts[1] / len(b)).sum())


def _features(frame: pl.DataFrame) -> tuple[np.ndarray, list[int]]:
    """Numbers and codes as floats, and which columns are codes of few states."""
    columns, discrete = [], []
    for j, name in enumerate(frame.columns):
        if frame[name].dtype.is_numeric():
            columns.append(_floats(frame, name))
            continue
        codes = np.unique(_texts(frame, name), return_inverse=True)[1].astype(float)
        columns.append(codes)
        if codes.max() < MOST_STATES:
            discrete.append(j)
    return np.stack(columns, axis=1), discrete
