"""`DiffusionImputer`: a density's imputations as a scikit-learn transformer."""

from dataclasses import replace
from typing import Any, Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from quasistatic.data.frames.container import PandasContainer
from quasistatic.data.table import Table, to_native
from quasistatic.errors import SchemaError
from quasistatic.estimator._nested import fresh_density
from quasistatic.estimator._validation import accept_tables, as_table
from quasistatic.estimator.density import DiffusionDensity
from quasistatic.fitted.imputation import impute
from quasistatic.posterior.budget import STEPS

__all__ = ["DiffusionImputer"]


class DiffusionImputer(TransformerMixin, BaseEstimator):
    """Fills missing cells given the other cells of their row.

    `transform` gives a point imputation (the median of a number's posterior, the most frequent
    category), or with `sample_posterior` one draw, as scikit-learn's `IterativeImputer` does. Cells
    that are there stay as they are, to the last bit. For several draws of one table see
    `DiffusionDensity.impute`. Columns that the schema leaves out (identifiers, free text) pass as
    they are.

    Args:
        density: an unfitted `DiffusionDensity` with the settings of the fit; None takes its
            defaults.
        sample_posterior: whether a draw takes the place of the point: right variances, a larger
            error of each cell (default False).
        particles: number of particles per row (default 32); more are more exact. It does not depend
            on the table, so that a row is filled alike in any.
        steps: length of the best sub-schedule that fills a row, T at most; by default 32 evenly
            spaced steps, T at most.
        random_state: seed of the fit (unless `density` has its own) and of the imputations.
            `transform` gives the same again.

    Attributes:
        density_: the fitted `DiffusionDensity`.
        n_features_in_: number of columns.
        feature_names_in_: names of the columns, where the table has names.

    Example:
        >>> import numpy as np
        >>> from quasistatic import DiffusionDensity, DiffusionImputer
        >>> x = np.random.default_rng(0).normal(size=(64, 2))
        >>> x[0, 1] = np.nan
        >>> settings = DiffusionDensity(max_steps=2, max_minutes=1, width=8, members=1)
        >>> filled = DiffusionImputer(settings, random_state=0).fit_transform(x)
        >>> bool(np.isfinite(filled).all()), bool((filled[1:] == x[1:]).all())
        (True, True)
    """

    n_features_in_: int
    feature_names_in_: np.ndarray

    def __init__(
        self,
        density: DiffusionDensity | None = None,
        *,
        sample_posterior: bool = False,
        particles: int = 32,
        steps: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.density = density
        self.sample_posterior = sample_posterior
        self.particles = particles
        self.steps = steps
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit the density of a table with holes.

        Args:
            X: a frame or an array, as for `DiffusionDensity.fit`; NaN and null are holes.
            y: ignored.

        Raises:
            DataError, SchemaError: the table cannot be modelled; a column without a single value is
                named.
        """
        table = as_table(self, X, reset=True)
        empty = [s.name for s in table.frame if s.null_count() == len(table) > 0]
        if empty:
            raise SchemaError(
                f"column(s) {', '.join(map(repr, empty))}: every cell is missing",
                where=table.source,
                fix="drop them: nothing tells what their cells could be",
            )
        random = check_random_state(self.random_state)
        self.density_ = fresh_density(self.density, random).fit(table)
        self._seed = int(random.randint(2**31 - 1))
        return self

    def transform(self, X: Any) -> Any:
        """The table with its holes filled, as the kind of frame that was given, its columns in the
        order of the fit.

        Raises:
            SchemaError: another set of columns, or a category that the fitted table had not.
        """
        check_is_fitted(self)
        table = as_table(self, X, reset=False)
        names = self.density_.feature_names_in_.tolist()
        absent = [name for name in names if name not in table.names]
        if absent:
            fix = f"the imputer was fitted on {', '.join(map(repr, names))}"
            raise SchemaError(
                f"missing column(s): {', '.join(map(repr, absent))}", where=table.source, fix=fix
            )
        fitted = self.density_.fitted_
        steps = None if self.steps is None else min(self.steps, fitted.model.trajectory_length)
        filled = impute(
            fitted, replace(table, frame=table.frame.select(names)), n_imputations=1,
            point=not self.sample_posterior, particles=self.particles, steps=steps,
            default_steps=STEPS, key=fitted.key(self._seed),
        )  # fmt: skip
        return _in_container(self, filled.tables[0].frame, table, X)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns of `transform`: those of the fit, none of them left out; `x0`, `x1`,
        ... of an array.

        Args:
            input_features: names of the columns (default None), ignored but for a check against the
                fit.

        Raises:
            ValueError: other names, or another number of them.
        """
        check_is_fitted(self)
        return np.asarray(_check_feature_names_in(self, input_features))

    def __sklearn_is_fitted__(self) -> bool:
        return "density_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        return accept_tables(super().__sklearn_tags__())


def _in_container(imputer: DiffusionImputer, frame: pl.DataFrame, table: Table, X: Any) -> Any:
    """The frame as `set_output` wants it, which scikit-learn itself would make with every dtype
    lost; by default the kind of X.
    """
    wanted, given = _get_output_config("transform", imputer)["dense"], table.container.backend
    if wanted == "polars":
        return frame
    if wanted == "pandas" and given != "pandas":
        return to_native(frame, PandasContainer())
    native = to_native(frame, table)
    if given == "pandas":
        native.index = X.index
    return native
