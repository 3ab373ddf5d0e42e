"""The log-likelihood of rows: the methods, the rows with holes, and the result with its error, unit
and base measure.

A method is one function from encoded rows to `Sides`, and one line in `METHODS`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import jax
import numpy as np

from quasistatic.bound import evaluate_log_weights, evaluate_terms, weighted_bound
from quasistatic.bound.isir import chain_bracket
from quasistatic.bound.smc import evaluate_populations, population_bound
from quasistatic.bound.twist import fit_twist
from quasistatic.bound.upper import UpperKind
from quasistatic.config import require_whole
from quasistatic.data.cells import EncodedTable
from quasistatic.data.table import Table
from quasistatic.data.weights import as_weights
from quasistatic.errors import DataError, SettingError, warn
from quasistatic.fitted.model import Fitted
from quasistatic.fitted.sides import Sides
from quasistatic.model import DiffusionModel
from quasistatic.posterior.query import evidence_of_rows
from quasistatic.rows import Row
from quasistatic.typing import Key

__all__ = [
    "METHODS",
    "Likelihood",
    "Method",
    "MethodName",
    "joined",
    "log_likelihood",
    "mean_and_stderr",
    "trajectories_of",
]

MethodName = Literal["bound", "ais", "smc", "sandwich"]
_MAX_RUNS = 4
"""Independent populations of the method "smc": their spread is its error bar."""
_POPULATION = 8
"""Particles of a population at least, before there is a third one."""
_LEAST_PARTICLES = 16
"""Particles of a row with holes, where the method has fewer trajectories."""


@dataclass(frozen=True)
class Likelihood:
    """Bounds on log p, one per row.

    Args:
        lower: lower bound on log p(row) in expectation over the Monte Carlo noise, `[N]` nats, in
            the data's own units.
        stderr: Monte Carlo standard error of `lower`, `[N]` nats; NaN with one trajectory.
        ess: effective sample size of the trajectories, `[N]`; NaN for the bound K, which weights
            nothing.
        method: name of the method: "bound" (K), "ais" (importance-weighted over trajectories),
            "smc" (over particles that are resampled on their way) or "sandwich" ("ais" with an
            upper side).
        trajectories: number of draws per row; 0 for a model without trajectories.
        steps: length of the trajectory that was walked: T, or fewer on a sub-schedule; 0 without.
        base_measure: what the density refers to: which columns are counted, which measured and in
            which units.
        meaning: meaning of `lower`, for people.
        terms: named terms that add up to `lower`, `[N]` nats each (method "bound" only).
        upper: upper side, `[N]` nats; None (default) for the one-sided methods.
        stderr_upper: Monte Carlo standard error of `upper`, `[N]` nats; None (default) for the
            one-sided methods.
        upper_kind: sense in which `upper` is above log p, "exact-sample": in expectation;
            "asymptotic": in the limit of many trajectories; None (default) for the one-sided
            methods.
        unit: unit of all these numbers.
        weights: weights of the rows in the means, frequencies `[N]`; None (default): 1 each.
    """

    lower: np.ndarray
    stderr: np.ndarray
    ess: np.ndarray
    method: str
    trajectories: int
    steps: int
    base_measure: str
    meaning: str
    terms: dict[str, np.ndarray] = field(default_factory=dict)
    upper: np.ndarray | None = None
    stderr_upper: np.ndarray | None = None
    upper_kind: UpperKind | None = None
    unit: str = "nats per row"
    weights: np.ndarray | None = None

    def weighted_by(self, weights: Any) -> "Likelihood":
        """The same with rows that count as often as their weights say in the means.

        Args:
            weights: weights of the rows; None for 1 each.

        Raises:
            DataError: another number of weights, or negative ones.
        """
        if weights is None:
            return self
        return replace(self, weights=as_weights(weights, len(self.lower), "the scored rows"))

    @property
    def weighted(self) -> bool:
        """Whether the method weights trajectories, so that `ess` says something."""
        return self.method != "bound" and self.trajectories > 0

    @property
    def mean(self) -> float:
        """Mean of `lower` over the rows, nats."""
        return float(np.average(self.lower, weights=self.weights))

    @property
    def mean_stderr(self) -> float:
        """Standard error of `mean`, nats; NaN for one row.

        The spread over the rows contains the Monte Carlo noise as far as it is independent. Equal
        rows share theirs, which n of them leave n (n - 1) stderr^2 / N^2 more of in the variance of
        the mean.
        """
        weights = np.ones(len(self.lower)) if self.weights is None else self.weights
        _, first, which = np.unique(self.lower, return_index=True, return_inverse=True)
        counts = np.bincount(which, weights)
        shared = np.sum(counts * (counts - 1.0) * np.square(np.nan_to_num(self.stderr[first])))
        stderr = mean_and_stderr(self.lower, self.weights)[1]
        return float(np.hypot(stderr, np.sqrt(max(shared, 0.0)) / weights.sum()))

    @property
    def gap(self) -> tuple[float, float]:
        """Mean of `upper - lower` over the rows and its standard error over them, nats; NaN without
        an upper side.
        """
        if self.upper is None:
            return float("nan"), float("nan")
        return mean_and_stderr(self.upper - self.lower, self.weights)


def joined(parts: Sequence[Likelihood]) -> Likelihood:
    """The likelihood of a table of which that of each piece is known.

    Args:
        parts: likelihoods of the pieces by one method, one at least.
    """
    if len(parts) == 1:
        return parts[0]

    def all_of(name: str) -> Any:
        arrays = [getattr(part, name) for part in parts]
        return None if arrays[0] is None else np.concatenate(arrays)

    names = ("lower", "stderr", "ess", "upper", "stderr_upper", "weights")
    measure = max((part.base_measure for part in parts), key=len)  # with its remark on holes
    return replace(
        parts[0], base_measure=measure, terms={}, **{name: all_of(name) for name in names}
    )


def mean_and_stderr(values: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, float]:
    """Mean of `[N]` values and its standard error from their spread; NaN for a single one.

    Args:
        values: values `[N]`.
        weights: how often each counts; None (default) is once.
    """
    if weights is not None:
        n, mean = weights.sum(), float(np.average(values, weights=weights))
        variance = np.sum(weights * np.square(values - mean)) / (n - 1) if n > 1 else np.nan
        return mean, float(np.sqrt(variance / n))
    n = len(values)
    with np.errstate(invalid="ignore"):  # of impossible rows, whose log p is minus infinity
        stderr = float(np.std(values, ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    return float(np.mean(values)), stderr


class Method(NamedTuple):
    """One way to evaluate log p.

    Args:
        evaluate: function `(model, rows, trajectories, key=key)` -> `Sides`.
        trajectories: number of draws per row by default.
        least: smallest number of draws per row.
        meaning: meaning of the lower side, for people.
        whole: reason why the method needs whole rows; empty (default) if it accepts holes.
    """

    evaluate: Callable[..., Sides]
    trajectories: int
    least: int
    meaning: str
    whole: str = ""


def _bound(model: DiffusionModel, rows: Row, n: int, *, key: Key) -> Sides:
    draws = evaluate_terms(model, rows, repetitions=n, key=key)
    total = draws.total
    nothing = np.full(len(total), np.nan)
    stderr = np.std(total, axis=1, ddof=1) / np.sqrt(n) if n > 1 else nothing
    terms = {name: np.mean(value, axis=1) for name, value in draws._asdict().items()}
    return Sides(np.mean(total, axis=1), stderr, nothing, terms=terms)


def _ais(model: DiffusionModel, rows: Row, n: int, *, key: Key) -> Sides:
    return Sides(*weighted_bound(evaluate_log_weights(model, rows, trajectories=n, key=key)))


def _smc(model: DiffusionModel, rows: Row, n: int, *, key: Key) -> Sides:
    twist_key, walk_key = jax.random.split(key)
    runs = int(np.clip(n // _POPULATION, 2, _MAX_RUNS))
    twist = fit_twist(model, key=twist_key)
    populations = evaluate_populations(
        model, rows, twist, particles=n // runs, runs=runs, key=walk_key
    )
    return Sides(*population_bound(populations))


def _sandwich(model: DiffusionModel, rows: Row, n: int, *, key: Key) -> Sides:
    log_weights = evaluate_log_weights(model, rows, trajectories=n, key=key)
    found = chain_bracket(log_weights, sweeps=min(4, n - 1))
    return Sides(
        found.lower,
        found.stderr_lower,
        found.ess,
        found.upper,
        found.stderr_upper,
        found.upper_kind,
    )


METHODS = {
    "bound": Method(_bound, 2, 1, "a lower bound on log p(row)"),
    "ais": Method(_ais, 16, 1, "an importance-weighted lower bound on log p(row)"),
    "smc": Method(_smc, 16, 2, "a sequential Monte Carlo lower bound on log p(row)"),
    "sandwich": Method(
        _sandwich, 64, 3, "an importance-weighted lower bound on log p(row)",
        "only whole rows have an upper side",
    ),
}  # fmt: skip


def trajectories_of(method: str, wanted: int | None) -> int:
    """Number of trajectories per row.

    Args:
        method: name of a line of `METHODS`.
        wanted: number of draws per row that was asked for; None takes the method's own.

    Raises:
        SettingError: an unknown method, or fewer than it needs.
    """
    if method not in METHODS:
        raise SettingError(f"method = {method!r} is none of {', '.join(METHODS)}")
    chosen = METHODS[method]
    n = chosen.trajectories if wanted is None else wanted
    fix = "" if chosen.least == 1 else f"with fewer {method!r} would have no error bar"
    require_whole("trajectories", n, chosen.least, fix)
    return int(n)


def log_likelihood(
    fitted: Fitted,
    table: Table,
    method: str = "bound",
    trajectories: int | None = None,
    steps: int | None = None,
    *,
    key: Key,
) -> Likelihood:
    """Bounds on log p of every row, nats, in the data's own units.

    Args:
        fitted: model and codec.
        table: N rows with the columns of the model; a row with holes gets the log-likelihood of the
            cells that are there.
        method: name of a line of `METHODS` (default "bound").
        trajectories: number of draws per row; None takes the method's own.
        steps: length of the best sub-schedule that is walked; None walks all T steps.
        key: random key of all rows; the noise of a row depends on its content besides.

    Raises:
        SettingError: an unknown method, too few trajectories, or steps out of range.
        DataError, SchemaError: rows that the model cannot score.
    """
    n = trajectories_of(method, trajectories)
    encoded = fitted.encode(table, whole=METHODS[method].whole)
    model = fitted.walked(steps)
    found = _evaluate(fitted, model, encoded, table, method, n, key=key)
    none = np.isnan(found.lower)
    if none.any():
        raise DataError(
            f"the model gives no number to {np.count_nonzero(none)} row(s)",
            where=f"{table.source}, row {int(np.argmax(none)) + 1}",
            fix="look at the row; if it is an ordinary one, fit again",
        )
    beyond = fitted.beyond(encoded)
    if beyond.any():
        _tell_of(beyond, fitted, table)
        found = found.impossible(beyond)
    volume = encoded.log_volume
    of_cells = "" if encoded.whole.all() else "; of each row's observed cells alone"
    return Likelihood(
        lower=found.lower + volume,
        stderr=found.stderr,
        ess=found.ess,
        method=method,
        trajectories=n,
        steps=model.trajectory_length,
        base_measure=fitted.schema.base_measure() + of_cells,
        meaning=METHODS[method].meaning,
        terms={} if found.terms is None else found.terms | {"log_volume": volume},
        upper=None if found.upper is None else found.upper + volume,
        stderr_upper=found.stderr_upper,
        upper_kind=found.upper_kind,
    )


def _tell_of(beyond: np.ndarray, fitted: Fitted, table: Table) -> None:
    """Warn of rows that are impossible, and name their columns."""
    tied = () if fitted.ties is None else fitted.ties.bounded
    names = [*(c.name for c in fitted.codec.continuous if c.held), *tied]
    limited = ", ".join(map(repr, dict.fromkeys(names)))
    warn(
        f"{table.source}: {np.count_nonzero(beyond)} row(s), the first is row"
        f" {int(np.argmax(beyond)) + 1}, have a value beyond a limit that the model holds (of"
        f" {limited}): their probability is 0, log p is minus infinity"
    )


def _evaluate(
    fitted: Fitted,
    model: DiffusionModel,
    encoded: EncodedTable,
    table: Table,
    method: str,
    n: int,
    *,
    key: Key,
) -> Sides:
    """Whole rows by the method, the others by sequential Monte Carlo over their holes.

    The latter's particles sum over the missing cells of the joint model; their number is at least
    `_LEAST_PARTICLES`. They have no named terms.
    """
    whole = encoded.whole
    evaluate = METHODS[method].evaluate
    if whole.all():
        return evaluate(model, encoded.rows, n, key=key)
    holes = np.flatnonzero(~whole)
    many = {"particles": max(n, _LEAST_PARTICLES), "key": jax.random.fold_in(key, 1)}
    if fitted.ties is None:
        below = Sides(*evidence_of_rows(model, encoded.take(holes).rows, **many))
    else:
        some = table.take(holes)
        drawn = fitted.drawn(model, encoded.take(holes), some, draws=1, **many)
        below = Sides(drawn.log_evidence, drawn.stderr, drawn.ess)
    if not whole.any():
        return below
    above = evaluate(model, encoded.take(np.flatnonzero(whole)).rows, n, key=key)

    def placed(of_holed: np.ndarray, of_whole: np.ndarray) -> np.ndarray:
        values = np.empty(len(encoded))
        values[~whole], values[whole] = of_holed, of_whole
        return values

    return Sides(
        placed(below.lower, above.lower),
        placed(below.stderr, above.stderr),
        placed(below.ess, above.ess),
    )
