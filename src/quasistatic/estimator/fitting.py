"""From a table to a trained model: split, encode, try the candidate networks, keep the best by validation."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from quasistatic.assemble import assemble
from quasistatic.checkpoint import TrainingStore, versions
from quasistatic.config import ModelConfig, TrainConfig
from quasistatic.data.codec import Codec, EncodedTable, fit_codec
from quasistatic.data.fingerprint import fingerprint
from quasistatic.data.schema import Schema
from quasistatic.data.size import check_size
from quasistatic.data.split import split_validation
from quasistatic.data.table import Table
from quasistatic.estimator import defaults
from quasistatic.model import DiffusionModel
from quasistatic.train import Event, FitResult, fit


class FitEvent(NamedTuple):
    """Progress of a fit, told to `callback` after each evaluation.

    Args:
        step: optimiser steps done in this phase.
        max_steps: at most.
        train_nats: bound K on the training batches since the last evaluation (with dropout), nats per row, the data's units.
        valid_nats: bound K on the validation rows, likewise.
        seconds_left: of this phase at most.
        phase: which of the candidate networks is being trained.
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


class Fitted(NamedTuple):
    """A trained model with all that is needed to use and to store it."""

    model: DiffusionModel
    codec: Codec
    model_config: ModelConfig
    train_config: TrainConfig
    record: dict[str, Any]


def candidates(n_rows: int, codec: Codec, settings: dict[str, Any], seed: int) -> list[Candidate]:
    """The combinations to try; a setting that is given (not None) is the same in all of them.

    Args:
        n_rows: of the table.
        codec: of the table.
        settings: constructor parameters of `DiffusionDensity`.
        seed: of the run.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    kernel = given["discrete_kernel"]
    length = given.get("trajectory_length") or defaults.trajectory_length(
        len(codec.continuous_names), len(codec.discrete_names), kernel
    )
    training = defaults.training(n_rows, given["preset"]) | _only(
        given, "batch_size", "max_steps", "learning_rate", "patience", "max_minutes"
    )
    networks = [network | _only(given, "width", "depth", "dropout") for network in defaults.networks(n_rows, given["preset"])]
    networks = [network for i, network in enumerate(networks) if network not in networks[:i]]
    if "max_minutes" in training:
        training["max_minutes"] /= len(networks)
    train = TrainConfig(seed=seed, first_step_share=defaults.first_step_share(codec.typical_width), **training)
    return [Candidate(ModelConfig(length, kernel, given["schedule"], **network), train) for network in networks]


def _only(given: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: given[name] for name in names if name in given}


def fit_table(
    table: Table,
    schema: Schema,
    settings: dict[str, Any],
    seed: int,
    *,
    checkpoint: Path | None = None,
    resume: bool = False,
    callback: Callable[[FitEvent], None] | None = None,
) -> Fitted:
    """Train the candidates on a table and keep the best.

    Args:
        table: the rows.
        schema: their columns.
        settings: constructor parameters of `DiffusionDensity`.
        seed: of the split, the initial weights, the batches and the noise.
        checkpoint: folder of the training checkpoints; None keeps none.
        resume: go on from them.
        callback: told the progress.
    """
    check_size(schema, len(table))
    n_valid = defaults.validation_rows(len(table), settings["validation_fraction"])
    train_index, valid_index = split_validation(len(table), n_valid / len(table), seed)
    codec = fit_codec(table.take(train_index), schema)
    encoded = codec.encode(table)
    train, valid = encoded.take(train_index), encoded.take(valid_index)
    data = fingerprint(table)
    best: tuple[FitResult, Candidate] | None = None
    for number, candidate in enumerate(candidates(len(table), codec, settings, seed)):
        store = None
        if checkpoint is not None:
            identity = f"{data} {candidate} {versions()}"
            store = TrainingStore(checkpoint / str(number), identity, resume)
        result = _train(candidate, codec, train, valid, f"network {number + 1}", store, callback)
        if best is None or result.valid_nats > best[0].valid_nats:
            best = result, candidate
    assert best is not None  # there is at least one candidate
    result, candidate = best
    record = {
        "data": {
            "fingerprint": data,
            "rows": len(table),
            "training_rows": len(train_index),
            "validation_rows": len(valid_index),
            "columns": len(schema.names),
        },
        "seed": seed,
        "validation_bound_nats": result.valid_nats,
        "base_measure": schema.base_measure(),
        "history": result.history,
    }
    return Fitted(result.model, codec, candidate.model, candidate.train, record)


def _train(
    candidate: Candidate,
    codec: Codec,
    train: EncodedTable,
    valid: EncodedTable,
    phase: str,
    store: TrainingStore | None,
    callback: Callable[[FitEvent], None] | None,
) -> FitResult:
    """One candidate; its bounds are given back in the data's own units."""
    offset_train, offset_valid = float(np.mean(train.log_volume)), float(np.mean(valid.log_volume))

    def tell(event: Event) -> None:
        if callback is not None:
            callback(FitEvent(event.step, event.max_steps, event.train_nats + offset_train,
                              event.valid_nats + offset_valid, event.seconds_left, phase))  # fmt: skip

    key = jax.random.key(candidate.train.seed)
    model = assemble(candidate.model, codec.typical_width, codec.marginals, key=key)
    result = fit(
        model, train.rows, valid.rows, candidate.train,
        column_names=codec.block_names, callback=tell, store=store,
    )  # fmt: skip
    history = [
        {"step": e["step"], "train_nats": e["train_nats"] + offset_train, "valid_nats": e["valid_nats"] + offset_valid}
        for e in result.history
    ]
    return FitResult(result.model, result.valid_nats + offset_valid, history)
