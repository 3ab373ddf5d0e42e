"""`fit`: train until the validation bound no longer rises. Prints nothing; tells a callback."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np

from quasistatic import workers
from quasistatic.compiled import forget_programs_if_crowded
from quasistatic.config import TrainConfig
from quasistatic.errors import SettingError
from quasistatic.model import DiffusionModel
from quasistatic.rows import Row
from quasistatic.train._run import Run
from quasistatic.train.evaluation import Evaluation
from quasistatic.train.state import (
    TrainState,
    initial_state,
    learning_shares,
    time_probabilities,
    trainable,
)

__all__ = ["Event", "FitResult", "fit"]

_COMPILING = Lock()
"""Held during the first steps of a training: another of the same shapes, in another thread, then
finds the program that it would have compiled as well."""


@dataclass(frozen=True)
class Event:
    """Progress after an evaluation; bounds are K in nats per row, in the model's space (no
    log-volume). `share` is that of the steps, or of the time, that is done; 1 with the last one.
    """

    step: int
    max_steps: int
    train_nats: float
    valid_nats: float
    seconds_left: float
    rows_per_second: float
    share: float

    @property
    def is_last(self) -> bool:
        """Whether the training ends with this evaluation."""
        return self.share == 1.0


class FitResult(NamedTuple):
    """The averaged model of the best evaluation, that evaluation's bound (nats per row), and all
    evaluations.
    """

    model: DiffusionModel
    valid_nats: float
    history: list[dict[str, float]]


def fit(
    model: DiffusionModel,
    train_rows: Row,
    valid_rows: Row | None,
    config: TrainConfig,
    *,
    fixed_schedule: bool = False,
    column_names: Sequence[str] = (),
    callback: Callable[[Event], None] | None = None,
    store: Any = None,
) -> FitResult:
    """Maximise the bound K on the training rows, stop by K on the validation rows.

    The average of the parameters at the best evaluation is kept; without validation rows, at the
    last step.

    Args:
        model: model to start from.
        train_rows: cells of the training rows, `[N, ...]`, NumPy or JAX.
        valid_rows: cells of the validation rows, `[N, ...]`; None trains to `config.stop_step` (or
            `max_steps`).
        config: settings of the training.
        fixed_schedule: whether a learned schedule is kept as it is and the network trained alone
            (default False).
        column_names: names of the columns in the order of the blocks, to name a faulty one
            (default: none).
        callback: function called with an `Event` after each evaluation; None (default) calls
            nothing.
        store: training checkpoint (`checkpoint.TrainingStore`) to resume from and to save to; None
            (default) keeps nothing.

    Raises:
        SettingError: the number of `config.step_weights` is not T.
        TrainingError: the bound stayed non-finite after several restarts from the last good step,
            each with half the rate.
    """
    if config.step_weights is not None and len(config.step_weights) != model.trajectory_length:
        raise SettingError(
            f"{len(config.step_weights)} step_weights for {model.trajectory_length} steps",
            fix="give one for each step",
        )
    forget_programs_if_crowded()
    static = eqx.filter(model, trainable(model), inverse=True)
    probabilities = time_probabilities(model.trajectory_length, config.first_step_share)
    key = jax.random.key(config.seed)
    shares = learning_shares(model, fixed_schedule=fixed_schedule)
    run = Run(
        static,
        jax.tree.map(np.asanyarray, train_rows),  # what is mapped from a file stays mapped
        probabilities,
        config,
        key,
        shares,
        column_names,
    )
    evaluate = None
    if valid_rows is not None:
        evaluation_key = jax.random.fold_in(key, jax.device_put(np.uint32(2**31)))
        evaluate = Evaluation(static, valid_rows, probabilities, config, key=evaluation_key)
    last_step = min(config.stop_step or config.max_steps, config.max_steps)
    state, history = initial_state(model, config), []
    if store is not None:
        state, history = store.restore(state)
    began, first = math.inf, state.step
    limit = math.inf if config.max_minutes is None else 60 * config.max_minutes
    lap = _first(evaluate, state)
    while state.step < last_step and state.stale < config.patience:
        with lap:
            lap_began = monotonic()
            began = min(began, lap_began)  # not while another training compiled
            steps = min(config.evaluate_every, last_step - state.step)
            state, train_nats = run.advance(state, steps)
        lap = nullcontext()
        valid_nats = None if evaluate is None else evaluate(state.average)
        if valid_nats is not None:
            (valid_nats,) = workers.agreed(valid_nats)
        state = _judge(state, valid_nats)
        valid_nats = math.nan if valid_nats is None else valid_nats
        history.append({"step": state.step, "train_nats": train_nats, "valid_nats": valid_nats})
        if store is not None and workers.is_first():
            store.save(state, history)
        elapsed, last_lap = workers.agreed(monotonic() - began, monotonic() - lap_began)
        out_of_time = elapsed + last_lap > limit
        if callback is not None:
            left = min(
                elapsed / (state.step - first) * (last_step - state.step), max(limit - elapsed, 0.0)
            )
            is_last = out_of_time or state.step >= last_step or state.stale >= config.patience
            share = 1.0 if is_last else elapsed / (elapsed + left)
            speed = run.batch_size * (state.step - first) / elapsed
            bounds = train_nats, valid_nats
            callback(Event(state.step, last_step, *bounds, left, speed, share))
        if out_of_time:
            break
    return FitResult(eqx.combine(state.best, static), state.best_bound, history)


@contextmanager
def _first(evaluate: Evaluation | None, state: TrainState) -> Iterator[None]:
    """Around the first steps, in which what they and the evaluations need is compiled."""
    with _COMPILING:
        if evaluate is None:
            yield
            return
        with evaluate.compiled_beside(state.average):
            yield


def _judge(state: TrainState, valid_nats: float | None) -> TrainState:
    """Keep the average if it is the best so far, or if there is no validation."""
    if valid_nats is None:
        return state._replace(best=state.average)
    if valid_nats > state.best_bound:
        return state._replace(best=state.average, best_bound=valid_nats, stale=0)
    return state._replace(stale=state.stale + 1)
