r"""Would more rows help? The bound on held-out rows after fits on a quarter, a half and all rows.

The three fits have the settings and the schema of one model, their rows are nested, and they are
scored on the same held-out rows with the same noise: what a doubling of the rows gains is a paired
difference, whose error is far below that of either bound. If the loss falls as a power of the
number of rows, `K(n) = K_inf - c n^-a`, gains shrink by the same factor each time, and the next
doubling gains about

    g_2^2 / g_1,     g_1 = K(n/2) - K(n/4),   g_2 = K(n) - K(n/2).

Errors are those over the held-out rows; other subsets and other seeds of the fits would move the
points, too.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from quasistatic.data.columns.alternatives import Schemas
from quasistatic.data.fingerprint import fingerprint
from quasistatic.data.table import Table
from quasistatic.errors import DataError
from quasistatic.fitted.likelihood import log_likelihood, mean_and_stderr
from quasistatic.fitted.model import Fitted
from quasistatic.fitting.constrained import fit_constrained
from quasistatic.fitting.settings import FitSettings

__all__ = ["LearningCurve", "learning_curve"]

_PARTS = (4, 2, 1)
_LEAST = 20
"""Rows of the smallest fit at least, and of the hold-out."""
_BEYOND_CHANCE = 3.0
"""Standard errors from which on a gain is said to be one."""


class LearningCurve(NamedTuple):
    """Held-out bounds by the number of rows fitted on, nats per row.

    Args:
        rows: numbers of rows of the three fits, increasing.
        bounds: mean log p of the held-out rows after each fit, an importance-weighted lower bound.
        stderrs: standard error of each bound over the held-out rows.
        gains: gain of each doubling of the rows.
        gain_stderrs: standard error of each gain over the held-out rows.
        next_gain: gain of another doubling, if the loss falls as a power of the number of rows; NaN
            where the gains do not show it.
        next_stderr: standard error of `next_gain`; NaN where that is.
        held_out: number of held-out rows.
    """

    rows: tuple[int, ...]
    bounds: tuple[float, ...]
    stderrs: tuple[float, ...]
    gains: tuple[float, ...]
    gain_stderrs: tuple[float, ...]
    next_gain: float
    next_stderr: float
    held_out: int

    @property
    def answer(self) -> str:
        """Would more rows help? A sentence with its error."""
        gain, stderr = self.gains[-1], self.gain_stderrs[-1]
        doubled = (
            f"from {self.rows[-2]:,} to {self.rows[-1]:,} rows the held-out bound changed by"
            f" {gain:+.3f} ± {stderr:.3f} nats a row"
        )
        if gain < -_BEYOND_CHANCE * stderr:
            return (
                f"It cannot be told: {doubled}. More rows do not make a model worse; the rows or"
                " the fits differ by more than their number."
            )
        if gain <= _BEYOND_CHANCE * stderr:
            return (
                f"It cannot be seen: {doubled}, which is within chance. More held-out rows would"
                " show a smaller gain."
            )
        if np.isnan(self.next_gain):
            return f"Yes: {doubled}, and gains do not yet shrink."
        return (
            f"Yes: {doubled}. If gains go on shrinking by the same factor, another doubling adds"
            f" {self.next_gain:.3f} ± {self.next_stderr:.3f}."
        )

    def to_json(self) -> dict[str, Any]:
        """The numbers by their names, and the sentence."""
        return self._asdict() | {"answer": self.answer}


def learning_curve(
    fitted: Fitted,
    settings: FitSettings,
    train: Table,
    holdout: Table,
    trajectories: int | None = None,
    *,
    seed: int = 0,
    tell: Callable[[str], None] = lambda text: None,
) -> LearningCurve:
    """Fit on parts of the rows, and score the same held-out rows after each fit.

    Args:
        fitted: model whose schema all fits have; if `train` is what it was fitted on, it is the fit
            on all rows.
        settings: settings of the fits, best those of the model.
        train: rows that are fitted on, 80 at least.
        holdout: held-out rows, 20 at least.
        trajectories: number of trajectories of a held-out row (default 16).
        seed: seed of the parts and of the likelihoods (default 0).
        tell: function that is told what is being done (default: nobody is told).

    Raises:
        DataError: too few rows, or a hold-out that is the training table.
        SchemaError: columns or categories that are not the model's.
        TrainingError: a fit did not stay finite.
    """
    least = _LEAST * _PARTS[0]
    for table, needed in ((train, least), (holdout, _LEAST)):
        if len(table) < needed:
            raise DataError(
                f"there are {len(table)} rows, too few for a learning curve",
                where=table.source,
                fix=f"give {needed} rows at least",
            )
    identity = fingerprint(train)
    if fingerprint(holdout) in (identity, fitted.record["data"]["fingerprint"]):
        raise DataError(
            "these are the rows that are fitted on: no hold-out",
            where=holdout.source,
            fix="give rows of the same source that no fit has seen",
        )
    order = np.random.default_rng(seed).permutation(len(train))
    sizes = [len(train) // part for part in _PARTS]
    log_p = []
    for size in sizes:
        model = fitted
        if size < len(train) or identity != fitted.record["data"]["fingerprint"]:
            tell(f"Fitting on {size:,} rows")
            begun = time.monotonic()
            part = train.take(np.sort(order[:size]))
            model = fit_constrained(part, Schemas((fitted.schema,)), settings)
            tell(f"That took {time.monotonic() - begun:.0f} s")
        key = fitted.key(seed)
        log_p.append(log_likelihood(model, holdout, "ais", trajectories, key=key).lower)
    return _curve(tuple(sizes), np.array(log_p))


def _curve(rows: tuple[int, ...], log_p: np.ndarray) -> LearningCurve:
    """The curve of log p of the held-out rows after each fit, `[3, N]` nats."""
    gains = np.diff(log_p, axis=0)
    bounds, stderrs = zip(*map(mean_and_stderr, log_p), strict=True)
    means, errors = zip(*map(mean_and_stderr, gains), strict=True)
    first, last = means
    ahead, ahead_error = float("nan"), float("nan")
    if last > _BEYOND_CHANCE * errors[1] and first > max(last, _BEYOND_CHANCE * errors[0]):
        ratio = last / first
        ahead = ratio * last
        # g_2^2 / g_1 in first order of its deviations, row by row
        ahead_error = mean_and_stderr(2.0 * ratio * gains[1] - ratio**2 * gains[0])[1]
    return LearningCurve(rows, bounds, stderrs, means, errors, ahead, ahead_error, log_p.shape[1])
