"""`fit`: train until the validation bound no longer rises. Prints nothing; tells a callback."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.config import TrainConfig
from quasistatic.data.batches import epoch_batches
from quasistatic.errors import TrainingError
from quasistatic.model import DiffusionModel
from quasistatic.train.state import TrainState, initial_state, time_probabilities, trainable
from quasistatic.train.step import batch_cost, mean_cost, run_steps
from quasistatic.trajectory import Row
from quasistatic.typing import Key

MAX_RETRIES = 3
VALIDATION_ROWS = 2048
VALIDATION_DRAWS = 4096
_VALIDATION_BATCH = 256


@dataclass(frozen=True)
class Event:
    """Progress after an evaluation; bounds are K in nats per row, in the model's space (no log-volume)."""

    step: int
    max_steps: int
    train_nats: float
    valid_nats: float
    seconds_left: float


class FitResult(NamedTuple):
    """The averaged model of the best evaluation, that evaluation's bound (nats per row), and all evaluations."""

    model: DiffusionModel
    valid_nats: float
    history: list[dict[str, float]]


def fit(
    model: DiffusionModel,
    train_rows: Row,
    valid_rows: Row | None,
    config: TrainConfig,
    *,
    column_names: Sequence[str] = (),
    callback: Callable[[Event], None] | None = None,
    store: Any = None,
) -> FitResult:
    """Maximise the bound K on the training rows, stop by K on the validation rows.

    The average of the parameters at the best evaluation is kept; without validation rows, at the last step.

    Args:
        model: the starting point.
        train_rows: cells `[N, ...]`, NumPy or JAX.
        valid_rows: cells of the validation rows; None trains to `config.stop_step` (or `max_steps`).
        config: settings.
        column_names: of the columns in the order of the blocks, to name a faulty one.
        callback: called with an `Event` after each evaluation.
        store: a training checkpoint (`checkpoint.TrainingStore`) to resume from and to save to; None keeps nothing.

    Raises:
        TrainingError: the bound stayed non-finite after `MAX_RETRIES` restarts from the last good step, each with half the rate.
    """
    static = eqx.filter(model, trainable(model), inverse=True)
    probabilities = time_probabilities(model.trajectory_length, config.first_step_share)
    key = jax.random.key(config.seed)
    rows = jax.tree.map(jnp.asarray, train_rows)
    evaluate = None if valid_rows is None else _Evaluation(static, valid_rows, probabilities, key)
    last_step = min(config.stop_step or config.max_steps, config.max_steps)
    state, history = initial_state(model, config), []
    if store is not None:
        state, history = store.restore(state)
    batches = _Batches(jax.tree.leaves(rows)[0].shape[0], config)
    began, first = time.monotonic(), state.step
    while state.step < last_step and state.stale < config.patience:
        state, train_nats = _advance(state, static, rows, batches, probabilities, config, last_step, key, column_names)
        valid_nats = math.nan if evaluate is None else evaluate(state.average)
        state = _judge(state, valid_nats)
        history.append({"step": state.step, "train_nats": train_nats, "valid_nats": valid_nats})
        elapsed = time.monotonic() - began
        if store is not None:
            store.save(state, history)
        if callback is not None:
            left = elapsed / (state.step - first) * (last_step - state.step)
            callback(Event(state.step, last_step, train_nats, valid_nats, left))
        if config.max_minutes is not None and elapsed > 60 * config.max_minutes:
            break
    return FitResult(eqx.combine(state.best, static), state.best_bound, history)


