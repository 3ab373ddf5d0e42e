"""What every method of a fitted density stands on: its parts, its random keys, encoded rows,
sub-schedules.
"""

from typing import Any

import jax
import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from quasistatic.data.codec import Codec, EncodedTable
from quasistatic.data.schema import Schema
from quasistatic.errors import DataError, SettingError
from quasistatic.estimator.fitting import Fitted
from quasistatic.estimator.generated import generate_table
from quasistatic.estimator.tables import as_table
from quasistatic.model import DiffusionModel, thin
from quasistatic.thermodynamics.subschedule import best_subschedule

Seed = int | np.integer | np.random.RandomState | None
_SCHEDULE_ROWS = 256


class FittedParts:
    """The fitted state of an estimator, and what is asked of it by the methods of several rooms."""

    _fitted: Fitted
    _sub_schedules: dict[int, tuple[int, ...]]
    model_: DiffusionModel
    schema_: Schema
    manifest_: dict[str, Any]

    def _key(self, random_state: Seed) -> jax.Array:
        if random_state is None:
            return jax.random.key(self._fitted.train_config.seed)
        if isinstance(random_state, int | np.integer):
            return jax.random.key(int(random_state))
        return jax.random.key(check_random_state(random_state).randint(2**31 - 1))

    def _encode(self, X: Any, *, whole: str = "") -> EncodedTable:
        """The cells of a table to be scored. `whole` says why every cell must be there; holes are
        accepted if it is empty.
        """
        table = as_table(self, X, reset=False)
        if len(table) == 0:
            raise DataError("there are no rows to score", where=table.source)
        encoded = self._fitted.codec.encode(table)
        if whole:
            _refuse_missing(encoded, self._fitted.codec, table.source, whole)
        return encoded

    def sub_schedule(self, steps: int) -> tuple[int, ...]:
        """The best `steps` of the T steps, increasing to T, by dynamic programming over the costs
        of all strides.

        The costs are those of 256 rows that the model generates, with the seed of the fit.

        Raises:
            SettingError: steps outside 1..T.
        """
        check_is_fitted(self)
        T = self.model_.trajectory_length
        if not isinstance(steps, int | np.integer) or not 1 <= steps <= T:
            raise SettingError(f"steps = {steps!r} must be a whole number from 1 to T = {T}")
        if steps not in self._sub_schedules:
            key = jax.random.fold_in(self._key(None), int(steps))
            rows = generate_table(self.model_, self._fitted.codec, _SCHEDULE_ROWS, key=key).rows
            self._sub_schedules[int(steps)] = best_subschedule(
                self.model_, rows, int(steps), key=key
            )
        return self._sub_schedules[int(steps)]

    def _walked(self, steps: int | None) -> DiffusionModel:
        """The model, or the model on its best sub-schedule."""
        if steps is None or steps == self.model_.trajectory_length:
            return self.model_
        return thin(self.model_, self.sub_schedule(steps))


def _refuse_missing(encoded: EncodedTable, codec: Codec, source: str, why: str) -> None:
    observed = np.concatenate([cells.observed for cells in encoded.rows], axis=1)
    if observed.all():
        return
    row, column = np.argwhere(~observed)[0]
    raise DataError(
        f"{np.count_nonzero(~observed.all(axis=1))} row(s) have missing cells, and {why}",
        where=f"{source}, row {row + 1}, column {codec.block_names[column]!r}",
        fix="drop these rows or fill their holes",
    )
