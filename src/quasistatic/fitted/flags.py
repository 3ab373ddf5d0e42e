r"""Which cells of a row are missing, given its other cells: logistic regressions of flags, one
after the other,

    log odds(flag_k) = w_k . (1, cells never missing, cells of earlier flags, earlier flags),

columns that are always missing together having one flag. Cells that are missing count as the mean.
They say nothing of cells that are missing by their own value.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from quasistatic.fitted.patterns import log_frequency

__all__ = ["draw_flags", "flags_of", "some_rows"]

_MOST_ROWS = 20_000
_MOST_CATEGORIES = 12
_MOST_FEATURES = 200
_RIDGE = 1.0
"""Precision of the weights' normal prior, of standardised cells."""
_ITERATIONS = 30
_HELD_OUT = 0.2
_ERRORS = 2.0
"""Standard errors by which held-out rows have to be likelier than by the patterns alone."""


def some_rows(n_rows: int) -> np.ndarray:
    """Numbers of the rows of a table that the regressions are made from, increasing.

    Args:
        n_rows: number of rows of the table.
    """
    if n_rows <= _MOST_ROWS:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(0).choice(n_rows, _MOST_ROWS, replace=False))


def flags_of(frame: pl.DataFrame) -> dict[str, Any] | None:
    """The regressions of a table in JSON types; None where held-out rows are no likelier than by
    the frequencies of the patterns.

    Args:
        frame: frame of the training rows, `some_rows` of them.
    """
    rng = np.random.default_rng(0)
    groups = _groups(frame)
    if not groups or frame.height < 50:
        return None
    features = [found for name in frame.columns if (found := _feature(frame[name])) is not None]
    if sum(len(f.get("values", [0])) for f in features) > _MOST_FEATURES:
        return None
    held = rng.random(frame.height) < _HELD_OUT
    model = _fitted(frame.filter(pl.Series(~held)), groups, features)
    flags = _flags(frame, groups)
    gain = _log_prob(model, frame)[held] - log_frequency(flags[~held], flags[held])
    if gain.mean() <= _ERRORS * gain.std() / np.sqrt(max(held.sum(), 1)):
        return None
    return _fitted(frame, groups, features)


def draw_flags(
    model: dict[str, Any], frame: pl.DataFrame, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Which cells of whole rows are missing, bool `[N]` by column.

    Args:
        model: regressions that `flags_of` gave.
        frame: frame of N whole rows.
        rng: generator of the draws.
    """
    cells, drawn = _cells(frame, model["features"]), np.zeros((frame.height, 0))
    found: dict[str, np.ndarray] = {}
    for k, names in enumerate(model["groups"]):
        odds = _design(cells, drawn, model["groups"], k) @ np.asarray(model["weights"][k])
        flag = rng.random(frame.height) < _expit(odds)
        drawn = np.column_stack([drawn, flag])
        found |= dict.fromkeys(names, flag)
    return found


def _groups(frame: pl.DataFrame) -> list[list[str]]:
    """Columns with holes, those with the same rows together."""
    groups: dict[bytes, list[str]] = {}
    for name in frame.columns:
        holes = frame[name].is_null().to_numpy()
        if holes.any():
            groups.setdefault(holes.tobytes(), []).append(name)
    return list(groups.values())


def _feature(series: pl.Series) -> dict[str, Any] | None:
    """How the cells of a column become numbers; None where they do not."""
    if series.dtype.is_numeric() or series.dtype.is_temporal():
        values = _numbers(series)
        there = values[np.isfinite(values)]
        if not len(there) or there.std() == 0:
            return None
        return {"name": series.name, "mean": float(there.mean()), "sd": float(there.std())}
    texts = series.cast(pl.String, strict=False).drop_nulls()
    counts = Counter(texts.to_list())
    values = sorted(counts, key=lambda text: (-counts[text], text))[:_MOST_CATEGORIES]
    return {"name": series.name, "values": values} if len(counts) > 1 else None


def _numbers(series: pl.Series) -> np.ndarray:
    return series.to_physical().cast(pl.Float64).to_numpy()


def _cells(frame: pl.DataFrame, features: Sequence[dict[str, Any]]) -> dict[str, np.ndarray]:
    """The cells as numbers, `[N, f]` by column; 0 where one is missing."""
    found = {}
    for feature in features:
        series = frame[feature["name"]]
        if "values" in feature:
            texts = series.cast(pl.String, strict=False).fill_null("").to_numpy()
            hot = texts[:, None] == np.asarray(feature["values"], object)[None, :]
            found[series.name] = hot.astype(np.float64)
        else:
            scaled = (_numbers(series) - feature["mean"]) / feature["sd"]
            found[series.name] = np.clip(np.nan_to_num(scaled), -5.0, 5.0)[:, None]
    return found


def _design(
    cells: dict[str, np.ndarray], flags: np.ndarray, groups: Sequence[Sequence[str]], k: int
) -> np.ndarray:
    """What the k-th flag is regressed on, `[N, F]`."""
    later = {name for names in groups[k:] for name in names}
    earlier = {name: j for j, names in enumerate(groups[:k]) for name in names}
    columns = [np.ones((len(flags), 1)), flags[:, :k]]
    for name, values in cells.items():
        if name in earlier:
            columns.append(values * (1.0 - flags[:, [earlier[name]]]))
        elif name not in later:
            columns.append(values)
    return np.column_stack(columns)


def _flags(frame: pl.DataFrame, groups: Sequence[Sequence[str]]) -> np.ndarray:
    return np.column_stack([frame[names[0]].is_null().to_numpy() for names in groups])


def _fitted(
    frame: pl.DataFrame, groups: list[list[str]], features: list[dict[str, Any]]
) -> dict[str, Any]:
    cells, flags = _cells(frame, features), _flags(frame, groups).astype(np.float64)
    weights = [
        _regressed(_design(cells, flags, groups, k), flags[:, k]).tolist()
        for k in range(len(groups))
    ]
    return {"groups": groups, "features": features, "weights": weights}


def _regressed(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weights of a logistic regression with a ridge, by Newton's method; the first is free."""
    ridge = np.full(x.shape[1], _RIDGE)
    ridge[0] = 1e-3
    share = (y.sum() + 0.5) / (len(y) + 1.0)
    w = np.zeros(x.shape[1])
    w[0] = np.log(share / (1.0 - share))
    for _ in range(_ITERATIONS):
        p = _expit(x @ w)
        slope = x.T @ (y - p) - ridge * w
        step = np.linalg.solve((x * (p * (1.0 - p))[:, None]).T @ x + np.diag(ridge), slope)
        w = w + step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-8:
            break
    return w


def _log_prob(model: dict[str, Any], frame: pl.DataFrame) -> np.ndarray:
    """log-probability of the flags of each row, nats `[N]`."""
    groups, total = model["groups"], np.zeros(frame.height)
    cells, flags = _cells(frame, model["features"]), _flags(frame, groups).astype(np.float64)
    for k in range(len(groups)):
        odds = _design(cells, flags, groups, k) @ np.asarray(model["weights"][k])
        total -= np.logaddexp(0.0, np.where(flags[:, k] > 0, -odds, odds))
    return total


def _expit(odds: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(odds, -35.0, 35.0)))
