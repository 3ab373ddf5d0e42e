"""p(x | evidence) of a fitted density: what is given of some columns, any r(x), another density."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from quasistatic.compiled import require_own_process
from quasistatic.config import require_whole
from quasistatic.data.table import Table, to_native
from quasistatic.errors import DataError, SettingError, warn
from quasistatic.fitted._product import LogDensity, check_same_columns, one_space
from quasistatic.fitted._tied import rows_of
from quasistatic.fitted.conditions import read_condition
from quasistatic.fitted.model import Fitted, Seed
from quasistatic.posterior import AbstractEvidence, AllOf, Function
from quasistatic.posterior.condition import condition_rows, product_rows
from quasistatic.posterior.decode import DecodedRow, Units
from quasistatic.posterior.query import Posteriors
from quasistatic.trajectory import sample_rows
from quasistatic.typing import State

__all__ = ["ConditionedDensity", "Factor", "LogR", "condition", "posterior", "product"]

LogR = Callable[[dict[str, jax.Array]], jax.Array]
"""log r(x), nats, of one decoded row."""
_NAN_ROWS = 256
"""Rows of the model on which a user's log r is tried."""
_LEAST_EFFECTIVE = 0.02
"""Share of effective particles below which a warning is given."""


class Factor(NamedTuple):
    """r(x) in the model's space.

    Args:
        evidence: evidence of one row.
        log_volume: log-volume of the densities among the conditions, nats: from the model's units
            to the data's.
        base_measure: what log Z is a probability or a density of.
        log_r: user's function from one state to log r, nats; None (default) if there is none.
    """

    evidence: AbstractEvidence
    log_volume: float
    base_measure: str
    log_r: Callable[[State], jax.Array] | None = None


class ConditionedDensity:
    """p(x | evidence) of a fitted density; what `condition`, `posterior` and `product` return.

    Args:
        fitted: model and codec.
        factor: evidence that the density is conditioned on.
        ask: function that samples, with the parameters of `posterior.condition.condition_rows` (the
            default).
    """

    unit = "nats"

    def __init__(
        self,
        fitted: Fitted,
        factor: Factor,
        ask: Callable[..., Posteriors] = condition_rows,
    ) -> None:
        self._fitted, self._factor, self._ask = fitted, factor, ask
        self._is_checked = factor.log_r is None
        self._last: Posteriors | None = None

    def sample(self, n_samples: int = 1, random_state: Seed = None, particles: int = 64) -> Any:
        """Rows, as the kind of frame that was fitted. `log_evidence`, `stderr` and `ess` are then
        those of these particles.

        Args:
            n_samples: number of rows (default 1), exactly so many.
            random_state: seed of the draws; by default the seed of the fit.
            particles: number of particles of each population, of which there are at least 8
                (default 64).

        Raises:
            DataError: the evidence is impossible under the model.
        """
        table = self.draw(n_samples, random_state, particles)
        return to_native(table.frame, table)

    def draw(self, n_samples: int = 1, random_state: Seed = None, particles: int = 64) -> Table:
        """The rows of `sample`, as a `Table`.

        Args:
            n_samples: number of rows (default 1), exactly so many.
            random_state: seed of the draws; by default the seed of the fit.
            particles: number of particles of each population (default 64).

        Raises:
            DataError: the evidence is impossible under the model.
        """
        found = self._run(n_samples, random_state, particles)
        return self._fitted.table_of([block[0] for block in found.draws], "the drawn rows")

    @property
    def base_measure(self) -> str:
        """What `log_evidence` is a probability or a density of."""
        return self._factor.base_measure

    @property
    def log_evidence(self) -> float:
        """log of the probability (density) of the evidence under the model, nats, in the data's own
        units; -inf if impossible.
        """
        return float(self._result().log_evidence[0]) + self._factor.log_volume

    @property
    def stderr(self) -> float:
        """Monte Carlo standard error of `log_evidence`, nats."""
        return float(self._result().stderr[0])

    @property
    def ess(self) -> float:
        """Effective number of particles behind the draws."""
        return float(self._result().ess[0])

    def _result(self) -> Posteriors:
        if self._last is None:
            self._warn_of_nan()
            fitted = self._fitted
            self._last = self._ask(fitted.model, self._factor.evidence, 1, key=fitted.key())
        return self._last

    def _run(self, n: int, random_state: Seed, particles: int) -> Posteriors:
        if not isinstance(n, int | np.integer) or n < 0:
            raise SettingError(f"n_samples = {n!r} must be a whole number, not negative")
        require_whole("particles", particles, 2)
        self._warn_of_nan()
        key = self._fitted.key(random_state)
        found = self._ask(
            self._fitted.model, self._factor.evidence, int(n), key=key, particles=int(particles)
        )
        self._last = found
        if found.impossible[0]:
            raise DataError(
                "the condition is impossible under the model: log evidence -inf, no row is "
                "returned",
                fix="check the values and ranges against the columns of the table",
            )
        if found.ess[0] < _LEAST_EFFECTIVE * found.particles:
            warn(
                f"only {found.ess[0]:.1f} of {found.particles} particles are effective: the "
                "condition is far from what the model expects, and the rows may repeat each other; "
                "more particles help"
            )
        return found

    def _warn_of_nan(self) -> None:
        """One warning if log_r is NaN anywhere among rows of the model."""
        log_r = self._factor.log_r
        if self._is_checked or log_r is None:
            return
        self._is_checked = True
        states = sample_rows(self._fitted.model, _NAN_ROWS, key=self._fitted.key())
        nan = np.count_nonzero(np.isnan(jax.jit(jax.vmap(log_r))(states)))
        if nan:
            warn(
                f"log_r is NaN for {nan} of {_NAN_ROWS} rows that the model generates: there r "
                "counts as 0, and particles that arrive there are lost; return -inf where the row "
                "is impossible"
            )


