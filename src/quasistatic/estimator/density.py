"""`DiffusionDensity`: a density model of a table in scikit-learn's contract."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils import check_random_state

from quasistatic.checkpoint import versions
from quasistatic.config import DiscreteKernel, ModelName, ScheduleName
from quasistatic.data.columns.alternatives import Schemas
from quasistatic.data.columns.transform import Choice
from quasistatic.data.schema import Schema
from quasistatic.data.weights import repeated
from quasistatic.estimator import _validation as checked
from quasistatic.estimator._saving import save_density
from quasistatic.fitted.certificate import Certificate, certify, work_of_generated
from quasistatic.fitted.denoising import denoise
from quasistatic.fitted.flow import flow_log_density
from quasistatic.fitted.imputation import impute
from quasistatic.fitted.ledger import LedgerReport, ledger_report
from quasistatic.fitted.likelihood import Likelihood, MethodName, log_likelihood
from quasistatic.fitted.model import Fitted, Seed
from quasistatic.fitted.posterior import ConditionedDensity, LogR, condition, posterior, product
from quasistatic.fitted.privacy import Privacy, privacy
from quasistatic.fitted.ranks import Ranks, rank
from quasistatic.fitted.sampling import sample
from quasistatic.fitted.wanted_error import trajectories_within
from quasistatic.fitting import FitEvent, FitSettings, fit_constrained
from quasistatic.fitting.settings import Preset
from quasistatic.thermodynamics.ode import FlowLikelihood
from quasistatic.thermodynamics.work import Work

__all__ = ["DiffusionDensity"]


class DiffusionDensity(DensityMixin, BaseEstimator):
    """A density model of a table of mixed columns.

    A forward process turns each row into noise in T steps, a network learns the reversal, and the
    chain's bound K gives the likelihood (Sohl-Dickstein et al. 2015). Settings that are None are
    chosen by the size of the table; of several networks that a small one has, the best on held-out
    rows is kept. Images get a U-Net, everything else a residual perceptron.

    Args:
        model: "diffusion", or "mixture" (of products); by default what held-out rows prefer.
        trajectory_length: number of steps T of the diffusion.
        components: number of components of the mixture that each reverse step is; 1: a product.
        discrete_kernel: kernel of discrete columns: "absorbing" (default), or a heat bath towards
            the data's frequencies ("binomial") or uniform ones ("categorical").
        schedule: schedule of the continuous columns: "learned" (default), "linear" or "cosine".
        column_transform: transform of numbers: "affine", "spline" (to normal), "auto" (the better).
        width: width of the network, units of its residual stream.
        depth: number of residual blocks of the network.
        dropout: dropout rate while training; the network of images has none.
        frequencies: number of octaves of Fourier features of each number (`forward.fourier`).
        members: number of networks, each takes its time; by default 4 below 2,000 rows, else 1.
        batch_size: number of rows in a batch.
        max_steps: largest number of optimiser steps.
        learning_rate: peak learning rate of AdamW.
        validation_fraction: share of the rows that decide where no folds do (default 0.1).
        patience: number of evaluations without improvement before training stops.
        max_minutes: minutes of training at most; below 3 a small table is not cross-validated.
        preset: "default" or "thorough" (larger, longer).
        random_state: seed of the fit: an int, a `RandomState`, or None (default) for a new one.

    Attributes:
        fitted_: model, codec and record, on which every question stands (`fitted.model.Fitted`).
        schema_: `Schema` of the columns.
        model_: the trained `DiffusionModel`.
        history_: evaluations, dicts with step, train_nats and valid_nats (nats per row).
        manifest_: what is stored beside the model.
        n_features_in_, feature_names_in_: number of columns; their names, where they have names.

    Example:
        >>> import numpy as np
        >>> from quasistatic import DiffusionDensity
        >>> x = np.random.default_rng(0).normal(size=(64, 2))
        >>> m = DiffusionDensity(max_steps=2, max_minutes=1, random_state=0).fit(x)
        >>> m.sample(3, random_state=1).shape
        (3, 2)
    """

    n_features_in_: int
    feature_names_in_: np.ndarray
    fitted_: Fitted
    manifest_: dict[str, Any]

    def __init__(
        self,
        *,
        model: ModelName | None = None,
        trajectory_length: int | None = None,
        components: int | None = None,
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
        learning_rate: float | None = None,
        validation_fraction: float = 0.1,
        patience: int | None = None,
        max_minutes: float | None = None,
        preset: Preset = "default",
        random_state: Any = None,
    ) -> None:
        self.model = model
        self.trajectory_length = trajectory_length
        self.components = components
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
        sample_weight: Any = None,
        schema: Schema | Schemas | dict[str, Any] | None = None,
        constraints: Sequence[str] = (),
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
            sample_weight: weights of the rows: one of weight 2 is two rows (default: 1 each).
            schema: a `Schema`, the answer of `infer_schemas`, or overrides such as `{"columns":
                {"zip": {"kind": "categorical"}}}`; what is left open (None: all) is inferred.
            constraints: what holds in every row, such as "end > start", "total = a + b" or "city
                determines country" (default: nothing; see docs/constraints.md).
            checkpoint: folder of the training checkpoints; None (default) keeps none.
            resume: whether to go on from the checkpoint, to the same result (default False).
            callback: called with a `FitEvent` after each evaluation; None (default) calls nothing.

        Raises:
            DataError, SchemaError: the table cannot be modelled.
            SettingError: a setting without meaning.
            TrainingError: the bound did not stay finite, or the checkpoint is of another run.
        """
        given = self.get_params(deep=False)
        random_state = check_random_state(given.pop("random_state"))
        settings = FitSettings(**given, seed=int(random_state.randint(2**31 - 1)))
        table = repeated(checked.as_table(self, X, reset=True), sample_weight, settings.seed)
        folder = None if checkpoint is None else Path(checkpoint)
        told = {"checkpoint": folder, "resume": resume, "callback": callback}
        schemas = checked.schemas_of(table, schema)
        return self._remember(fit_constrained(table, schemas, settings, constraints, **told))

    def _remember(self, fitted: Fitted) -> Self:
        self.fitted_ = fitted
        self.model_, self.schema_ = fitted.model, fitted.schema
        self.history_ = fitted.record["history"]
        self.manifest_ = {"versions": versions(), **fitted.record}
        return self

    def log_likelihood(
        self,
        X: Any,
        method: MethodName = "bound",
        trajectories: int | None = None,
        random_state: Seed = None,
        steps: int | None = None,
        stderr: float | None = None,
    ) -> Likelihood:
        """Bounds on log p of every row, nats, in the data's own units.

        Args:
            X: rows with the columns of the fitted table. A row with missing cells gets the
                log-likelihood of the others, of the joint model, by sequential Monte Carlo.
            method: "bound" is K, the mean over draws of the full sum over t. "ais" is `log mean
                exp(-W)` over forward trajectories (annealed importance sampling, Jarzynski):
                tighter with more of them. "smc" resamples them on their way (sequential Monte
                Carlo). "sandwich" is "ais" with an upper side from a chain of trajectories, above
                log p in the limit of many (`upper_kind` "asymptotic"); it wants whole rows.
            trajectories: number of draws per row; by default 2 for "bound", 16 for "ais" and "smc",
                64 for "sandwich". One draw has no standard error (NaN).
            random_state: seed of the noise, which depends on it and the row's content alone; by
                default the seed of the fit.
            steps: length of the best `sub_schedule` to walk: faster, a looser bound (default: T).
            stderr: mean standard error that is wanted, nats: trajectories are as many as it takes.

        Raises:
            SettingError: an unknown method, too few trajectories, or steps out of range.
            DataError, SchemaError: rows that the model cannot score.
        """
        table, key = checked.as_table(self, X, reset=False), self.fitted_.key(random_state)
        if stderr is not None:
            trajectories = trajectories_within(self.fitted_, table, method, stderr, steps, key=key)
        return log_likelihood(self.fitted_, table, method, trajectories, steps, key=key)

    def score_samples(self, X: Any) -> np.ndarray:
        """The bound K of every row, nats `[N]`: `log_likelihood(X).lower`."""
        return self.log_likelihood(X).lower

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Mean of `score_samples`, nats per row; rows count as often as their weights say."""
        return self.log_likelihood(X).weighted_by(sample_weight).mean

    def rank(
        self, X: Any, n: int = 500, method: MethodName = "ais", random_state: Seed = None
    ) -> Ranks:
        """Share of generated rows that are less likely than each row: near 0 for one unlike them.

        Args:
            X: rows with the columns of the fitted table, without missing cells.
            n: number of generated rows, at least 2 (default 500).
            method: method of `log_likelihood` (default "ais").
            random_state: seed; by default the seed of the fit.

        Raises:
            SettingError: n below 2, or an unknown method.
            DataError, SchemaError: rows that the model cannot score.
        """
        table, key = checked.as_table(self, X, reset=False), self.fitted_.key(random_state)
        return rank(self.fitted_, table, n, method, key=key)

    def sample(
        self, n_samples: int = 1, random_state: Seed = None, steps: int | None = None
    ) -> Any:
        """New rows, as the kind of frame that was fitted, with its columns, dtypes and categories.

        Args:
            n_samples: number of rows (default 1).
            random_state: seed; by default the seed of the fit.
            steps: length of the best sub-schedule to walk: faster, less exact (default: T).

        Raises:
            SettingError: a negative number of rows, or steps out of range.
        """
        fitted = checked.fitted_of(self)
        return checked.native(sample(fitted, n_samples, steps, key=fitted.key(random_state)))

    def sub_schedule(self, steps: int) -> tuple[int, ...]:
        """The best `steps` of the T steps, by the costs of 256 generated rows: what `steps=` walks.

        Args:
            steps: number of steps, 1 to T.

        Raises:
            SettingError: steps outside 1..T.
        """
        return checked.fitted_of(self).sub_schedule(steps)

    def impute(
        self,
        X: Any,
        n_imputations: int = 5,
        random_state: Seed = None,
        point: bool = False,
        particles: int | None = None,
        steps: int | None = None,
    ) -> Any:
        """A list of `n_imputations` tables, their holes filled by draws given the observed cells,
        which stay as they were. Draws of a row are a little more alike than independent ones.

        Args:
            X: rows with the columns of the fitted table.
            n_imputations: number of filled tables (default 5).
            random_state: seed; by default the seed of the fit.
            point: one table in place of the list: the median of numbers, the most frequent
                category, of as many draws as there are particles, 128 at most.
            particles: number of particles per row; by default 16 to 128, more for small tables.
            steps: length of the best sub-schedule to walk; by default 64 or 32 even steps at most.

        Raises:
            SettingError: `point` with several imputations, a number below 1, or steps out of range.
        """
        table, key = checked.as_table(self, X, reset=False), self.fitted_.key(random_state)
        found = impute(self.fitted_, table, n_imputations, point, particles, steps, key=key)
        tables = [checked.native(filled) for filled in found.tables]
        return tables[0] if point else tables

    def condition(self, given: Mapping[str, Any]) -> ConditionedDensity:
        """p(the other columns | what is given), with `sample(n)` and `log_evidence`.

        Args:
            given: per column a value, `between(low, high)`, a list of categories, or a dict from
                categories to weights.

        Raises:
            SchemaError: an unknown column or category.
            DataError: a range without a value.
        """
        return condition(checked.fitted_of(self), given)

    def posterior(
        self, log_r: LogR, given: Mapping[str, Any] | None = None, guided: bool = True
    ) -> ConditionedDensity:
        """p(x) r(x) / Z for any r; `log_evidence` is log Z = log E r.

        Args:
            log_r: JAX function from one decoded row (a dict: numbers in their own units, categories
                as their number in the schema, counted from 0) to log r, nats; NaN counts as r = 0.
            given: further conditions, as for `condition` (default: none).
            guided: whether its gradient and single category changes guide particles (default True).
        """
        return posterior(checked.fitted_of(self), log_r, given, guided)

    def product(
        self,
        other: "DiffusionDensity",
        log_r: LogR | None = None,
        given: Mapping[str, Any] | None = None,
        trajectories: int = 16,
    ) -> ConditionedDensity:
        """p(x) p'(x) r(x) / Z with another fitted density p' of the same columns; `log_evidence` is
        log Z = log E_p p' r. Where the densities live in one space (equal transforms, atoms and T)
        the product of their kernels guides the particles; otherwise more of them are needed.

        Args:
            other: fitted density p' of the same columns.
            log_r: JAX function from one decoded row to log r, nats; None (default) is r = 1.
            given: further conditions, as for `condition` (default: none).
            trajectories: number of trajectories behind an estimate of p'(x) (default 16).

        Raises:
            SchemaError: the columns differ, by name, kind or categories.
        """
        mine, others = checked.fitted_of(self), checked.fitted_of(other)
        return product(mine, others, log_r, given, trajectories)

    def denoise(
        self,
        X: Any,
        sigma: Mapping[str, float] | float,
        n_draws: int = 64,
        random_state: Seed = None,
        particles: int = 64,
    ) -> Any:
        """The posterior mean of noisy columns, given all cells of their row; missing cells of these
        columns are filled in the same way.

        Args:
            X: rows with the columns of the fitted table.
            sigma: standard deviation of the Gaussian noise of each noisy column, in its units; one
                number for all columns of numbers (the pixels of an image, say).
            n_draws: number of draws behind each mean (default 64).
            random_state: seed; by default the seed of the fit.
            particles: number of particles per row (default 64).

        Raises:
            SettingError: sigma <= 0, an unknown column, or one without numbers.
        """
        table, key = checked.as_table(self, X, reset=False), self.fitted_.key(random_state)
        return checked.native(denoise(self.fitted_, table, sigma, n_draws, particles, key=key))

    def certify(
        self,
        n: int = 500,
        trajectories: int = 64,
        random_state: int | None = None,
        steps: int | None = None,
    ) -> Certificate:
        """The sandwich on rows that the model generates: how far its likelihoods can be off, nats;
        kept in `manifest_["certificate"]` and stored by `save`.

        Args:
            n: number of generated rows (default 500).
            trajectories: number of forward trajectories per row (default 64).
            random_state: seed; by default the seed of the fit.
            steps: length of the best sub-schedule to walk; None (default) walks all T steps.

        Raises:
            SettingError: n or trajectories below 2, or steps out of range.
        """
        found = certify(checked.fitted_of(self), n, trajectories, steps, seed=random_state)
        self.fitted_.record["certificate"] = found.to_json()
        self.manifest_ = self.manifest_ | {"certificate": found.to_json()}
        return found

    def work(
        self,
        n: int = 500,
        trajectories: int = 16,
        random_state: Seed = None,
        steps: int | None = None,
    ) -> Work:
        """Work, nats, of forward and reverse trajectories of generated rows (Jarzynski, Crooks).

        Args:
            n: number of generated rows (default 500).
            trajectories: number of forward trajectories per row (default 16).
            random_state: seed; by default the seed of the fit.
            steps: length of the best sub-schedule to walk; None (default) walks all T steps.

        Raises:
            SettingError: n or trajectories below 2, or steps out of range.
        """
        fitted = checked.fitted_of(self)
        return work_of_generated(fitted, n, trajectories, steps, key=fitted.key(random_state))

    def ledger(
        self,
        X: Any = None,
        trajectories: int = 16,
        random_state: Seed = None,
        steps: int | None = None,
    ) -> LedgerReport:
        """Where along the trajectory the nats of K are lost, and which of T, schedule, noise floor
        and network limits it.

        Args:
            X: rows without missing cells; None (default) takes 512 that the model generates.
            trajectories: number of trajectories a row for work and dissipation, >= 2 (default 16).
            random_state: seed; by default the seed of the fit.
            steps: length of the best sub-schedule to walk; None (default) walks all T steps.

        Raises:
            SettingError: fewer than 2 trajectories, or steps out of range.
            DataError, SchemaError: rows that the model cannot score.
        """
        fitted = checked.fitted_of(self)
        table = None if X is None else checked.as_table(self, X, reset=False)
        return ledger_report(fitted, table, trajectories, steps, key=fitted.key(random_state))

    def privacy(
        self,
        X: Any,
        holdout: Any,
        n: int | None = None,
        rows: int = 2000,
        random_state: Seed = None,
    ) -> Privacy:
        """What drawn rows tell of training rows alone: nearness, copies, membership, guessed cells.

        Args:
            X: training rows.
            holdout: rows of the same source that the model was not fitted on (docs/privacy.md).
            n: number of rows that are drawn; None (default) draws as many as `holdout` has.
            rows: number of rows of each whose log p and cells are asked at most (default 2000).
            random_state: seed; by default the seed of the fit.

        Raises:
            DataError, SchemaError, SettingError: fewer than 20 rows, or no hold-out.
        """
        table, other = (checked.as_table(self, rows_of, reset=False) for rows_of in (X, holdout))
        return privacy(self.fitted_, table, other, n, rows, key=self.fitted_.key(random_state))

    def flow_log_density(
        self, X: Any, probes: int = 8, random_state: Seed = None
    ) -> FlowLikelihood:
        """Density of the probability flow, nats per row in the data's own units: *another* model
        with the same network, deterministic; no bound, and not to be compared with K.

        Args:
            X: rows of a table whose columns are all continuous, without missing cells.
            probes: number of random vectors per row for the trace, above 20 columns (default 8).
            random_state: seed of the probes.

        Raises:
            SettingError: the model has discrete columns or atoms, or probes < 1.
        """
        table, key = checked.as_table(self, X, reset=False), self.fitted_.key(random_state)
        return flow_log_density(self.fitted_, table, probes, key=key)

    def save(self, path: str | os.PathLike[str], force: bool = False) -> None:
        """Write the model folder, whole or not at all.

        Args:
            path: path of the model folder.
            force: whether what is there is replaced (default False).

        Raises:
            OutputError: the path exists (and not `force`), or cannot be written.
        """
        self.manifest_ = save_density(self, path, force)

    def __sklearn_is_fitted__(self) -> bool:
        return "fitted_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        return checked.accept_tables(super().__sklearn_tags__())
