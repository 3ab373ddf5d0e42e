"""The methods of `log_likelihood`: one function each, and a line in `METHODS`."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from quasistatic.bound import evaluate_log_weights, evaluate_terms, weighted_bound
from quasistatic.bound.chain import chain_bracket
from quasistatic.bound.smc import evaluate_populations, population_bound
from quasistatic.bound.twist import fit_twist
from quasistatic.errors import SettingError
from quasistatic.estimator.likelihood import Likelihood
from quasistatic.model import DiffusionModel
from quasistatic.trajectory import Row
from quasistatic.typing import Key

MAX_RUNS = 4
"""Independent populations of the method "smc": their spread is its error bar."""
PARTICLES = 8
"""Particles of a population at least, before there is a second one."""


class Method(NamedTuple):
    """One way to evaluate log p.

    Args:
        evaluate: `(model, rows, trajectories, key=key)` -> fields of a `Likelihood` in the model's
            units, nats.
        trajectories: by default.
        least: trajectories needed.
        meaning: of the lower side, for people.
    """

    evaluate: Callable[..., dict[str, Any]]
    trajectories: int
    least: int
    meaning: str


def _bound(model: DiffusionModel, rows: Row, n: int, *, key: Key) -> dict[str, Any]:
    draws = evaluate_terms(model, rows, repetitions=n, key=key)
    total = draws.total
    stderr = np.std(total, axis=1, ddof=1) / np.sqrt(n) if n > 1 else np.full(len(total), np.nan)
    terms = {name: np.mean(value, axis=1) for name, value in draws._asdict().items()}
    return {
        "lower": np.mean(total, axis=1),
        "stderr": stderr,
        "ess": np.full(len(total), np.nan),
        "terms": terms,
    }


def _ais(model: DiffusionModel, rows: Row, n: int, *, key: Key) -> dict[str, Any]:
    return weighted_bound(evaluate_log_weights(model, rows, trajectories=n, key=key))._asdict()


def _smc(model: DiffusionModel, rows: Row, n: int, *, key: Key) -> dict[str, Any]:
    twist_key, walk_key = jax.random.split(key)
    runs = int(np.clip(n // PARTICLES, 1, MAX_RUNS))
    twist = fit_twist(model, key=twist_key)
    populations = evaluate_populations(
        model, rows, twist, particles=n // runs, runs=runs, key=walk_key
    )
    return population_bound(populations)._asdict()


def _sandwich(model: DiffusionModel, rows: Row, n: int, *, key: Key) -> dict[str, Any]:
    log_weights = evaluate_log_weights(model, rows, trajectories=n, key=key)
    found = chain_bracket(log_weights, sweeps=min(4, n - 1))._asdict()
    return found | {"stderr": found["stderr_lower"]}


METHODS = {
    "bound": Method(_bound, 2, 1, "a lower bound on log p(row)"),
    "ais": Method(_ais, 16, 1, "an importance-weighted lower bound on log p(row)"),
    "smc": Method(_smc, 16, 2, "a sequential Monte Carlo lower bound on log p(row)"),
    "sandwich": Method(_sandwich, 64, 3, "an importance-weighted lower bound on log p(row)"),
}


def trajectories_of(method: str, wanted: int | None) -> int:
    """How many trajectories a row.

    Raises:
        SettingError: an unknown method, or fewer than it needs.
    """
    if method not in METHODS:
        raise SettingError(f"method = {method!r} is none of {', '.join(METHODS)}")
    chosen = METHODS[method]
    n = chosen.trajectories if wanted is None else int(wanted)
    if n < chosen.least:
        fix = "" if chosen.least == 1 else "with fewer there would be no error bar"
        raise SettingError(
            f"trajectories = {wanted!r} must be at least {chosen.least} for {method!r}", fix=fix
        )
    return n


def in_own_units(
    found: dict[str, Any],
    log_volume: np.ndarray,
    method: str,
    trajectories: int,
    model: DiffusionModel,
    measure: str,
) -> Likelihood:
    """The `Likelihood` of what a method found in the model's units, with the log-volume of the rows
    added.

    Args:
        found: fields of a `Likelihood` by name.
        log_volume: `[N]`, from the model's units to the data's, nats.
        method: its name.
        trajectories: a row.
        model: that was walked, whole or thinned.
        measure: the base measure.
    """
    upper = found.get("upper")
    terms = found.get("terms", {})
    return Likelihood(
        lower=found["lower"] + log_volume,
        stderr=found["stderr"],
        ess=found["ess"],
        method=method,
        trajectories=trajectories,
        steps=model.trajectory_length,
        base_measure=measure,
        terms=terms | {"log_volume": log_volume} if terms else {},
        upper=None if upper is None else upper + log_volume,
        stderr_upper=found.get("stderr_upper"),
        upper_kind=found.get("upper_kind"),
    )
