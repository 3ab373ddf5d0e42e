"""Questions to a fitted density: fill holes, condition, remove noise, any r(x)."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from sklearn.utils.validation import check_is_fitted

from quasistatic.data.cells import Cells
from quasistatic.data.codec import Codec
from quasistatic.data.numbers import as_numbers, check_finite
from quasistatic.data.table import Table, to_native
from quasistatic.errors import DataError, SettingError
from quasistatic.estimator.conditions import read_condition
from quasistatic.estimator.fillings import point_of
from quasistatic.estimator.parts import FittedParts, Seed
from quasistatic.estimator.tables import as_table
from quasistatic.model import DiffusionModel, thin
from quasistatic.posterior import AbstractEvidence, AllOf, Function, Observed
from quasistatic.posterior.measured import Measured
from quasistatic.posterior.query import Conditioned, RowPosteriors, condition_rows, impute_rows, posterior_rows
from quasistatic.posterior.units import DecodedRow, Units

PARTICLES = 16
"""Of a row to be filled."""
STEPS = 32
"""Steps of the walk that fills holes, evenly taken from a longer trajectory."""
POINT_DRAWS = 16
"""Draws behind a point imputation."""


class ConditionedDensity:
    """p(x | evidence) of a fitted density; what `condition` and `posterior` return.

    Args:
        density: the fitted density.
        evidence: in the model's space, of one row.
        log_volume: of the densities among the conditions, nats.
        base_measure: what `log_evidence` is a probability or a density of.
    """

    unit = "nats"

    def __init__(
        self, density: "PosteriorMethods", evidence: AbstractEvidence, log_volume: float, base_measure: str
    ) -> None:
        self.density, self.evidence, self.log_volume = density, evidence, log_volume
        self.base_measure = base_measure
        self._last: Conditioned | None = None

    def sample(self, n_samples: int = 1, random_state: Seed = None, particles: int = 64) -> Any:
        """Exactly so many rows, as the kind of frame that was fitted; see `sample_table`."""
        frame = self.sample_table(n_samples, random_state, particles)
        return to_native(frame, self.density.schema_.container)

    def sample_table(self, n_samples: int = 1, random_state: Seed = None, particles: int = 64) -> pl.DataFrame:
        """Rows as a polars frame. `log_evidence`, `stderr` and `ess` are then of these particles.

        Args:
            n_samples: how many.
            random_state: seed; by default the seed of the fit.
            particles: of each of the populations, of which there are at least 8.

        Raises:
            DataError: the evidence is impossible under the model.
        """
        found = self._run(n_samples, random_state, particles)
        return self.density._fitted.codec.decode(_as_tuple(found.states))

    @property
    def log_evidence(self) -> float:
        """log of the probability (density) of the evidence under the model, nats, in the data's own units; -inf if impossible."""
        return self._result().log_evidence + self.log_volume

    @property
    def stderr(self) -> float:
        """Monte Carlo standard error of `log_evidence`, nats."""
        return self._result().stderr

    @property
    def ess(self) -> float:
        """Effective number of particles behind the draws."""
        return self._result().ess

    def _result(self) -> Conditioned:
        if self._last is None:
            self._last = condition_rows(self.density.model_, self.evidence, 1, key=self.density._key(None))
        return self._last

    def _run(self, n: int, random_state: Seed, particles: int) -> Conditioned:
        if not isinstance(n, int | np.integer) or n < 0:
            raise SettingError(f"n_samples = {n!r} must be a whole number, not negative")
        if particles < 2:
            raise SettingError(f"particles = {particles!r} must be at least 2")
        key = self.density._key(random_state)
        found = condition_rows(self.density.model_, self.evidence, int(n), key=key, particles=int(particles))
        self._last = found
        if not np.isfinite(found.log_evidence):
            raise DataError(
                "the condition is impossible under the model: log evidence -inf, no row is returned",
                fix="check the values and ranges against the columns of the table",
            )
        if found.ess < 0.02 * found.particles:
            warnings.warn(
                f"only {found.ess:.1f} of {found.particles} particles are effective: the condition is far from what the model expects, "
                "and the rows may repeat each other; more particles help",
                stacklevel=3,
            )
        return found


class Filled(NamedTuple):
    """A table with its holes filled n times.

    Args:
        frames: n of them.
        log_evidence: `[N]` log of the probability (density) of the cells that are there, nats, in the data's own units; NaN for rows
            without a hole.
        ess: `[N]` effective number of particles, NaN likewise.
    """

    frames: list[pl.DataFrame]
    log_evidence: np.ndarray
    ess: np.ndarray


