"""From a table to a trained model: split, encode, try the candidate networks, keep the best by
validation.
"""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from quasistatic.assemble import assemble
from quasistatic.checkpoint import TrainingStore, remove_checkpoints, versions
from quasistatic.config import ModelConfig, TrainConfig
from quasistatic.data.codec import Codec, EncodedTable, fit_codec
from quasistatic.data.columns.alternatives import with_atoms_of
from quasistatic.data.columns.transform import Choice
from quasistatic.data.fingerprint import fingerprint
from quasistatic.data.layout import are_images
from quasistatic.data.memory import check_size
from quasistatic.data.schema import Schema
from quasistatic.data.split import split_validation
from quasistatic.data.table import Table
from quasistatic.errors import SettingError
from quasistatic.estimator import defaults
from quasistatic.estimator.completion import with_completions, worth_completing
from quasistatic.fitted.model import Fitted
from quasistatic.model import DiffusionModel
from quasistatic.network import as_ensemble
from quasistatic.train import Event, FitResult, fit


class FitEvent(NamedTuple):
    """Progress of a fit, told to `callback` after each evaluation.

    Args:
        step: optimiser steps done in this phase.
        max_steps: at most.
        train_nats: bound K on the training batches since the last evaluation (with dropout), nats
            per row, the data's units.
        valid_nats: bound K on the validation rows, likewise.
        seconds_left: of this phase at most.
        phase: which of the trainings this is: a candidate, on which fold, the final one.
    """

    step: int
    max_steps: int
    train_nats: float
    valid_nats: float
    seconds_left: float
    phase: str


@dataclass(frozen=True)
class Candidate:
    """One combination of settings to train."""

    model: ModelConfig
    train: TrainConfig


class _Trained(NamedTuple):
    """A training, the codec of its rows, and the rows themselves as they were trained and judged
    on.
    """

    result: FitResult
    codec: Codec
    train: EncodedTable
    valid: EncodedTable | None


class _Trial(NamedTuple):
    """A cross-validated candidate, with which schema, and its held-out bounds: a curve a fold."""

    candidate: Candidate
    which: int
    curves: list[list[float]]

    def curve(self, n_folds: int | None = None) -> list[float]:
        """Mean over the first folds; a fold that stopped early counts on with its last value."""
        curves = self.curves[:n_folds]
        longest = max(map(len, curves))
        return np.mean(
            [curve + curve[-1:] * (longest - len(curve)) for curve in curves], axis=0
        ).tolist()

    def reached(self, n_folds: int | None = None) -> float:
        """The highest mean over the first folds."""
        return max(self.curve(n_folds))

    @property
    def step(self) -> int:
        """Steps of training to the highest mean."""
        train = self.candidate.train
        return min((int(np.argmax(self.curve())) + 1) * train.evaluate_every, train.max_steps)


