"""`Fitted`: a trained model, its codec and its record, on which every question to it stands."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import numpy as np
import polars as pl

from quasistatic.compiled import require_own_process
from quasistatic.config import ModelConfig, TrainConfig
from quasistatic.data.cells import EncodedTable
from quasistatic.data.codec import Codec, check_columns
from quasistatic.data.constraints.ties import Ties
from quasistatic.data.constraints.violations import refuse_violations
from quasistatic.data.reading import read_as, table_of
from quasistatic.data.schema import Schema
from quasistatic.data.table import Table
from quasistatic.errors import DataError, SettingError
from quasistatic.fitted._beside import beside
from quasistatic.fitted._generated import generate_table
from quasistatic.fitted._leftover import drawn
from quasistatic.fitted.room import inside
from quasistatic.model import DiffusionModel, thin
from quasistatic.posterior.budget import shortened
from quasistatic.posterior.query import Posteriors, impute_rows
from quasistatic.thermodynamics.subschedule import best_subschedule
from quasistatic.typing import Key

__all__ = ["Fitted", "Seed", "seed_of"]

Seed = int | np.integer | np.random.RandomState | None
"""Where randomness begins: a number, a generator that is drawn from, or None, the seed of the
fit."""
_SCHEDULE_ROWS = 256
"""Generated rows whose costs choose a sub-schedule."""


def seed_of(seed: Seed, own: int) -> int:
    """A seed as a number.

    Args:
        seed: seed as a number, a generator (a number is drawn from it), or None for `own`.
        own: seed of the fit.

    Raises:
        SettingError: something else.
    """
    if seed is None:
        return own
    if isinstance(seed, np.random.RandomState):
        return int(seed.randint(2**31 - 1))
    if not isinstance(seed, int | np.integer):
        raise SettingError(f"{seed!r} cannot be used to seed a random key")
    return int(seed)


@dataclass(frozen=True)
class Fitted:
    """A trained model with all that is needed to use and to store it.

    Args:
        model: trained model.
        codec: map between the columns of a table and the blocks of the model.
        model_config: settings that the model was assembled from.
        train_config: settings of the training, with the seed of the fit.
        record: record of where the model comes from, in JSON types: the data, the training, its
            history.
        ties: how the table is made from the free columns that the model knows; None (default)
            where it has no constraints.
    """

    model: DiffusionModel
    codec: Codec
    model_config: ModelConfig
    train_config: TrainConfig
    record: dict[str, Any]
    ties: Ties | None = None
    _sub_schedules: dict[int, tuple[int, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def schema(self) -> Schema:
        """The columns of the table."""
        return self.codec.schema if self.ties is None else self.ties.schema

    def key(self, seed: Seed = None) -> Key:
        """The random key of a seed.

        Args:
            seed: seed as a number, a generator (a number is drawn from it), or None (default) for
                the seed of the fit.

        Raises:
            SettingError: something else.
        """
        require_own_process()
        return jax.random.key(seed_of(seed, self.train_config.seed))

    def encode(self, table: Table, *, whole: str = "") -> EncodedTable:
        """The cells of a table of at least one row.

        Args:
            table: rows with the columns of the model.
            whole: reason why every cell must be there, for the message; holes are accepted if it is
                empty (default).

        Raises:
            DataError: no row, or a missing cell where none may be.
            SchemaError: other columns or categories than the model's.
        """
        if len(table) == 0:
            raise DataError("there are no rows to score", where=table.source)
        encoded = self.codec.encode(self.free(table))
        if self.ties is not None:
            encoded = replace(encoded, log_volume=encoded.log_volume - self.ties.log_share)
        if whole:
            _refuse_missing(encoded, self.codec, table.source, whole)
        return encoded

    def free(self, table: Table) -> Table:
        """The columns that the model knows of a table with constraints; without, the table itself.

        Args:
            table: table with the columns of the fitted one.

        Raises:
            SchemaError: other columns.
            DataError: rows that a constraint does not allow.
        """
        if self.ties is None:
            return table
        check_columns(table, self.schema)
        refuse_violations(self.ties, table)
        return self.ties.free(table)

    def beyond(self, encoded: EncodedTable) -> np.ndarray:
        """Which rows lie beyond a limit that the model holds, bool `[N]`: their probability is 0.

        Args:
            encoded: cells of the model, of N rows.
        """
        states = tuple(np.asarray(cells.value) for cells in encoded.rows)
        room = inside(self.codec, self.ties, states) | ~encoded.whole
        return self.codec.beyond(encoded.rows) | ~room

    def drawn(
        self,
        model: DiffusionModel,
        encoded: EncodedTable,
        table: Table,
        *,
        draws: int,
        particles: int,
        key: Key,
    ) -> Posteriors:
        """Draws of the missing cells of the model given the cells of the table, and the
        log-evidence of these, in the model's units (`posterior.query.impute_rows`).

        Args:
            model: model on the steps that it walks.
            encoded: cells of the model, of N rows.
            table: table of the N rows.
            draws: number of draws of each row.
            particles: number of particles of each row.
            key: random key of all rows.
        """
        many = {"particles": particles, "key": key}
        if self.ties is None:
            return impute_rows(model, encoded.rows, n_imputations=draws, **many)
        table = self.ties.completed(table)
        left = self.ties.leftover(table)  # these are drawn without the room, and weighted with it
        settled = np.any([encoded.whole, *left.values()], axis=0)
        also = beside(self.codec, self.ties, table, settled)
        own = self.codec, self.ties
        return drawn(*own, model, encoded, table, draws=draws, beside=also, **many)

    def decode(self, rows: Sequence[Any]) -> pl.DataFrame:
        """The columns of the table of blocks of the model.

        Args:
            rows: one entry per block, as for `Codec.decode`.
        """
        frame = self.codec.decode(rows)
        return frame if self.ties is None else self.ties.whole(frame)

    def table_of(self, rows: Sequence[Any], source: str) -> Table:
        """The table of blocks, in the form of the table that was fitted.

        Args:
            rows: one entry per block, as for `Codec.decode`.
            source: name of the rows, for messages.
        """
        return table_of(self.decode(rows), self.schema, source)

    def whole_rows(self, table: Table) -> np.ndarray:
        """Which rows have no missing cell in the columns of the model, bool `[N]`.

        Args:
            table: table of N rows.
        """
        table = read_as(table, self.schema)
        if self.ties is not None:
            table = self.ties.completed(table)
        return table.whole(self.schema.names)

    def sub_schedule(self, steps: int) -> tuple[int, ...]:
        """The best `steps` of the T steps, increasing to T, by dynamic programming over the costs
        of all strides.

        The costs are those of 256 rows that the model generates, with the seed of the fit: a
        sub-schedule depends on the model alone.

        Args:
            steps: number of steps, 1 to T.

        Raises:
            SettingError: steps outside 1..T.
        """
        T = self.model.trajectory_length
        if not isinstance(steps, int | np.integer) or not 1 <= steps <= T:
            raise SettingError(f"steps = {steps!r} must be a whole number from 1 to T = {T}")
        if steps not in self._sub_schedules:
            key = jax.random.fold_in(self.key(), int(steps))
            rows = generate_table(self.model, self.codec, self.ties, _SCHEDULE_ROWS, key=key).rows
            self._sub_schedules[int(steps)] = best_subschedule(
                self.model, rows, int(steps), key=key
            )
        return self._sub_schedules[int(steps)]

    def walked(self, steps: int | None) -> DiffusionModel:
        """The model on its best sub-schedule of so many steps; None is the model itself.

        Args:
            steps: number of steps, 1 to T.

        Raises:
            SettingError: steps outside 1..T.
        """
        if steps is None or steps == self.model.trajectory_length:
            return self.model
        return thin(self.model, self.sub_schedule(steps))

    def among_particles(self, steps: int | None, default: int) -> DiffusionModel:
        """The model that a population of particles walks.

        Args:
            steps: length of the best sub-schedule, 1 to T, if one is asked for.
            default: number of steps, evenly spaced over T, where `steps` is None; T at most are
                taken.

        Raises:
            SettingError: steps outside 1..T.
        """
        return shortened(self.model, default) if steps is None else self.walked(steps)


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
