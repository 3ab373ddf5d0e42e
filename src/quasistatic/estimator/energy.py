"""`EnergyDensity`: an energy of bits, learned by one of the paper's rivals, as a scikit-learn
estimator.
"""

import os
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from quasistatic.checkpoint import versions
from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.schema import Schema
from quasistatic.estimator._saving import record_of
from quasistatic.estimator._validation import accept_tables, as_table, native
from quasistatic.fitted.energy import FittedEnergy, log_likelihood, sample
from quasistatic.fitted.energy_store import save_energy
from quasistatic.fitted.likelihood import Likelihood
from quasistatic.fitted.model import Seed, seed_of
from quasistatic.fitting.energy import EnergySettings, GraphSetting, fit_energy
from quasistatic.rivals.methods import EnergyName
from quasistatic.rivals.normaliser import NormaliserName

__all__ = ["EnergyDensity"]


class EnergyDensity(DensityMixin, BaseEstimator):
    """An energy of a table of binary columns: p(x) = phi(x) / Z.

    Args:
        energy: "boltzmann" (default), a fully visible Boltzmann machine, or "rbm", a restricted
            one.
        method: how it is learned: "exact" (maximum likelihood), "pseudolikelihood", "mpf" (minimum
            probability flow, default), "mpf-opposite" (to opposite rows too), "ratio" (ratio
            matching), "cd", "pcd" or "centred-pcd" (contrastive divergence); of a Boltzmann
            machine also "mean-field", "tap" or "bethe".
        graph: which columns interact in a Boltzmann machine: None or "complete" (default: all
            pairs), "10x10" or (10, 10) (a lattice), or pairs of column numbers, counted from 0.
        hidden: number of hidden bits of a restricted machine (default 16).
        l1: weight of the absolute couplings in what is minimised; None (default) is 0.
        l2: weight of the squared couplings; None (default) is 1e-4, or 0 for contrastive
            divergence.
        k: Gibbs sweeps per update of contrastive divergence; None (default) is 1.
        updates: updates of contrastive divergence; None (default) is 4,000.
        normaliser: "exact", "ais" (annealed importance sampling, both sides), "none", or "auto"
            (default): exact where the sum is within reach, otherwise "ais".
        random_state: seed of the fit, an int, a `numpy.random.RandomState` or None (default: a new
            seed each time).

    Attributes:
        fitted_: energy, codec and normaliser (`fitted.energy.FittedEnergy`).
        schema_: `Schema` of the columns.
        energy_: the energy that was learned.
        manifest_: what is stored beside it; `told` is what the method itself reports.
        n_features_in_: number of columns.
        feature_names_in_: names of the columns, where the table has names.

    Example:
        >>> import numpy as np
        >>> from quasistatic.estimator import EnergyDensity
        >>> x = np.random.default_rng(0).integers(0, 2, (64, 3))
        >>> m = EnergyDensity(method="pseudolikelihood", random_state=0).fit(x)
        >>> m.sample(2, random_state=1).shape, m.log_likelihood(x[:4]).method
        ((2, 3), 'exact')
    """

    n_features_in_: int
    feature_names_in_: np.ndarray
    fitted_: FittedEnergy
    manifest_: dict[str, Any]

    def __init__(
        self,
        *,
        energy: EnergyName = "boltzmann",
        method: str = "mpf",
        graph: GraphSetting = None,
        hidden: int = 16,
        l1: float | None = None,
        l2: float | None = None,
        k: int | None = None,
        updates: int | None = None,
        normaliser: NormaliserName = "auto",
        random_state: Any = None,
    ) -> None:
        self.energy = energy
        self.method = method
        self.graph = graph
        self.hidden = hidden
        self.l1 = l1
        self.l2 = l2
        self.k = k
        self.updates = updates
        self.normaliser = normaliser
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, *, schema: Schema | dict[str, Any] | None = None) -> Self:
        """Learn the energy of a table of binary columns.

        Args:
            X: a pandas, polars or pyarrow frame, a NumPy array, or a `Table` (see `read_table`),
                without missing cells.
            y: ignored.
            schema: a `Schema`, or a dict of overrides; what it leaves open (None: all) is inferred.

        Raises:
            DataError, SchemaError: the table has other than binary columns, or missing cells.
            SettingError: settings without meaning, or a graph that is not the table's.
        """
        given = self.get_params(deep=False)
        random_state = check_random_state(given.pop("random_state"))
        settings = EnergySettings(**given, seed=int(random_state.randint(2**31 - 1)))
        table = as_table(self, X, reset=True)
        chosen = schema if isinstance(schema, Schema) else infer_schema(table, schema)
        fitted = fit_energy(table, chosen, settings)
        return self._remember(fitted, {"versions": versions(), **fitted.record})

    def _remember(self, fitted: FittedEnergy, manifest: dict[str, Any]) -> Self:
        self.fitted_, self.manifest_ = fitted, manifest
        self.energy_, self.schema_ = fitted.energy, fitted.schema
        return self

    def log_likelihood(self, X: Any) -> Likelihood:
        """log p of every row, nats; its `method` says which Z was taken: "exact", "ais" (from two
        sides), or "none" (unnormalised).

        Args:
            X: rows with the columns of the fitted table, without missing cells.

        Raises:
            DataError, SchemaError: rows that the model cannot score.
        """
        table = as_table(self, X, reset=False)
        return log_likelihood(self.fitted_, table)

    def score_samples(self, X: Any) -> np.ndarray:
        """`log_likelihood(X).lower`, nats `[N]`."""
        return self.log_likelihood(X).lower

    def score(self, X: Any, y: Any = None) -> float:
        """Mean of `score_samples`, nats per row."""
        return float(np.mean(self.score_samples(X)))

    def sample(self, n_samples: int = 1, random_state: Seed = None) -> Any:
        """New rows, as the kind of frame that was fitted: exact where sums are within reach, else
        of Gibbs chains, with a warning where these disagree.

        Args:
            n_samples: number of rows (default 1).
            random_state: seed; by default the seed of the fit.

        Raises:
            SettingError: a negative number of rows.
        """
        check_is_fitted(self)
        seed = seed_of(random_state, int(self.fitted_.record["seed"]))
        return native(sample(self.fitted_, n_samples, seed=seed))

    def save(self, path: str | os.PathLike[str], force: bool = False) -> None:
        """Write the model folder, whole or not at all.

        Args:
            path: path of the model folder.
            force: whether what is there is replaced (default False).

        Raises:
            OutputError: the path exists (and not `force`), or cannot be written.
        """
        check_is_fitted(self)
        graph = self.graph if self.graph is None or isinstance(self.graph, str) else None
        record = record_of(self, graph=graph or self.fitted_.settings.get("edges"))
        self.manifest_ = save_energy(path, self.fitted_, record | {"history": []}, force=force)

    def __sklearn_is_fitted__(self) -> bool:
        return "fitted_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        return accept_tables(super().__sklearn_tags__())
