"""`DiffusionDensity`: a density model of a table in scikit-learn's contract."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from quasistatic.checkpoint import load_model, save_model, versions
from quasistatic.config import DiscreteKernel, ScheduleName
from quasistatic.data.columns.alternatives import Schemas, infer_schemas
from quasistatic.data.columns.transform import Choice
from quasistatic.data.schema import Schema
from quasistatic.data.table import to_native
from quasistatic.errors import ModelFolderError, SettingError
from quasistatic.estimator.holes import evaluate_table
from quasistatic.estimator.likelihood import Likelihood
from quasistatic.estimator.methods import in_own_units, trajectories_of
from quasistatic.estimator.parts import Seed
from quasistatic.estimator.posterior import PosteriorMethods
from quasistatic.estimator.tables import accept_tables, as_table
from quasistatic.estimator.thermodynamic import ThermodynamicMethods
from quasistatic.fitted.model import Fitted
from quasistatic.fitting import FitEvent, FitSettings, fit_table
from quasistatic.fitting.settings import Preset
from quasistatic.trajectory import sample_rows


class DiffusionDensity(PosteriorMethods, ThermodynamicMethods, DensityMixin, BaseEstimator):
    """A density model of a table of mixed columns.

    A forward process turns each row into noise in T steps (Gaussian for numbers, an absorbing state
    or a heat bath for categories), a network learns the reversal, and the chain's bound K gives the
    likelihood (Sohl-Dickstein et al. 2015).

    Settings that are None are chosen by the size of the table; on small tables several networks are
    tried and the one with the best bound on held-out rows is kept. Images get a U-Net, everything
    else a residual perceptron.

    Args:
        trajectory_length: number of steps T of the diffusion.
        discrete_kernel: forward kernel of binary and categorical columns: "absorbing" (default),
            "binomial" (heat bath towards the data's frequencies) or "categorical" (heat bath
            towards uniform frequencies).
        schedule: schedule of the continuous columns: "learned" (default), "linear" or "cosine".
        column_transform: transform of numbers before they diffuse: "affine" (standardised),
            "spline" (made normal), or "auto" (default), column by column the better one by its
            penalised likelihood.
        width: width of the network, units of its residual stream.
        depth: residual blocks of the network.
        dropout: dropout rate while training; the network of images has none.
        frequencies: octaves of Fourier features of each number (`forward.fourier`).
        members: networks of the deep ensemble: trained apart, their outputs averaged. By default 4
            below 2,000 rows (images: 1), otherwise 1; sampling and scoring take as many times the
            work.
        batch_size: rows in a batch.
        max_steps: optimiser steps at most.
        learning_rate: peak learning rate of AdamW (default 0.002).
        validation_fraction: share of the rows that decide when to stop (default 0.1), where a table
            is not cross-validated.
        patience: evaluations without improvement before training stops.
        max_minutes: minutes of training at most (default: no limit); the result then depends on the
            machine's speed. With less than 3 minutes a table below 2,000 rows is not
            cross-validated: one network is trained on nine tenths of it.
        preset: "default" or "thorough" (larger, longer).
        random_state: seed of the fit, an int, a `numpy.random.RandomState` or None (default: a new
            seed each time); the same seed, versions and device count give the same bytes.

    Attributes:
        schema_: `Schema` of the columns.
        model_: the trained `DiffusionModel`.
        history_: evaluations, a list of dicts with step, train_nats and valid_nats (nats per row,
            the data's units).
        manifest_: what is stored beside the model.
        n_features_in_: number of columns.
        feature_names_in_: their names, where the table has names.

    Example:
        >>> import numpy as np
        >>> from quasistatic import DiffusionDensity
        >>> x = np.random.default_rng(0).normal(size=(64, 2))
        >>> m = DiffusionDensity(max_steps=2, max_minutes=1, random_state=0).fit(x)
        >>> m.sample(3, random_state=1).shape
        (3, 2)
        >>> m.log_likelihood(x[:4], method="ais", trajectories=4).lower.shape
        (4,)
    """

    n_features_in_: int
    feature_names_in_: np.ndarray

    def __init__(
        self,
        *,
        trajectory_length: int | None = None,
        discrete_kernel: DiscreteKernel = "absorbing",
        schedule: ScheduleName = "learned",
        column_transform: Choice = "auto",
        width: int | None = None,
        depth: int | None = None,
        dropout: float | None = None,
        frequencies: int | None = None,
        members: int | None = None,
        batch_size: int | None = None,
        max_steps: int | None = None,
        learning_rate: float = 2e-3,
        validation_fraction: float = 0.1,
        patience: int | None = None,
        max_minutes: float | None = None,
        preset: Preset = "default",
        random_state: Any = None,
    ) -> None:
        self.trajectory_length = trajectory_length
        self.discrete_kernel = discrete_kernel
        self.schedule = schedule
        self.column_transform = column_transform
        self.width = width
        self.depth = depth
        self.dropout = dropout
        self.frequencies = frequencies
        self.members = members
        self.batch_size = batch_size
        self.max_steps = max_steps
        self.learning_rate = learning_rate
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.max_minutes = max_minutes
        self.preset = preset
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        schema: Schema | Schemas | dict[str, Any] | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        resume: bool = False,
        callback: Callable[[FitEvent], None] | None = None,
    ) -> Self:
        """Fit the density of a table, of images or of sequences.

        Args:
            X: a pandas, polars or pyarrow frame, a NumPy array, or a `Table` (see `read_table`);
                missing cells are accepted and assumed missing at random. Images are a uint8 array
                `[N, H, W]` or `[N, H, W, 3]`, or an `image_table`; sequences a `sequence_table`.
            y: ignored.
            schema: a `Schema`, or a dict of overrides such as `{"columns": {"zip": {"kind":
                "categorical"}}}`, or the answer of `infer_schemas`. What it leaves open (None: all)
                is inferred; between point masses that are in doubt held-out rows decide.
            checkpoint: folder of the training checkpoints; None (default) keeps none.
            resume: whether to go on from the checkpoint, with the same result as without the
                interruption (default False).
            callback: called with a `FitEvent` after each evaluation; None (default) calls nothing.

        Raises:
            DataError, SchemaError: the table cannot be modelled.
            SettingError: a setting without meaning.
            TrainingError: the bound did not stay finite, or the checkpoint is of another run.
        """
        given = self.get_params(deep=False)
        random_state = check_random_state(given.pop("random_state"))
        settings = FitSettings(**given, seed=int(random_state.randint(2**31 - 1)))
        table = as_table(self, X, reset=True)
        if isinstance(schema, Schema):
            schemas = Schemas((schema,))
        elif isinstance(schema, Schemas):
            schemas = schema
        else:
            schemas = infer_schemas(table, overrides=schema)
        fitted = fit_table(
            table,
            schemas,
            settings,
            checkpoint=None if checkpoint is None else Path(checkpoint),
            resume=resume,
            callback=callback,
        )
        return self._remember(fitted)

    def _remember(self, fitted: Fitted) -> Self:
        self.fitted_ = fitted
        self.model_, self.schema_ = fitted.model, fitted.codec.schema
        self.history_ = fitted.record["history"]
        self.manifest_ = {"versions": versions(), **fitted.record}
        return self

    def log_likelihood(
        self,
        X: Any,
        method: Literal["bound", "ais", "smc", "sandwich"] = "bound",
        trajectories: int | None = None,
        random_state: Seed = None,
        steps: int | None = None,
    ) -> Likelihood:
        """Bounds on log p of every row, nats, in the data's own units.

        Args:
            X: rows with the columns of the fitted table. A row with missing cells gets the
                log-likelihood of the cells that are there, of the joint model, by sequential Monte
                Carlo (see `holes`); "sandwich" refuses it by its number.
            method: "bound" is K, the mean over draws of the full sum over t. "ais" is `log mean
                exp(-W)` over independent forward trajectories (annealed importance sampling,
                Jarzynski): tighter, and tighter still with more of them. "smc" resamples them on
                their way (sequential Monte Carlo). "sandwich" is "ais" with an upper side from a
                chain of trajectories, which is above log p in the limit of many of them
                (`upper_kind` "asymptotic").
            trajectories: draws per row; by default 2 for "bound", 16 for "ais" and "smc", 64 for
                "sandwich". One draw has no standard error (NaN).
            random_state: seed of the noise; by default the seed of the fit. A row's noise depends
                on its content and the seed alone.
            steps: walk the best sub-schedule of so many of the T steps: faster, and a looser bound.

        Returns:
            A `Likelihood`.

        Raises:
            SettingError: an unknown method, too few trajectories, or steps out of range.
            DataError, SchemaError: rows that the model cannot score.
        """
        n = trajectories_of(method, trajectories)
        encoded = self._encode(
            X, whole="only whole rows have an upper side" if method == "sandwich" else ""
        )
        model = self._walked(steps)
        found = evaluate_table(model, encoded, method, n, key=self._key(random_state))
        measure = self.schema_.base_measure() + (
            "" if encoded.whole.all() else "; of each row's observed cells alone"
        )
        return in_own_units(found, encoded.log_volume, method, n, model, measure)

    def score_samples(self, X: Any) -> np.ndarray:
        """The bound K of every row, nats `[N]`: `log_likelihood(X).lower`."""
        return self.log_likelihood(X).lower

    def score(self, X: Any, y: Any = None) -> float:
        """Mean of `score_samples`, nats per row."""
        return float(np.mean(self.score_samples(X)))

    def sample(
        self, n_samples: int = 1, random_state: Seed = None, steps: int | None = None
    ) -> Any:
        """New rows, as the kind of frame that was fitted, with its columns, dtypes and categories.

        Args:
            n_samples: how many.
            random_state: seed; by default the seed of the fit.
            steps: walk the best sub-schedule of so many steps: faster, and less exact.
        """
        check_is_fitted(self)
        return to_native(self.sample_table(n_samples, random_state, steps), self.schema_.container)

    def sample_table(
        self, n_samples: int = 1, random_state: Seed = None, steps: int | None = None
    ) -> pl.DataFrame:
        """New rows as a polars frame; see `sample`."""
        check_is_fitted(self)
        if not isinstance(n_samples, int | np.integer) or n_samples < 0:
            raise SettingError(f"n_samples = {n_samples!r} must be a whole number, not negative")
        key = self._key(random_state)
        return self._fitted.codec.decode(sample_rows(self._walked(steps), int(n_samples), key=key))

    def save(self, path: str | os.PathLike[str], force: bool = False) -> None:
        """Write the model folder, whole or not at all.

        Raises:
            OutputError: the path exists (and not `force`), or cannot be written.
        """
        check_is_fitted(self)
        fitted = self._fitted
        record = fitted.record | {
            "parameters": _jsonable(self.get_params(deep=False)),
            "n_features_in": self.n_features_in_,
            "feature_names_in": list(self.feature_names_in_)
            if hasattr(self, "feature_names_in_")
            else None,
        }
        self.manifest_ = save_model(
            path,
            fitted.model,
            fitted.codec,
            fitted.model_config,
            fitted.train_config,
            record,
            force=force,
        )

    def __sklearn_is_fitted__(self) -> bool:
        return "fitted_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        return accept_tables(super().__sklearn_tags__())


def load(path: str | os.PathLike[str]) -> DiffusionDensity:
    """The model of a folder that `DiffusionDensity.save` or `quasistatic fit` wrote; its SHA-256
    sums are checked.

    Raises:
        ModelFolderError: missing, incomplete, altered, or of an unknown format.
    """
    stored = load_model(path)
    try:
        density = DiffusionDensity(**stored.manifest["parameters"])
    except TypeError as error:
        fix = "use the version of quasistatic that wrote it, or fit again"
        raise ModelFolderError(
            f"it has a setting that this version does not know: {error}", where=str(path), fix=fix
        ) from error
    record = {
        name: value
        for name, value in stored.manifest.items()
        if name
        not in ("format", "versions", "sha256", "parameters", "n_features_in", "feature_names_in")
    }
    density._remember(
        Fitted(stored.model, stored.codec, stored.model_config, stored.train_config, record)
    )
    density.manifest_ = stored.manifest
    density.n_features_in_ = stored.manifest["n_features_in"]
    if stored.manifest["feature_names_in"] is not None:
        density.feature_names_in_ = np.asarray(stored.manifest["feature_names_in"], dtype=object)
    return density


def _jsonable(parameters: dict[str, Any]) -> dict[str, Any]:
    """Constructor parameters as JSON; a generator as random_state is not kept (its draw is, as the
    seed).
    """
    state = parameters["random_state"]
    return parameters | {
        "random_state": int(state) if isinstance(state, int | np.integer) else None
    }