class _Batches:
    """Row numbers of any range of steps."""

    def __init__(self, n_rows: int, config: TrainConfig) -> None:
        self.n_rows, self.size, self.seed = n_rows, min(config.batch_size, max(n_rows, 16)), config.seed
        self.per_epoch = -(-n_rows // self.size)

    def __call__(self, first: int, n: int) -> jax.Array:
        steps = np.arange(first, first + n)
        epochs = {
            e: epoch_batches(self.n_rows, self.size, self.seed, e) for e in np.unique(steps // self.per_epoch).tolist()
        }
        return jnp.asarray(np.stack([epochs[s // self.per_epoch][s % self.per_epoch] for s in steps.tolist()]))


class _Evaluation:
    """The validation bound with the same rows, steps and noise every time."""

    def __init__(self, static: Any, rows: Row, probabilities: jax.Array, key: Key) -> None:
        n_rows = min(len(jax.tree.leaves(rows)[0]), VALIDATION_ROWS)
        n_chunks = -(-n_rows // _VALIDATION_BATCH)
        size = -(-n_rows // n_chunks)
        # Whole chunks: the last rows of an uneven split are left out rather than any row counted twice.
        kept = n_chunks * size if n_chunks * size <= n_rows else (n_chunks - 1) * size
        self.rows = jax.tree.map(lambda x: jnp.asarray(x[:kept]).reshape(-1, size, *x.shape[1:]), rows)
        self.repetitions = max(1, VALIDATION_DRAWS // kept)
        self.static, self.probabilities, self.key = static, probabilities, jax.random.fold_in(key, 2**31)

    def __call__(self, parameters: Any) -> float:
        return -float(
            jnp.sum(mean_cost(parameters, self.static, self.rows, self.probabilities, self.repetitions, key=self.key))
        )


def _advance(
    state, static, rows, batches, probabilities, config, last_step, key, column_names
) -> tuple[TrainState, float]:
    """The steps up to the next evaluation; from the last good state again, with half the rate, when they leave the finite numbers."""
    n = min(config.evaluate_every, last_step - state.step)
    numbers = batches(state.step, n)
    while True:
        scan_state = state._replace(
            step=jnp.asarray(state.step, jnp.int32), rate_scale=jnp.asarray(state.rate_scale, jnp.float32)
        )
        scan_state = scan_state._replace(best=None, best_bound=None, stale=None, retries=None)
        retry_key = jax.random.fold_in(key, state.retries)
        parameters, average, optimiser_state, values = run_steps(
            scan_state, static, rows, numbers, probabilities, config, key=retry_key
        )
        values = np.asarray(values, np.float64)
        if np.all(np.isfinite(values)) and _all_finite(parameters):
            state = state._replace(
                parameters=parameters, average=average, optimiser=optimiser_state, step=state.step + n
            )
            return state, -float(np.mean(values))
        if state.retries == MAX_RETRIES:
            raise _non_finite(state, static, rows, numbers, probabilities, retry_key, column_names)
        state = state._replace(retries=state.retries + 1, rate_scale=state.rate_scale / 2)


def _judge(state: TrainState, valid_nats: float) -> TrainState:
    """Keep the average if it is the best so far, or if there is no validation."""
    if math.isnan(valid_nats):
        return state._replace(best=state.average)
    if valid_nats > state.best_bound:
        return state._replace(best=state.average, best_bound=valid_nats, stale=0)
    return state._replace(stale=state.stale + 1)


@eqx.filter_jit
def _all_finite(tree: Any) -> jax.Array:
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(x)) for x in jax.tree.leaves(tree)]))


def _non_finite(state, static, rows, numbers, probabilities, key, column_names) -> TrainingError:
    """The error that names the column whose cost is non-finite, or else the largest, at the last good parameters."""
    batch = jax.tree.map(lambda x: x[numbers.reshape(-1)], rows)
    cost = batch_cost(eqx.combine(state.parameters, static), batch, probabilities, key=key, dropout=False)
    cost = np.asarray(jnp.mean(cost, axis=0))
    worst = int(np.argmax(np.where(np.isfinite(cost), cost, np.inf)))
    name = column_names[worst] if worst < len(column_names) else f"number {worst}"
    return TrainingError(
        f"the bound was not finite after step {state.step}, also after {MAX_RETRIES} restarts at a lower learning rate",
        where=f"column {name!r}",
        fix="look for extreme values in this column, clip or transform it, or lower the learning rate",
    )
