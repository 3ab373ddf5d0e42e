"""One training on some rows of a table: encoded, completed where they have many holes, repeated for
the members of a deep ensemble; progress and history in the data's units.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import jax
import numpy as np

from quasistatic.assemble import assemble
from quasistatic.checkpoint import TrainingStore, versions
from quasistatic.config import TrainConfig
from quasistatic.data.cells import EncodedTable
from quasistatic.data.codec import Codec
from quasistatic.data.columns.transform import Choice
from quasistatic.data.disk.table import AnyTable
from quasistatic.data.fitted_codec import fit_and_encode
from quasistatic.data.schema import Schema
from quasistatic.data.table import Table
from quasistatic.fitting._candidates import Candidate
from quasistatic.fitting._clusters import clustered_start
from quasistatic.fitting._completion import with_completions
from quasistatic.fitting._plan import Plan, at_once
from quasistatic.model import DiffusionModel, ensemble
from quasistatic.posterior.budget import PARTICLES, shortened
from quasistatic.posterior.query import evidence_of_rows
from quasistatic.threads import side_by_side
from quasistatic.train import Event, FitResult, bound_of, fit
from quasistatic.workers import agreed

__all__ = ["FitEvent", "Rows", "Trained", "Trainer"]

_T = TypeVar("_T")


class FitEvent(NamedTuple):
    """Progress of a fit, told to `callback` after each evaluation.

    Args:
        step: number of optimiser steps done in this phase.
        max_steps: largest number of optimiser steps of this phase.
        train_nats: mean of the bound K over the training batches since the last evaluation (with
            dropout), nats per row in the data's units.
        valid_nats: mean of the bound K over the validation rows, nats per row in the data's units;
            NaN where no rows are held out.
        seconds_left: seconds that this phase still takes, at most.
        phase: name of the training: a candidate, on which fold, the final one.
        rows_per_second: rows that this training has learned from in a second, on average since it
            began, compiling included.
        is_last: whether the training ends with this evaluation. Trainings of a small table are side
            by side, and their events mixed.
        share: share of all trainings of the fit that is done, at least.
    """

    step: int
    max_steps: int
    train_nats: float
    valid_nats: float
    seconds_left: float
    phase: str
    rows_per_second: float
    is_last: bool
    share: float


class Rows(NamedTuple):
    """The rows of a training, encoded by a codec that was fitted on those that are trained on.

    Args:
        codec: codec of the rows.
        train: rows that are trained on.
        valid: rows that decide when to stop; None where none are held out.
    """

    codec: Codec
    train: EncodedTable
    valid: EncodedTable | None

    @property
    def log_volumes(self) -> tuple[float, float]:
        """Mean log-volume of the training and of the validation rows, nats: what takes a bound to
        the data's units.
        """
        valid = 0.0 if self.valid is None else float(np.mean(self.valid.log_volume))
        return float(np.mean(self.train.log_volume)), valid


class Trained(NamedTuple):
    """The result of a training, and the rows as they were trained and judged on."""

    result: FitResult
    rows: Rows

    def held_out_nats(self, config: TrainConfig) -> float:
        """The bound on the rows that decided, in the data's units, nats per row: by more draws than
        the evaluations of the training, and not by those that it was chosen by.
        """
        assert self.rows.valid is not None
        bound = bound_of(self.result.model, self.rows.valid.rows, config)
        return bound + self.rows.log_volumes[1]

    def evidence_nats(self, seed: int) -> float:
        """Mean log p of the observed cells of these rows as walks among particles find it, in the
        data's units, nats per row: below log p in expectation, and nearer to it than K.

        Args:
            seed: seed of the walks.
        """
        assert self.rows.valid is not None
        model, key = shortened(self.result.model), jax.random.key(seed)
        found = evidence_of_rows(model, self.rows.valid.rows, particles=PARTICLES, key=key)
        (nats,) = agreed(float(np.mean(found.lower)))
        return nats + self.rows.log_volumes[1]


@dataclass(frozen=True)
class Trainer:
    """What all trainings of one fit share.

    Args:
        table: table of all rows of the fit.
        transform: kind of the transform of numbers.
        data: fingerprint of the table.
        checkpoint: folder of the training checkpoints; None (default) keeps none.
        resume: whether to go on from the checkpoints (default False).
        callback: function that is told the progress after each evaluation; None (default) tells
            nobody.
        plan: how much of the fit is done (default: nothing).
    """

    table: AnyTable
    transform: Choice
    data: str
    checkpoint: Path | None = None
    resume: bool = False
    callback: Callable[[FitEvent], None] | None = None
    plan: Plan = field(default_factory=Plan)
    _on_disk: list[tuple[Schema, np.ndarray, Rows]] = field(
        default_factory=list, init=False, repr=False, compare=False
    )

    def rows(self, schema: Schema, train_index: np.ndarray, valid_index: np.ndarray | None) -> Rows:
        """Some rows, encoded by a codec that is fitted on those that are trained on; of a table on
        the disk they are kept, as it takes long to make them.

        Args:
            schema: schema of the columns, with the atoms that the rows that are trained on know of.
            train_index: numbers of the rows that are trained on, increasing.
            valid_index: numbers of the rows that decide when to stop; None for none.
        """
        for known, index, rows in self._on_disk:
            if known == schema and np.array_equal(index, train_index):
                return rows
        codec, train = fit_and_encode(self.table.take(train_index), schema, self.transform)
        valid = None if valid_index is None else codec.encode(self.table.take(valid_index).held())
        rows = Rows(codec, train, valid)
        if not isinstance(self.table, Table):
            self._on_disk[:] = [(schema, train_index, rows)]
        return rows

    def train(
        self,
        candidate: Candidate,
        schema: Schema,
        train_index: np.ndarray,
        valid_index: np.ndarray | None,
        phase: str,
    ) -> Trained:
        """A training on some rows as they are, judged on others.

        Args:
            candidate: candidate settings of the training.
            schema: schema of the columns, with the atoms that the rows that are trained on know of.
            train_index: numbers of the rows that are trained on.
            valid_index: numbers of the rows that decide when to stop; None trains to the
                candidate's `stop_step`.
            phase: name of this training among the fit's, for people and for the checkpoint.
        """
        rows = self.rows(schema, train_index, valid_index)
        return Trained(self._fit(candidate, rows, phase), rows)

    def complete(self, candidate: Candidate, trained: Trained, phase: str) -> Trained:
        """A second training, of rows as they are and as the model of the first one completes them:
        see `fitting._completion`.

        Args:
            candidate: candidate settings of the second training.
            trained: the first training.
            phase: name of the first training.
        """
        rows = trained.rows
        key = jax.random.fold_in(jax.random.key(candidate.train.seed), 1)
        completed = with_completions(trained.result.model, rows.codec, rows.train, key=key)
        rows = rows._replace(train=completed)
        return Trained(self._fit(candidate, rows, f"{phase}, completed"), rows)

    def with_members(self, candidate: Candidate, first: Trained, phase: str) -> FitResult:
        """The first model and the other members of its deep ensemble: the same schedule and rows,
        other weights and noise at the start.

        Bound and history stay those of the first alone.
        """
        alone = first.result.model
        seed, members = candidate.train.seed, candidate.model.members

        def another(trainer: "Trainer", number: int) -> DiffusionModel:
            other = replace(candidate, train=replace(candidate.train, seed=seed + number - 1))
            remark = f"{phase}, network {number} of {members}"
            return trainer._fit(other, first.rows, remark, schedule_of=alone).model

        others = [partial(another, number=number) for number in range(2, members + 1)]
        return first.result._replace(model=ensemble([alone, *self.side_by_side(others)]))

    def side_by_side(self, trainings: Sequence[Callable[["Trainer"], _T]]) -> list[_T]:
        """Trainings in threads, `_plan.at_once` of them; of a table on the disk one after the
        other: its encoded rows are kept for the next one.

        Args:
            trainings: functions of the trainer that they train with.
        """
        if at_once() == 1 or not isinstance(self.table, Table):
            return [training(self) for training in trainings]
        tasks = [partial(_with_words, training, self) for training in trainings]
        return side_by_side(tasks, self.callback or (lambda event: None))

    def _fit(
        self,
        candidate: Candidate,
        rows: Rows,
        phase: str,
        *,
        schedule_of: DiffusionModel | None = None,
    ) -> FitResult:
        """A single network, trained; with the schedule of another model where one is given."""
        codec, seed, n = rows.codec, candidate.train.seed, candidate.clusters
        start = (
            clustered_start(rows.train, codec, n, candidate.model.components, seed) if n else None
        )
        model = assemble(
            replace(candidate.model, members=1),
            codec.typical_width,
            codec.marginals,
            start,
            limits=codec.limits,
            key=jax.random.key(seed),
        )
        if schedule_of is not None:
            model = DiffusionModel(schedule_of.forward, model.network, model.start)
        result = fit(
            model,
            rows.train.rows,
            None if rows.valid is None else rows.valid.rows,
            candidate.train,
            fixed_schedule=schedule_of is not None,
            column_names=codec.block_names,
            callback=self._teller(rows, phase),
            store=self._store(candidate, codec.schema, phase),
        )
        return _in_own_units(result, rows)

    def _teller(self, rows: Rows, phase: str) -> Callable[[Event], None] | None:
        callback = self.callback
        if callback is None:
            return None
        of_train, of_valid = rows.log_volumes

        def tell(event: Event) -> None:
            nats = event.train_nats + of_train, event.valid_nats + of_valid
            share = self.plan.done(phase, event.share)
            speed = event.rows_per_second
            steps = event.step, event.max_steps
            left = event.seconds_left
            callback(FitEvent(*steps, *nats, left, phase, speed, event.is_last, share))

        return tell

    def _store(self, candidate: Candidate, schema: Schema, phase: str) -> TrainingStore | None:
        if self.checkpoint is None:
            return None
        identity = f"{self.data} {schema.to_json()} {candidate} {phase} {versions()}"
        folder = self.checkpoint / phase.replace(" ", "-").replace(",", "")
        return TrainingStore(folder, identity, self.resume)


def _with_words(
    training: Callable[[Trainer], _T], trainer: Trainer, tell: Callable[[FitEvent], None]
) -> _T:
    return training(replace(trainer, callback=tell))


def _in_own_units(result: FitResult, rows: Rows) -> FitResult:
    """Bounds in the data's units instead of the model's."""
    of_train, of_valid = rows.log_volumes
    history = [
        {
            "step": entry["step"],
            "train_nats": entry["train_nats"] + of_train,
            "valid_nats": entry["valid_nats"] + of_valid,
        }
        for entry in result.history
    ]
    return FitResult(result.model, result.valid_nats + of_valid, history)
