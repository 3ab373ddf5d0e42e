"""The thermodynamics of a fitted density: certificate, work, ledger, flow."""

from typing import Any

from sklearn.utils.validation import check_is_fitted

from quasistatic.estimator.certificate import Certificate, certify, work_of_generated
from quasistatic.estimator.flow import flow_likelihood
from quasistatic.estimator.ledger import LedgerReport, ledger_report
from quasistatic.estimator.parts import FittedParts, Seed
from quasistatic.fitted.generated import generate_table
from quasistatic.thermodynamics.ode import FlowLikelihood
from quasistatic.thermodynamics.work import Work

_LEDGER_ROWS = 512


class ThermodynamicMethods(FittedParts):
    """Methods of `DiffusionDensity` that look along the trajectory."""

    def certify(
        self,
        n: int = 500,
        trajectories: int = 64,
        random_state: int | None = None,
        steps: int | None = None,
    ) -> Certificate:
        """The sandwich on rows that the model generates: how far its likelihoods can be off, in
        nats.

        The certificate is kept in `manifest_["certificate"]` and stored by `save`.

        Args:
            n: generated rows.
            trajectories: a row.
            random_state: seed; by default the seed of the fit.
            steps: of a sub-schedule.

        Raises:
            SettingError: n or trajectories below 2, or steps out of range.
        """
        check_is_fitted(self)
        seed = self._fitted.train_config.seed if random_state is None else int(random_state)
        key = self._key(seed)
        found = certify(
            self._walked(steps), self._fitted.codec, int(n), int(trajectories), key=key, seed=seed
        )
        self._fitted.record["certificate"] = found.to_json()
        self.manifest_ = self.manifest_ | {"certificate": found.to_json()}
        return found

    def work(
        self,
        n: int = 500,
        trajectories: int = 16,
        random_state: Seed = None,
        steps: int | None = None,
    ) -> Work:
        """Work values, nats, of forward and reverse trajectories of rows that the model generates
        (Jarzynski, Crooks).

        Args:
            n: generated rows.
            trajectories: forward trajectories a row.
            random_state: seed; by default the seed of the fit.
            steps: of a sub-schedule.

        Raises:
            SettingError: n or trajectories below 2, or steps out of range.
        """
        check_is_fitted(self)
        key = self._key(random_state)
        return work_of_generated(
            self._walked(steps), self._fitted.codec, int(n), int(trajectories), key=key
        )[1]

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
            X: rows without missing cells; None takes 512 rows that the model generates.
            trajectories: a row, for work and dissipation; at least 2.
            random_state: seed; by default the seed of the fit.
            steps: of a sub-schedule.

        Raises:
            SettingError: fewer than 2 trajectories, or steps out of range.
            DataError, SchemaError: rows that the model cannot score.
        """
        check_is_fitted(self)
        key, model = self._key(random_state), self._walked(steps)
        if X is None:
            found = generate_table(self.model_, self._fitted.codec, _LEDGER_ROWS, key=key)
        else:
            found = self._encode(X, whole="only whole rows have a ledger")
        measure = self.schema_.base_measure()
        return ledger_report(
            model, found.rows, found.log_volume, measure, int(trajectories), key=key
        )

    def flow_log_density(
        self, X: Any, probes: int = 8, random_state: Seed = None
    ) -> FlowLikelihood:
        """The density of the probability-flow model, nats per row in the data's own units:
        *another* model than this one.

        The same network, read as a deterministic flow, has a density without a gap; it is no bound
        on this model's and is not to be compared with K.

        Args:
            X: rows of a table whose columns are all continuous, without missing cells.
            probes: random vectors a row for the trace, above 20 columns (below, it is exact).
            random_state: seed of the probes.

        Raises:
            SettingError: the model has discrete columns or atoms, or probes < 1.
        """
        encoded = self._encode(X, whole="the flow is of whole rows")
        return flow_likelihood(self.model_, encoded, probes, key=self._key(random_state))