class PosteriorMethods(FittedParts):
    """Methods of `DiffusionDensity` that ask for a posterior."""

    def impute(
        self,
        X: Any,
        n_imputations: int = 5,
        random_state: Seed = None,
        point: bool = False,
        particles: int = PARTICLES,
        steps: int | None = None,
    ) -> Any:
        """The table with its holes filled by draws given the cells that are there; `n_imputations` tables in a list.

        Observed cells are given back as they were. The draws of a row come from one population of particles: each is a draw of the
        posterior, two of them are a little more alike than independent ones. Equal rows get different draws.

        Args:
            X: rows with the columns of the fitted table.
            n_imputations: how many tables.
            random_state: seed; by default the seed of the fit.
            point: one table in place of the list: the median of numbers, the most frequent category.
            particles: a row.
            steps: of the walk, evenly taken from T; by default at most 32.

        Raises:
            SettingError: `point` with several imputations, or a number below 1.
        """
        check_is_fitted(self)
        table = as_table(self, X, reset=False)
        frames = self.impute_tables(table.frame, table.source, n_imputations, random_state, point, particles, steps)
        native = [to_native(frame, table) for frame in frames]
        return native[0] if point else native

    def impute_tables(
        self,
        frame: pl.DataFrame,
        source: str,
        n_imputations: int = 5,
        random_state: Seed = None,
        point: bool = False,
        particles: int = PARTICLES,
        steps: int | None = None,
    ) -> list[pl.DataFrame]:
        """Filled polars frames; see `impute`."""
        return self.fill_tables(frame, source, n_imputations, random_state, point, particles, steps).frames

    def fill_tables(
        self,
        frame: pl.DataFrame,
        source: str,
        n_imputations: int = 5,
        random_state: Seed = None,
        point: bool = False,
        particles: int = PARTICLES,
        steps: int | None = None,
    ) -> "Filled":
        """Filled polars frames with the log evidence of what is there; see `impute`."""
        if n_imputations < 1 or particles < 1:
            raise SettingError(f"n_imputations = {n_imputations} and particles = {particles} must be at least 1")
        if point and n_imputations != 1:
            raise SettingError("a point imputation is one table", fix="give n_imputations=1 with point=True")
        codec = self._fitted.codec
        encoded = codec.encode(Table(frame, source))
        draws = POINT_DRAWS if point else n_imputations
        found = impute_rows(
            _shortened(self.model_, steps), encoded.rows, n_imputations=draws, particles=max(particles, draws),
            key=self._key(random_state),
        )  # fmt: skip
        _refuse_impossible(np.isneginf(found.log_evidence), source)
        collapsed = np.count_nonzero(found.ess < 1.5)
        if collapsed:
            warnings.warn(
                f"{source}: the particles of {collapsed} row(s) collapsed to one (lowest effective number "
                f"{np.nanmin(found.ess):.1f} of {max(particles, draws)}): their imputations are hardly different; more particles help",
                stacklevel=3,
            )
        decoded = [codec.decode([block[i] for block in _as_tuple(found.states)]) for i in range(draws)]
        filled = [point_of(decoded, codec.schema)] if point else decoded
        return Filled([_kept(frame, d) for d in filled], found.log_evidence + encoded.log_volume, found.ess)

    def condition(self, given: Mapping[str, Any]) -> ConditionedDensity:
        """p(the other columns | what is given): an object with `sample(n)`, `log_evidence`, `stderr` and `ess`.

        Args:
            given: per column a value, `between(low, high)`, a list of categories, or a dict from categories to weights.

        Raises:
            SchemaError: an unknown column or category.
            DataError: a range without a value.
        """
        check_is_fitted(self)
        return ConditionedDensity(self, *read_condition(self._fitted.codec, given))

    def posterior(
        self,
        log_r: Callable[[dict[str, jax.Array]], jax.Array],
        given: Mapping[str, Any] | None = None,
        guided: bool = True,
    ) -> ConditionedDensity:
        """p(x) r(x) / Z for any r; `log_evidence` is log Z = log E r.

        Args:
            log_r: a JAX function from one decoded row (a dict: numbers in their own units, categories as their number in the
                schema, counted from 0) to log r, nats. NaN counts as r = 0.
            given: conditions besides, as for `condition`.
            guided: use the gradient of log_r, and single changes of categories; False for a function without one.
        """
        check_is_fitted(self)
        codec = self._fitted.codec
        decoded = DecodedRow(Units.of(codec), codec)
        evidence, log_volume, measure = read_condition(codec, given or {})
        r = Function(lambda x_0: log_r(decoded(x_0)), guided)
        return ConditionedDensity(self, AllOf((evidence, r)), log_volume, f"{measure}; times r(x)")

    def denoise(
        self,
        X: Any,
        sigma: Mapping[str, float] | float,
        n_draws: int = 64,
        random_state: Seed = None,
        particles: int = 64,
    ) -> Any:
        """The posterior mean of noisy columns, given all cells of their row; missing cells of these columns are filled likewise.

        Args:
            X: rows with the columns of the fitted table.
            sigma: standard deviation of the Gaussian noise of each noisy column, in its units; one number for all columns of
                numbers (the pixels of an image, say).
            n_draws: behind each mean.
            random_state: seed; by default the seed of the fit.
            particles: a row.

        Raises:
            SettingError: sigma <= 0, an unknown column, or one without numbers.
        """
        check_is_fitted(self)
        table = as_table(self, X, reset=False)
        return to_native(self.denoise_table(table.frame, table.source, sigma, n_draws, random_state, particles), table)

    def denoise_table(
        self,
        frame: pl.DataFrame,
        source: str,
        sigma: Mapping[str, float] | float,
        n_draws: int = 64,
        random_state: Seed = None,
        particles: int = 64,
    ) -> pl.DataFrame:
        """The same as a polars frame; see `denoise`."""
        codec = self._fitted.codec
        sigma = sigma if isinstance(sigma, Mapping) else _of_all_numbers(codec, sigma)
        hidden = frame.with_columns(
            pl.lit(None, frame[name].dtype).alias(name) for name in sigma if name in frame.columns
        )
        evidence = _noisy_rows(codec, codec.encode(Table(hidden, source)).rows, frame, source, sigma)
        found: RowPosteriors = posterior_rows(
            self.model_, evidence, draws=n_draws, particles=max(particles, n_draws), key=self._key(random_state)
        )
        _refuse_impossible(found.impossible, source)
        decoded = [codec.decode([block[:, i] for block in _as_tuple(found.draws)]) for i in range(n_draws)]
        columns = []
        for name in sigma:
            mean = np.mean([d[name].cast(pl.Float64).to_numpy() for d in decoded], axis=0)
            columns.append(pl.Series(name, mean))
        return frame.with_columns(columns)


