"""p(x given evidence) of a fitted density, as an object that can be sampled."""

import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from quasistatic.data.table import to_native
from quasistatic.errors import DataError, SettingError
from quasistatic.estimator.parts import FittedParts, Seed
from quasistatic.posterior import AbstractEvidence
from quasistatic.posterior.condition import condition_rows
from quasistatic.posterior.query import Posteriors
from quasistatic.trajectory import sample_rows
from quasistatic.typing import State

NAN_ROWS = 256
"""Rows of the model on which a user's log r is tried."""


class ConditionedDensity:
    """p(x | evidence) of a fitted density; what `condition`, `posterior` and `product` return.

    Args:
        density: the fitted density.
        evidence: in the model's space, of one row.
        log_volume: of the densities among the conditions, nats.
        base_measure: what `log_evidence` is a probability or a density of.
        log_r: the user's function of one state, if there is one; `NAN_ROWS` rows of the model tell,
            with a warning, where it is NaN.
        ask: the sampler, with the parameters of `condition_rows`.
    """

    unit = "nats"

    def __init__(
        self,
        density: FittedParts,
        evidence: AbstractEvidence,
        log_volume: float,
        base_measure: str,
        log_r: Callable[[State], jax.Array] | None = None,
        ask: Callable[..., Posteriors] = condition_rows,
    ) -> None:
        self.density, self.evidence, self.log_volume, self._ask = density, evidence, log_volume, ask
        self.base_measure, self._unchecked = base_measure, log_r
        self._last: Posteriors | None = None

    def sample(self, n_samples: int = 1, random_state: Seed = None, particles: int = 64) -> Any:
        """Exactly so many rows, as the kind of frame that was fitted; see `sample_table`."""
        frame = self.sample_table(n_samples, random_state, particles)
        return to_native(frame, self.density.schema_.container)

    def sample_table(
        self, n_samples: int = 1, random_state: Seed = None, particles: int = 64
    ) -> pl.DataFrame:
        """Rows as a polars frame. `log_evidence`, `stderr` and `ess` are then of these particles.

        Args:
            n_samples: how many.
            random_state: seed; by default the seed of the fit.
            particles: of each of the populations, of which there are at least 8.

        Raises:
            DataError: the evidence is impossible under the model.
        """
        found = self._run(n_samples, random_state, particles)
        return self.density._fitted.codec.decode([block[0] for block in found.draws])

    @property
    def log_evidence(self) -> float:
        """log of the probability (density) of the evidence under the model, nats, in the data's own
        units; -inf if impossible.
        """
        return float(self._result().log_evidence[0]) + self.log_volume

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
            self._last = self._ask(
                self.density.model_, self.evidence, 1, key=self.density._key(None)
            )
        return self._last

    def _run(self, n: int, random_state: Seed, particles: int) -> Posteriors:
        if not isinstance(n, int | np.integer) or n < 0:
            raise SettingError(f"n_samples = {n!r} must be a whole number, not negative")
        if particles < 2:
            raise SettingError(f"particles = {particles!r} must be at least 2")
        self._warn_of_nan()
        key = self.density._key(random_state)
        found = self._ask(
            self.density.model_, self.evidence, int(n), key=key, particles=int(particles)
        )
        self._last = found
        if found.impossible[0]:
            raise DataError(
                "the condition is impossible under the model: log evidence -inf, no row is returned",
                fix="check the values and ranges against the columns of the table",
            )
        if found.ess[0] < 0.02 * found.particles:
            warnings.warn(
                f"only {found.ess[0]:.1f} of {found.particles} particles are effective: the condition is far from what the model expects, "
                "and the rows may repeat each other; more particles help",
                stacklevel=3,
            )
        return found

    def _warn_of_nan(self) -> None:
        """One warning if log_r is NaN anywhere among rows of the model."""
        log_r, self._unchecked = self._unchecked, None
        if log_r is None:
            return
        states = sample_rows(self.density.model_, NAN_ROWS, key=self.density._key(None))
        nan = np.count_nonzero(np.isnan(jax.vmap(log_r)(jax.tree.map(jnp.asarray, states))))
        if nan:
            warnings.warn(
                f"log_r is NaN for {nan} of {NAN_ROWS} rows that the model generates: there r counts as 0, and particles that arrive "
                "there are lost; return -inf where the row is impossible",
                stacklevel=4,
            )
