"""Questions to a fitted density: fill holes, condition, remove noise, any r(x)."""

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from sklearn.utils.validation import check_is_fitted

from quasistatic.data.cells import Cells
from quasistatic.data.codec import Codec
from quasistatic.data.table import Table, to_native
from quasistatic.errors import DataError, SettingError
from quasistatic.estimator.conditioned import ConditionedDensity
from quasistatic.estimator.conditions import read_condition
from quasistatic.estimator.far import warn_of_far_cells
from quasistatic.estimator.fillings import point_of
from quasistatic.estimator.noise import of_all_numbers, on_lattice
from quasistatic.estimator.parts import FittedParts, Seed
from quasistatic.estimator.product import LogDensity, check_same_columns, one_space
from quasistatic.estimator.tables import as_table
from quasistatic.posterior import AbstractEvidence, AllOf, Function, Measured, Observed
from quasistatic.posterior.budget import MOST_PARTICLES, effort, shortened
from quasistatic.posterior.condition import product_rows
from quasistatic.posterior.decode import DecodedRow, Units
from quasistatic.posterior.query import Posteriors, impute_rows, posterior_rows
from quasistatic.typing import State


class Filled(NamedTuple):
    """A table with its holes filled n times.

    Args:
        frames: n of them.
        log_evidence: `[N]` log of the probability (density) of the cells that are there, nats, in
            the data's own units; NaN for rows without a hole.
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
        particles: int | None = None,
        steps: int | None = None,
    ) -> Any:
        """The table with its holes filled by draws given the cells that are there; `n_imputations`
        tables in a list.

        Observed cells are given back as they were. The draws of a row come from one population of
        particles: each is a draw of the posterior, two of them are a little more alike than
        independent ones. Equal rows get different draws.

        Args:
            X: rows with the columns of the fitted table.
            n_imputations: how many tables.
            random_state: seed; by default the seed of the fit.
            point: one table in place of the list: the median of numbers, the most frequent
                category, of as many draws as there are particles, 128 at most.
            particles: a row; by default 16 to 128, more for small tables
                (`posterior.budget.effort`).
            steps: of the walk, evenly taken from T; by default at most 64 for small tables and 32
                for large ones.

        Raises:
            SettingError: `point` with several imputations, or a number below 1.
        """
        check_is_fitted(self)
        table = as_table(self, X, reset=False)
        found = self.fill_tables(
            table.frame, table.source, n_imputations, random_state, point, particles, steps
        )
        native = [to_native(frame, table) for frame in found.frames]
        return native[0] if point else native

    def fill_tables(
        self,
        frame: pl.DataFrame,
        source: str,
        n_imputations: int = 5,
        random_state: Seed = None,
        point: bool = False,
        particles: int | None = None,
        steps: int | None = None,
    ) -> Filled:
        """Filled polars frames with the log evidence of what is there; see `impute`."""
        if n_imputations < 1 or (particles is not None and particles < 1):
            raise SettingError(
                f"n_imputations = {n_imputations} and particles = {particles} must be at least 1"
            )
        if point and n_imputations != 1:
            raise SettingError(
                "a point imputation is one table", fix="give n_imputations=1 with point=True"
            )
        codec = self._fitted.codec
        encoded = codec.encode(Table(frame, source))
        warn_of_far_cells(codec, encoded.rows, source, stacklevel=4, among=~encoded.whole)
        worth = effort(int(np.count_nonzero(~encoded.whole)), self.model_.forward.n_columns)
        particles = max(worth.particles if particles is None else particles, n_imputations)
        draws = min(particles, MOST_PARTICLES) if point else n_imputations
        found = impute_rows(
            shortened(self.model_, worth.steps if steps is None else steps), encoded.rows, n_imputations=draws,
            particles=particles, key=self._key(random_state),
        )  # fmt: skip
        _refuse_impossible(found.impossible, source)
        collapsed = np.count_nonzero(found.ess < 1.5)
        if collapsed:
            warnings.warn(
                f"{source}: the particles of {collapsed} row(s) collapsed to one (lowest effective number "
                f"{np.nanmin(found.ess):.1f} of {particles}): their imputations are hardly different; more particles help",
                stacklevel=3,
            )
        decoded = [codec.decode([block[:, i] for block in found.draws]) for i in range(draws)]
        filled = [point_of(decoded, codec.schema)] if point else decoded
        return Filled(
            [_kept(frame, d) for d in filled], found.log_evidence + encoded.log_volume, found.ess
        )

    def condition(self, given: Mapping[str, Any]) -> ConditionedDensity:
        """p(the other columns | what is given): an object with `sample(n)`, `log_evidence`,
        `stderr` and `ess`.

        Args:
            given: per column a value, `between(low, high)`, a list of categories, or a dict from
                categories to weights.

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
            log_r: a JAX function from one decoded row (a dict: numbers in their own units,
                categories as their number in the schema, counted from 0) to log r, nats. NaN counts
                as r = 0, with a warning.
            given: conditions besides, as for `condition`.
            guided: use the gradient of log_r, and single changes of categories; False for a
                function without one.
        """
        check_is_fitted(self)
        evidence, log_volume, measure, of_state = self._factor(log_r, given, guided)
        return ConditionedDensity(self, evidence, log_volume, f"{measure}; times r(x)", of_state)

    def product(
        self,
        other: "PosteriorMethods",
        log_r: Callable[[dict[str, jax.Array]], jax.Array] | None = None,
        given: Mapping[str, Any] | None = None,
        trajectories: int = 16,
    ) -> ConditionedDensity:
        """p(x) p'(x) r(x) / Z with another fitted density p' of the same columns; `log_evidence` is
        log Z = log E_p p' r.

        Every row is weighed with an unbiased estimate of p'(x), in the data's own units. Where both
        densities live in one space (equal transforms and atoms of the numbers, equal T: those of
        one table do) the product of their kernels guides the walk (`posterior.walks.product`); otherwise
        p' speaks with the last weight only, and more particles are needed.

        Args:
            other: p'.
            log_r: as for `posterior`.
            given: as for `condition`.
            trajectories: behind an estimate of p'(x).

        Raises:
            SchemaError: the columns differ, by name, kind or categories.
        """
        check_is_fitted(self)
        check_is_fitted(other)
        check_same_columns(self.schema_, other.schema_)
        evidence, log_volume, measure, of_state = self._factor(log_r, given, guided=True)
        ask = partial(
            product_rows,
            expert=other.model_ if one_space(self._fitted, other._fitted) else None,
            log_p=LogDensity(self, other, trajectories),
        )
        words = f"{measure}; times p'(x): {other.schema_.base_measure()}"
        return ConditionedDensity(self, evidence, log_volume, words, of_state, ask)

    def _factor(
        self,
        log_r: Callable[[dict[str, jax.Array]], jax.Array] | None,
        given: Mapping[str, Any] | None,
        guided: bool,
    ) -> tuple[AbstractEvidence, float, str, Callable[[State], jax.Array] | None]:
        """Evidence of conditions and a user's function, with its log-volume, base measure, and the
        function of a state.
        """
        codec = self._fitted.codec
        evidence, log_volume, measure = read_condition(codec, given or {})
        if log_r is None:
            return evidence, log_volume, measure, None
        decoded = DecodedRow(Units.of(codec), codec)

        def of_state(x_0: State) -> jax.Array:
            return log_r(decoded(x_0))

        return AllOf((evidence, Function(of_state, guided))), log_volume, measure, of_state

    def denoise(
        self,
        X: Any,
        sigma: Mapping[str, float] | float,
        n_draws: int = 64,
        random_state: Seed = None,
        particles: int = 64,
    ) -> Any:
        """The posterior mean of noisy columns, given all cells of their row; missing cells of these
        columns are filled likewise.

        Args:
            X: rows with the columns of the fitted table.
            sigma: standard deviation of the Gaussian noise of each noisy column, in its units; one
                number for all columns of numbers (the pixels of an image, say).
            n_draws: behind each mean.
            random_state: seed; by default the seed of the fit.
            particles: a row.

        Raises:
            SettingError: sigma <= 0, an unknown column, or one without numbers.
        """
        check_is_fitted(self)
        table = as_table(self, X, reset=False)
        return to_native(
            self.denoise_table(table.frame, table.source, sigma, n_draws, random_state, particles),
            table,
        )

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
        sigma = sigma if isinstance(sigma, Mapping) else of_all_numbers(codec, sigma)
        rows = codec.encode(Table(on_lattice(frame, source, codec, sigma), source)).rows
        evidence = _noisy_rows(codec, rows, frame, sigma)
        warn_of_far_cells(codec, rows, source, stacklevel=4)
        found: Posteriors = posterior_rows(
            self.model_,
            evidence,
            draws=n_draws,
            particles=max(particles, n_draws),
            key=self._key(random_state),
        )
        _refuse_impossible(found.impossible, source)
        decoded = [codec.decode([block[:, i] for block in found.draws]) for i in range(n_draws)]
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


def _noisy_rows(
    codec: Codec, rows: tuple[Cells, ...], frame: pl.DataFrame, sigma: Mapping[str, float]
) -> AbstractEvidence:
    """Evidence of all rows: noisy columns as measurements, the others as they are."""
    for name, value in sigma.items():
        if name not in codec.continuous_names or codec.schema.column(name).kind == "datetime":
            fix = f"numbers are {', '.join(map(repr, codec.continuous_names))}"
            raise SettingError(
                f"sigma is given for {name!r}, which is no column of numbers of the model", fix=fix
            )
        if not (np.isfinite(value) and value > 0):
            raise SettingError(f"sigma of {name!r} is {value!r}; it must be positive")
    if not sigma:
        raise SettingError("no column is noisy", fix="give sigma={'column': standard deviation}")
    noisy = np.array([name in sigma for name in codec.continuous_names])
    z = rows[codec.places(next(iter(sigma)))[0].block]
    seen = z.observed & noisy
    values = np.stack(
        [
            frame[n].cast(pl.Float64, strict=False).fill_null(0.0).to_numpy()
            for n in codec.continuous_names
        ],
        1,
    )
    known = codec.without(rows, sigma)  # at which atom a noisy cell is, is not known either
    widths = np.array([sigma.get(name, 1.0) for name in codec.continuous_names], np.float32)
    units = Units.of(codec)
    repeated = jax.tree.map(
        lambda x: np.broadcast_to(np.asarray(x), (len(values), *x.shape)), units
    )
    measured = Measured(
        jnp.asarray(values, jnp.float32),
        jnp.broadcast_to(widths, values.shape),
        jnp.asarray(seen),
        repeated,
    )
    return AllOf((Observed.of(known), measured))


def _kept(frame: pl.DataFrame, filled: pl.DataFrame) -> pl.DataFrame:
    """The frame with its nulls taken from `filled`; other columns and all observed cells stay as
    they are.
    """
    columns = []
    for name in filled.columns:
        there, drawn = frame[name], filled[name]
        columns.append(
            drawn
            if there.dtype == pl.Null
            else there.zip_with(there.is_not_null(), drawn.cast(there.dtype, strict=False))
        )
    return frame.with_columns(columns)
