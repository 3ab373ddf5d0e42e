"""`DiffusionOutlierDetector`: rows that are unusual under a density, and the column most to blame
for each.
"""

from typing import Any, Literal, Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from quasistatic.config import require_whole
from quasistatic.data.frames.container import unlabelled
from quasistatic.data.table import Table, to_native
from quasistatic.errors import DataError, SettingError
from quasistatic.estimator._nested import fresh_density
from quasistatic.estimator._validation import accept_tables, as_table
from quasistatic.estimator.density import DiffusionDensity
from quasistatic.fitted.columns import PARTICLES, Tails
from quasistatic.fitted.scores import REFERENCE_ROWS, SCORES, Basis, check_score

__all__ = ["DiffusionOutlierDetector", "ScoreName"]

ScoreName = Literal["bound", "ais", "conditional", "typicality"]
_FALSE_ALARMS = 0.01
"""Share of the reference rows that contamination="auto" calls outliers."""


class DiffusionOutlierDetector(OutlierMixin, BaseEstimator):
    """Rows that are unusual under a `DiffusionDensity`.

    The scores are told in `fitted.scores`: "bound" and "ais" are bounds on log p of the row,
    "conditional" is minus the largest surprise of a single cell given the others of its row
    (`fitted.columns`), "typicality" minus the distance of log p from that of rows the model
    generates. All are in nats, and higher is more usual. Rows with holes are scored by the cells
    that are there.

    Args:
        density: an unfitted `DiffusionDensity` with the settings of the fit; None takes its
            defaults.
        method: method of scoring, "bound", "ais", "conditional" or "typicality" (scikit-learn keeps
            the name `score` for a method).
        contamination: share of outliers in the table of the fit, in (0, 0.5]: as many rows lie
            below `offset_`. "auto" sets it so that one in a hundred of the reference rows does.
        particles: number of particles of a conditional log-probability (default 16); more are more
            exact.
        steps: length of the best sub-schedule of its walk, T at most; by default 16 evenly spaced
            steps, or as many as there are columns.
        random_state: seed of the fit (unless `density` has its own) and of the noise in the scores;
            a row has the same score again.

    Attributes:
        density_: the fitted `DiffusionDensity`.
        offset_: threshold of the score: `predict` gives -1 where `score_samples` is below it.
        reference_: `Table` of at most 256 rows that say what is usual, of the fit or generated
            (`from_density`).
        n_features_in_: number of columns.
        feature_names_in_: names of the columns, where the table has names.

    Example:
        >>> import numpy as np
        >>> from quasistatic import DiffusionDensity, DiffusionOutlierDetector
        >>> x = np.random.default_rng(0).normal(size=(64, 2))
        >>> settings = DiffusionDensity(max_steps=20, max_minutes=1, trajectory_length=4)
        >>> found = DiffusionOutlierDetector(settings, method="conditional", random_state=0).fit(x)
        >>> odd = np.array([[0.0, 9.0], [0.1, -0.2]])
        >>> found.predict(odd), found.blame(odd)[0]
        (array([-1,  1]), 'x1')
    """

    n_features_in_: int
    feature_names_in_: np.ndarray

    def __init__(
        self,
        density: DiffusionDensity | None = None,
        *,
        method: ScoreName = "conditional",
        contamination: float | Literal["auto"] = "auto",
        particles: int = PARTICLES,
        steps: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.density = density
        self.method = method
        self.contamination = contamination
        self.particles = particles
        self.steps = steps
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit the density of a table, and what is usual of its rows.

        Args:
            X: a frame or an array, as for `DiffusionDensity.fit`; missing cells are accepted.
            y: ignored.

        Raises:
            SettingError: a setting without meaning.
            DataError, SchemaError: the table cannot be modelled.
        """
        self._check()
        table = as_table(self, X, reset=True)
        random = check_random_state(self.random_state)
        density = fresh_density(self.density, random).fit(table)
        seed = int(random.randint(2**31 - 1))
        some = np.sort(random.permutation(len(table))[:REFERENCE_ROWS])
        return self._calibrate(
            density,
            Basis(density.fitted_, seed, self.particles, self.steps),
            table.take(some),
            table,
        )

    @classmethod
    def from_density(
        cls,
        density: DiffusionDensity,
        *,
        method: ScoreName = "conditional",
        contamination: float | Literal["auto"] = "auto",
        particles: int = PARTICLES,
        steps: int | None = None,
        random_state: int = 0,
    ) -> Self:
        """A detector of a density that is fitted already (see `load`); the reference rows are those
        that it generates.

        Args:
            density: fitted `DiffusionDensity`.
            method: method of scoring, "bound", "ais", "conditional" (default) or "typicality".
            contamination: share of *generated* rows below `offset_`, in (0, 0.5]; "auto" (default)
                sets it so that one in a hundred of them lies there.
            particles: number of particles of a conditional log-probability (default 16).
            steps: length of the best sub-schedule of the particles' walk, T at most; by default 16
                evenly spaced steps, or as many as there are columns.
            random_state: seed of the generated rows and of the noise (default 0).

        Raises:
            SettingError: a setting without meaning.
        """
        check_is_fitted(density)
        found = cls(
            method=method,
            contamination=contamination,
            particles=particles,
            steps=steps,
            random_state=random_state,
        )
        found._check()
        basis = Basis(density.fitted_, int(random_state), particles, steps)
        found.n_features_in_ = density.n_features_in_
        if "feature_names_in_" in vars(density):
            found.feature_names_in_ = density.feature_names_in_
        generated = basis.generated()
        return found._calibrate(density, basis, generated, generated)

    def _check(self) -> None:
        check_score(self.method)
        share = self.contamination
        if share != "auto" and not (
            isinstance(share, int | float | np.number) and 0 < share <= 0.5
        ):
            raise SettingError(
                f"contamination = {share!r} is neither 'auto' nor a share in (0, 0.5]"
            )

    def _calibrate(
        self, density: DiffusionDensity, basis: Basis, reference: Table, everything: Table
    ) -> Self:
        self.density_, self.reference_, self._basis = density, reference, basis
        self._tails: Tails | None = None
        automatic = self.contamination == "auto"
        share = _FALSE_ALARMS if automatic else float(self.contamination)
        scores = self._scores(reference if automatic else everything)
        self.offset_ = float(np.quantile(scores, share))
        return self

    def _usual(self) -> Tails:
        """What is usual of the columns' conditionals; made when first asked for."""
        if self._tails is None:
            self._tails = Tails.of(self._basis.conditionals(self.reference_).log_p)
        return self._tails

    def _scores(self, table: Table) -> np.ndarray:
        return SCORES[self.method](self._basis, table, self._usual)

    def _table(self, X: Any) -> Table:
        check_is_fitted(self)
        table = as_table(self, X, reset=False)
        if len(table) == 0:
            raise DataError("there are no rows to score", where=table.source)
        return table

    def score_samples(self, X: Any) -> np.ndarray:
        """The score of every row `[N]`, nats: higher is more usual.

        Raises:
            DataError, SchemaError: rows that the model cannot score.
        """
        return self._scores(self._table(X))

    def decision_function(self, X: Any) -> np.ndarray:
        """`score_samples(X) - offset_`, nats `[N]`: negative for outliers."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> np.ndarray:
        """-1 for outliers, 1 for all other rows `[N]`."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def column_scores(self, X: Any) -> Any:
        """log p(x_j | the other cells of the row), nats, in the units of column j, of every cell.

        Returns:
            An array `[N, C]` for an array, else a frame with the columns of the table that the
            model knows; NaN (null) for a hole.
        """
        table = self._table(X)
        found = self._basis.conditionals(table)
        frame = pl.DataFrame(found.log_p, schema=list(found.names)).fill_nan(None)
        if table.container.backend == "polars-lazy":
            return frame
        native: Any = to_native(frame, unlabelled(table.container))
        if table.container.backend == "pandas":
            native.index = X.index
        return native

    def blame(self, X: Any) -> np.ndarray:
        """The column of every row with the largest surprise, names `[N]`; None for a row without a
        cell.
        """
        return np.asarray(self.explain(self._table(X))["column"].to_list(), dtype=object)

    def explain(self, X: Any) -> pl.DataFrame:
        """The column most to blame in every row: `column`, `log_p` (given the others of the row)
        and `surprise`, nats.
        """
        found = self._basis.conditionals(self._table(X))
        surprise = self._usual().surprise(found.log_p)
        at = np.argmax(np.nan_to_num(surprise, nan=-1.0), axis=1)
        rows = np.arange(len(at))
        known = np.isfinite(surprise[rows, at])
        columns = [found.names[j] if k else None for j, k in zip(at, known, strict=True)]
        values = {"log_p": found.log_p[rows, at], "surprise": surprise[rows, at]}
        return pl.DataFrame({"column": pl.Series(columns, dtype=pl.String), **values}).fill_nan(
            None
        )

    def ranking(self, X: Any, top: int | None = None) -> pl.DataFrame:
        """The most unusual rows first, with what is to blame.

        Args:
            X: rows with the columns of the fitted table.
            top: number of rows that are ranked; None (default) ranks all.

        Returns:
            Columns `rank` (1 is the most unusual), `row` (of X, counted from 1), `score`, and those
            of `explain`.

        Raises:
            SettingError: top below 1.
        """
        if top is not None:
            require_whole("top", top, 1)
        table = self._table(X)
        if self.method == "conditional":  # the same numbers tell who is to blame
            explained = self.explain(table)
            scores = -explained["surprise"].fill_null(0.0).to_numpy()
            order = np.argsort(scores, kind="stable")[:top]
            explained = explained[order]
        else:
            scores = self._scores(table)
            order = np.argsort(scores, kind="stable")[:top]
            explained = self.explain(table.take(order))
        numbers = {"rank": np.arange(1, len(order) + 1), "row": order + 1, "score": scores[order]}
        return pl.concat([pl.DataFrame(numbers), explained], how="horizontal")

    def __sklearn_is_fitted__(self) -> bool:
        return "density_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        return accept_tables(super().__sklearn_tags__())
