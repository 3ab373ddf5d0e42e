"""What every method of a fitted density stands on: its parts, its random keys, encoded rows,
sub-schedules.
"""

from typing import Any

import jax
import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from quasistatic.data.cells import EncodedTable
from quasistatic.data.schema import Schema
from quasistatic.estimator.tables import as_table
from quasistatic.fitted.model import Fitted
from quasistatic.model import DiffusionModel

Seed = int | np.integer | np.random.RandomState | None


class FittedParts:
    """The fitted state of an estimator, and what is asked of it by the methods of several rooms."""

    fitted_: Fitted
    model_: DiffusionModel
    schema_: Schema
    manifest_: dict[str, Any]

    @property
    def _fitted(self) -> Fitted:
        return self.fitted_

    def _key(self, random_state: Seed) -> jax.Array:
        if random_state is None or isinstance(random_state, int | np.integer):
            return self.fitted_.key(None if random_state is None else int(random_state))
        return self.fitted_.key(check_random_state(random_state).randint(2**31 - 1))

    def _encode(self, X: Any, *, whole: str = "") -> EncodedTable:
        return self.fitted_.encode(as_table(self, X, reset=False), whole=whole)

    def sub_schedule(self, steps: int) -> tuple[int, ...]:
        """The best `steps` of the T steps, increasing to T, by dynamic programming over the costs
        of all strides.

        The costs are those of 256 rows that the model generates, with the seed of the fit.

        Raises:
            SettingError: steps outside 1..T.
        """
        check_is_fitted(self)
        return self.fitted_.sub_schedule(steps)

    def _walked(self, steps: int | None) -> DiffusionModel:
        return self.fitted_.walked(steps)