def candidates(
    n_rows: int,
    codec: Codec,
    settings: dict[str, Any],
    seed: int,
    *,
    n_schemas: int = 1,
    completed: bool = False,
) -> list[Candidate]:
    """The combinations to try; a setting that is given (not None) is the same in all of them.

    Args:
        n_rows: of the table.
        codec: of the table.
        settings: constructor parameters of `DiffusionDensity`.
        seed: of the run.
        n_schemas: to try with the first of them.
        completed: whether holes are completed, so that every training is two.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    kernel, preset, image = given["discrete_kernel"], given["preset"], _image(codec.schema)
    n_continuous, n_discrete = len(codec.continuous_names), len(codec.discrete_names)
    if n_continuous == 0:
        _refuse_settings_of_numbers(given)
    if image is None:
        chosen = defaults.trajectory_length(n_continuous, n_discrete, kernel)
        networks, training = (
            defaults.networks(n_rows, n_continuous, preset),
            defaults.training(n_rows, preset),
        )
    else:
        if given["column_transform"] == "spline":
            raise SettingError(
                "a transform has no meaning for images: one constant scales all pixels",
                fix="leave it out",
            )
        chosen = defaults.image_trajectory_length(n_discrete, kernel, continuous=n_continuous > 0)
        networks, training = (
            [defaults.image_network(n_continuous, preset)],
            defaults.image_training(n_rows, preset),
        )
    length = given.get("trajectory_length", chosen)
    training |= _only(given, "batch_size", "max_steps", "learning_rate", "patience", "max_minutes")
    members = defaults.members(n_rows) if image is None else 1
    in_folds = _is_cross_validated(n_rows, codec.schema, given)
    if n_rows < defaults.SMALL and not in_folds:
        networks, members = networks[:1], 1
    fixed = _only(given, "width", "depth", "dropout", "frequencies", "members")
    networks = [{"members": members} | network | fixed for network in networks]
    networks = [network for i, network in enumerate(networks) if network not in networks[:i]]
    if "max_minutes" in training:
        trials = len(networks) + n_schemas - 1
        trials = trials * defaults.FOLDS + 1 if in_folds else len(networks)
        trainings = trials + networks[0]["members"] - 1
        training["max_minutes"] /= trainings * (2 if completed else 1)
    train = TrainConfig(
        seed=seed, first_step_share=defaults.first_step_share(codec.typical_width), **training
    )
    return [
        Candidate(ModelConfig(length, kernel, given["schedule"], image=image, **n), train)
        for n in networks
    ]


def _refuse_settings_of_numbers(given: dict[str, Any]) -> None:
    """Where there are none: an option without effect looks like one that had some."""
    for name, idle in ("frequencies", 0), ("schedule", "learned"), ("column_transform", "auto"):
        if given.get(name, idle) != idle:
            problem = (
                f"{name} = {given[name]!r} has no meaning here: the rows hold no continuous number"
            )
            raise SettingError(problem, fix="leave it out")


def _image(schema: Schema) -> tuple[int, int, int] | None:
    """(channels, height, width) of images."""
    if not are_images(schema.layout):
        return None
    channels, height, width = schema.layout.shape
    return channels, height, width


def _is_cross_validated(n_rows: int, schema: Schema, settings: dict[str, Any]) -> bool:
    """Small tables are; images are not: there is one network to try, and it is slow to train."""
    return _image(schema) is None and defaults.is_cross_validated(
        n_rows, settings.get("max_minutes")
    )


def _only(given: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: given[name] for name in names if name in given}


@dataclass(frozen=True)
class _Run:
    """What all trainings of one fit share."""

    table: Table
    found_atoms: Set[str]
    transform: Choice
    data: str
    checkpoint: Path | None
    resume: bool
    callback: Callable[[FitEvent], None] | None

    def train(
        self,
        candidate: Candidate,
        schema: Schema,
        train_index: np.ndarray,
        valid_index: np.ndarray | None,
        phase: str,
    ) -> _Trained:
        """One training on some rows, judged on others (None: trained to `stop_step`); bounds in the
        data's own units.

        Where many rows have holes it is two: see `estimator.completion`.
        """
        train_table = self.table.take(train_index)
        codec = fit_codec(train_table, schema, self.transform)
        train = codec.encode(train_table)
        valid = None if valid_index is None else codec.encode(self.table.take(valid_index))
        result = self._fit(candidate, codec, train, valid, phase)
        if worth_completing(train):
            key = jax.random.fold_in(jax.random.key(candidate.train.seed), 1)
            train = with_completions(result.model, codec, train, key=key)
            result = self._fit(candidate, codec, train, valid, f"{phase}, completed")
        return _Trained(result, codec, train, valid)

    def schema_of(self, schema: Schema, *parts: np.ndarray) -> Schema:
        """The schema with the atoms that each of these parts of the rows has; see
        `data.columns.alternatives.with_atoms_of`.
        """
        return with_atoms_of([self.table.take(part) for part in parts], schema, self.found_atoms)

    def with_members(self, candidate: Candidate, first: _Trained, phase: str) -> FitResult:
        """The first model and others beside it: the same schedule and rows, other weights and noise
        at the start.

        Bound and history stay those of the first alone.
        """
        networks = [first.result.model.network]
        for number in range(2, candidate.model.members + 1):
            other = replace(
                candidate, train=replace(candidate.train, seed=candidate.train.seed + number - 1)
            )
            remark = f"{phase}, network {number} of {candidate.model.members}"
            beside = self._fit(
                other, first.codec, first.train, first.valid, remark, schedule_of=first.result.model
            )
            networks.append(beside.model.network)
        model = DiffusionModel(first.result.model.forward, as_ensemble(networks))
        return first.result._replace(model=model)

    def _fit(
        self,
        candidate: Candidate,
        codec: Codec,
        train: EncodedTable,
        valid: EncodedTable | None,
        phase: str,
        *,
        schedule_of: DiffusionModel | None = None,
    ) -> FitResult:
        volume = (
            float(np.mean(train.log_volume)),
            0.0 if valid is None else float(np.mean(valid.log_volume)),
        )

        def tell(event: Event) -> None:
            if self.callback is not None:
                nats = event.train_nats + volume[0], event.valid_nats + volume[1]
                self.callback(
                    FitEvent(event.step, event.max_steps, *nats, event.seconds_left, phase)
                )

        key = jax.random.key(candidate.train.seed)
        model = assemble(
            replace(candidate.model, members=1), codec.typical_width, codec.marginals, key=key
        )
        if schedule_of is not None:
            model = DiffusionModel(schedule_of.forward, model.network)
        result = fit(
            model, train.rows, None if valid is None else valid.rows, candidate.train,
            fixed_schedule=schedule_of is not None, column_names=codec.block_names, callback=tell,
            store=self._store(candidate, codec.schema, phase),
        )  # fmt: skip
        history = [
            {
                "step": e["step"],
                "train_nats": e["train_nats"] + volume[0],
                "valid_nats": e["valid_nats"] + volume[1],
            }
            for e in result.history
        ]
        return FitResult(result.model, result.valid_nats + volume[1], history)

    def _store(self, candidate: Candidate, schema: Schema, phase: str) -> TrainingStore | None:
        if self.checkpoint is None:
            return None
        identity = f"{self.data} {schema.to_json()} {candidate} {phase} {versions()}"
        return TrainingStore(
            self.checkpoint / phase.replace(" ", "-").replace(",", ""), identity, self.resume
        )


def fit_table(
    table: Table,
    schemas: Sequence[Schema],
    settings: dict[str, Any],
    seed: int,
    *,
    found_atoms: Set[str] = frozenset(),
    checkpoint: Path | None = None,
    resume: bool = False,
    callback: Callable[[FitEvent], None] | None = None,
) -> Fitted:
    """Train on a table; schema, network and number of steps are chosen by the bound on held-out
    rows.

    What held-out rows decide by knows nothing of them: neither networks and transforms nor atoms
    that were found. A table of `defaults.SMALL` rows or more is split once, and so are images and
    what has less than `defaults.FEWEST_MINUTES`; the first schema is theirs. On a smaller table
    every schema is cross-validated with the first network, every other network with the best schema
    (given up if it is behind after half of the folds), and the best combination is trained on all
    rows for the number of steps at which its mean held-out bound was highest.

    Args:
        table: the rows.
        schemas: of their columns, all with one base measure.
        settings: constructor parameters of `DiffusionDensity`.
        seed: of the splits, the initial weights, the batches and the noise.
        found_atoms: columns whose atoms are those of the rows that are trained on; see
            `data.columns.alternatives.with_atoms_of`.
        checkpoint: folder of the training checkpoints; None keeps none.
        resume: go on from them.
        callback: told the progress.
    """
    schema = schemas[0]
    check_size(schema, len(table))
    if checkpoint is not None and not resume:
        remove_checkpoints(checkpoint)
    run = _Run(
        table,
        found_atoms,
        settings["column_transform"],
        fingerprint(table),
        checkpoint,
        resume,
        callback,
    )
    codec = fit_codec(table, schema, settings["column_transform"])
    completed = worth_completing(codec.encode(table))
    options = candidates(
        len(table), codec, settings, seed, n_schemas=len(schemas), completed=completed
    )
    if _is_cross_validated(len(table), schema, settings):
        chosen = _cross_validated(run, options, schemas, seed)
    else:
        chosen = _split_once(run, options, schema, settings["validation_fraction"], seed)
    result, codec, candidate, held_out = chosen
    record = {
        "data": {
            "fingerprint": run.data,
            "rows": len(table),
            "columns": len(schema.names),
            "held_out": held_out,
        },
        "seed": seed,
        "validation_bound_nats": result.valid_nats,
        "base_measure": schema.base_measure(),
        "history": result.history,
    }
    return Fitted(result.model, codec, candidate.model, candidate.train, record)


Chosen = tuple[FitResult, Codec, Candidate, str]


def _split_once(
    run: _Run, options: list[Candidate], schema: Schema, fraction: float, seed: int
) -> Chosen:
    n = len(run.table)
    n_valid = defaults.validation_rows(n, fraction)
    train_index, valid_index = split_validation(n, n_valid / n, seed)
    schema = run.schema_of(schema, train_index)
    tried = [
        (run.train(candidate, schema, train_index, valid_index, f"candidate {number}"), candidate)
        for number, candidate in enumerate(options, start=1)
    ]
    best, candidate = max(tried, key=lambda pair: pair[0].result.valid_nats)
    result = run.with_members(candidate, best, "best candidate")
    return result, best.codec, candidate, f"{len(valid_index)} rows, not trained on"


def _cross_validated(
    run: _Run, options: list[Candidate], schemas: Sequence[Schema], seed: int
) -> Chosen:
    n = len(run.table)
    n_folds = min(defaults.FOLDS, n)
    order = np.random.default_rng(seed).permutation(n)
    size = n // n_folds  # equal folds: one shape to compile for
    folds = [np.sort(order[i * size : (i + 1) * size]) for i in range(n_folds)]
    rests = [np.setdiff1d(np.arange(n), fold) for fold in folds]
    of_rests = [run.schema_of(schema, *rests) for schema in schemas]
    told_apart = [
        i for i, schema in enumerate(of_rests) if schema not in of_rests[i + 1 :]
    ]  # else the plainer one

    def judge(trial: _Trial, number: int, which: Sequence[int], remark: str = "") -> None:
        for i in which:
            phase = f"candidate {number} of {len(options)}{remark}, fold {i + 1} of {n_folds}"
            trained = run.train(trial.candidate, of_rests[trial.which], rests[i], folds[i], phase)
            trial.curves.append([entry["valid_nats"] for entry in trained.result.history])

    trials = [_Trial(options[0], which, []) for which in told_apart]
    for first in trials:
        judge(first, 1, range(n_folds), ", fewer point masses" if first.which else "")
    best = max(trials, key=_Trial.reached)
    half = max(n_folds // 2, 1)
    for number, candidate in enumerate(options[1:], start=2):
        other = _Trial(candidate, best.which, [])
        judge(other, number, range(half))
        if other.reached() > best.reached(half):
            judge(other, number, range(half, n_folds))
            best = max(best, other, key=_Trial.reached)
    final = replace(best.candidate, train=replace(best.candidate.train, stop_step=best.step))
    trained = run.train(final, schemas[best.which], np.arange(n), None, "all rows")
    result = run.with_members(final, trained, "all rows")
    history = [
        entry | {"valid_nats": held_out}
        for entry, held_out in zip(result.history, best.curve(), strict=False)
    ]
    return (
        FitResult(result.model, best.reached(), history),
        trained.codec,
        final,
        f"{n_folds}-fold cross-validation",
    )