def _refuse_impossible(impossible: np.ndarray, source: str) -> None:
    """Name the first row whose evidence no particle met."""
    if impossible.any():
        raise DataError(
            f"{np.count_nonzero(impossible)} row(s) are impossible under the model: nothing is filled",
            where=f"{source}, row {np.argmax(impossible) + 1}",
            fix="check the values of this row, or ask for more particles",
        )


def _of_all_numbers(codec: Codec, sigma: float) -> dict[str, float]:
    """The same sigma for every column of numbers."""
    numbers = [c.name for c in codec.continuous if c.kind != "datetime"]
    if not numbers:
        raise SettingError("the model has no column of numbers to remove noise from", fix="ask for imputations instead")
    return dict.fromkeys(numbers, float(sigma))


def _numbers(series: pl.Series, source: str) -> np.ndarray:
    """Noisy numbers, which need not lie on the column's lattice; NaN where they are missing."""
    numbers = as_numbers(series, f"{source}, column {series.name!r}")
    check_finite(numbers, source)
    return numbers.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _noisy_rows(
    codec: Codec, rows: tuple[Cells, ...], frame: pl.DataFrame, source: str, sigma: Mapping[str, float]
) -> AbstractEvidence:
    """Evidence of all rows: noisy columns of `frame` as measurements, the cells of the others (`rows`) as they are."""
    for name, value in sigma.items():
        if name not in codec.continuous_names or codec.schema.column(name).kind == "datetime":
            fix = f"numbers are {', '.join(map(repr, codec.continuous_names))}"
            raise SettingError(f"sigma is given for {name!r}, which is no column of numbers of the model", fix=fix)
        if not (np.isfinite(value) and value > 0):
            raise SettingError(f"sigma of {name!r} is {value!r}; it must be positive")
    if not sigma:
        raise SettingError("no column is noisy", fix="give sigma={'column': standard deviation}")
    given = {name: _numbers(frame[name], source) for name in sigma}
    nothing = np.full(len(frame), np.nan)
    seen_values = np.stack([given.get(name, nothing) for name in codec.continuous_names], axis=1)
    seen = ~np.isnan(seen_values)
    values = np.where(seen, seen_values, 0.0)
    widths = np.array([sigma.get(name, 1.0) for name in codec.continuous_names], np.float32)
    units = Units.of(codec)
    repeated = jax.tree.map(lambda x: np.broadcast_to(np.asarray(x), (len(values), *x.shape)), units)
    measured = Measured(
        jnp.asarray(values, jnp.float32), jnp.broadcast_to(widths, values.shape), jnp.asarray(seen), repeated
    )
    return AllOf((Observed.of(rows), measured))


def _shortened(model: DiffusionModel, steps: int | None) -> DiffusionModel:
    T = model.trajectory_length
    wanted = STEPS if steps is None else steps
    if wanted < 1:
        raise SettingError(f"steps = {steps} must be at least 1")
    if wanted >= T:
        return model
    return thin(model, sorted({round((k + 1) * T / wanted) for k in range(wanted)}))


def _as_tuple(states: Any) -> tuple[np.ndarray, ...]:
    return states if isinstance(states, tuple) else (states,)


def _kept(frame: pl.DataFrame, filled: pl.DataFrame) -> pl.DataFrame:
    """The frame with its nulls taken from `filled`; other columns and all observed cells stay as they are."""
    columns = []
    for name in filled.columns:
        there, drawn = frame[name], filled[name]
        columns.append(
            drawn
            if there.dtype == pl.Null
            else there.zip_with(there.is_not_null(), drawn.cast(there.dtype, strict=False))
        )
    return frame.with_columns(columns)