def condition(fitted: Fitted, given: Mapping[Any, Any]) -> ConditionedDensity:
    """p(the other columns | what is given).

    Args:
        fitted: model and codec.
        given: conditions by column: a value, `between(low, high)`, a list of categories, or a dict
            from categories to weights; or by form of numbers ("end - start"): a value or
            `between(low, high)`.

    Raises:
        SchemaError: an unknown column or category.
        DataError: a range without a value.
    """
    require_own_process()
    return ConditionedDensity(fitted, Factor(*read_condition(fitted.codec, given, fitted.ties)))


def posterior(
    fitted: Fitted, log_r: LogR, given: Mapping[Any, Any] | None = None, guided: bool = True
) -> ConditionedDensity:
    """p(x) r(x) / Z for any r.

    Args:
        fitted: model and codec.
        log_r: JAX function from one decoded row (a dict: numbers in their own units, categories as
            their number in the schema, counted from 0; of a table with constraints, those that are
            numbers as numbers) to log r, nats; NaN counts as r = 0.
        given: further conditions, as for `condition` (default: none).
        guided: whether the gradient of log_r, and single changes of categories, guide the particles
            (default True).

    Raises:
        SchemaError: an unknown column or category.
        DataError: a range without a value.
    """
    require_own_process()
    factor = _factor(fitted, log_r, given, guided)
    return ConditionedDensity(
        fitted, factor._replace(base_measure=f"{factor.base_measure}; times r(x)")
    )


def product(
    fitted: Fitted,
    other: Fitted,
    log_r: LogR | None = None,
    given: Mapping[Any, Any] | None = None,
    trajectories: int = 16,
) -> ConditionedDensity:
    """p(x) p'(x) r(x) / Z with another fitted density p' of the same columns.

    Args:
        fitted: model and codec of the density p.
        other: model and codec of the density p'.
        log_r: JAX function from one decoded row to log r, nats, as for `posterior`; None (default)
            is r = 1.
        given: further conditions, as for `condition` (default: none).
        trajectories: number of trajectories behind an estimate of p'(x) (default 16).

    Raises:
        SchemaError: the columns differ, by name, kind or categories.
    """
    check_same_columns(fitted.schema, other.schema)
    factor = _factor(fitted, log_r, given, guided=True)
    ask = partial(
        product_rows,
        expert=other.model if one_space(fitted, other) else None,
        log_p=LogDensity(fitted, other, trajectories),
    )
    words = f"{factor.base_measure}; times p'(x): {other.schema.base_measure()}"
    return ConditionedDensity(fitted, factor._replace(base_measure=words), ask)


def _factor(
    fitted: Fitted, log_r: LogR | None, given: Mapping[Any, Any] | None, guided: bool
) -> Factor:
    """Conditions and a user's function as one factor."""
    codec = fitted.codec
    factor = Factor(*read_condition(codec, given or {}, fitted.ties))
    if log_r is None:
        return factor
    ties = fitted.ties
    decoded = DecodedRow(Units.of(codec), codec) if ties is None else rows_of(codec, ties)

    def of_state(x_0: State) -> jax.Array:
        return log_r(decoded(x_0))

    evidence = AllOf((factor.evidence, Function(of_state, guided)))
    return factor._replace(evidence=evidence, log_r=of_state)
