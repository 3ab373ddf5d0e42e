"""The loss, and many optimiser steps in one jitted scan."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh, PartitionSpec

from quasistatic.bound.terms import bound_costs, prior_cost, step_cost
from quasistatic.config import TrainConfig
from quasistatic.forward import tabulated
from quasistatic.model import DiffusionModel
from quasistatic.rows import Row
from quasistatic.train.state import flat, optimiser
from quasistatic.trajectory import start
from quasistatic.typing import Array, Float, Int, Key
from quasistatic.workers import AXIS


class Draw(NamedTuple):
    """The steps t of a batch `[B]` with their probabilities."""

    t: Int[Array, " B"]
    probability: Float[Array, " B"]


def draw_times(probabilities: Float[Array, " T"], n: int, *, key: Key) -> Draw:
    """One t per row, low-discrepancy over the batch: the quantiles of `(u + i) / n` in random
    order, with one uniform u.
    """
    offset_key, order_key = jax.random.split(key)
    quantiles = (jax.random.uniform(offset_key) + jnp.arange(n, dtype=jnp.float32)) / n
    index = jnp.searchsorted(jnp.cumsum(probabilities), quantiles, side="right")
    index = jax.random.permutation(order_key, jnp.minimum(index, probabilities.shape[0] - 1))
    return Draw(index.astype(jnp.int32) + 1, probabilities[index])


def row_cost(
    model: DiffusionModel,
    row: Row,
    t: Int[Array, ""],
    probability: Float[Array, ""],
    *,
    key: Key,
    dropout: bool,
) -> Float[Array, " D"]:
    """An unbiased draw of -K of one row, nats per column: the t-th cost over its probability, plus
    the terms without t.
    """
    fill_key, state_key, dropout_key = jax.random.split(key, 3)
    begin = start(model.forward, row, key=fill_key)
    cost = step_cost(model, begin, t, key=state_key, dropout_key=dropout_key if dropout else None)
    return cost / probability + prior_cost(model, begin) - begin.filler


def batch_cost(
    model: DiffusionModel,
    rows: Row,
    probabilities: Float[Array, " T"],
    *,
    weights: tuple[float, ...] | None = None,
    axis: str | None = None,
    key: Key,
    dropout: bool,
) -> Float[Array, "B D"]:
    """-K of every row of a batch, nats per column; with weights, of K whose t-th cost counts
    `weights[t - 1]` times. With an axis of a mesh the rows are this process's share of the batch,
    and have the steps and the noise that they have in the whole.
    """
    model, n_here = tabulated(model), jax.tree.leaves(rows)[0].shape[0]
    n = n_here if axis is None else n_here * jax.lax.axis_size(axis)
    time_key, row_key = jax.random.split(key)
    draw = draw_times(probabilities, n, key=time_key)
    if weights is not None:
        draw = draw._replace(
            probability=draw.probability / jnp.asarray(weights, jnp.float32)[draw.t - 1]
        )

    def one(row, t, probability, k):
        return row_cost(model, row, t, probability, key=k, dropout=dropout)

    keys = jax.random.split(row_key, n)
    if axis is not None:
        begin = jax.lax.axis_index(axis) * n_here
        draw, keys = jax.tree.map(
            lambda x: jax.lax.dynamic_slice_in_dim(x, begin, n_here), (draw, keys)
        )
    return jax.vmap(one)(rows, draw.t, draw.probability, keys)


@eqx.filter_jit
def run_steps(
    carry: tuple[Any, Any, Any],
    static: Any,
    batches: Row,
    probabilities: Float[Array, " T"],
    first: Int[Array, ""],
    rates: Any,
    config: TrainConfig,
    *,
    key: Key,
) -> tuple[Any, Any, Any, Float[Array, " k"]]:
    """k optimiser steps.

    Args:
        carry: parameters, their average, and the state of the optimiser (of flat parameters).
        static: untrained part of the model.
        batches: rows of the k batches, `[k, B, ...]`.
        probabilities: probabilities of the steps t = 1..T, `[T]`.
        first: number of the first step.
        rates: factor of the learning rate of each parameter array, a tree like the parameters; 0
            keeps it as it is.
        config: settings of the training (static).
        key: random key of the run; each step folds in its number.

    Returns:
        The carry after the steps, and the k batch means of -K in nats per row (weighted, if
        `config.step_weights` are set).
    """
    parts = carry, static, batches, probabilities, first, rates
    return _scan(*parts, config, axis=None, key=key)


@eqx.filter_jit
def run_shared_steps(
    carry: tuple[Any, Any, Any],
    static: Any,
    batches: Row,
    probabilities: Float[Array, " T"],
    first: Int[Array, ""],
    rates: Any,
    config: TrainConfig,
    place: Mesh,
    *,
    key: Key,
) -> tuple[Any, Any, Any, Float[Array, " k"]]:
    """`run_steps` of several processes, each of which has its share of the rows of every batch.

    Args:
        carry: as in `run_steps`, alike in all processes; so are the others but the batches.
        static: untrained part of the model.
        batches: rows of the k batches, `[k, B, ...]`, dealt along the second axis.
        probabilities: probabilities of the steps t = 1..T, `[T]`.
        first: number of the first step.
        rates: factor of the learning rate of each parameter array.
        config: settings of the training (static).
        place: mesh of the processes (static).
        key: random key of the run.

    Returns:
        As `run_steps`; it differs by rounding alone, as the sums over rows have another order.
    """
    arrays, rest = eqx.partition(static, eqx.is_array)

    def steps(carry, arrays, batches, probabilities, first, rates, key):
        parts = carry, eqx.combine(arrays, rest), batches, probabilities, first, rates
        return _scan(*parts, config, axis=AXIS, key=key)

    alike = PartitionSpec()
    return jax.shard_map(
        steps,
        mesh=place,
        in_specs=(alike, alike, PartitionSpec(None, AXIS), alike, alike, alike, alike),
        out_specs=alike,
        check_vma=False,
    )(carry, arrays, batches, probabilities, first, rates, key)


def _scan(
    carry: tuple[Any, Any, Any],
    static: Any,
    batches: Row,
    probabilities: Array,
    first: Array,
    rates: Any,
    config: TrainConfig,
    *,
    axis: str | None,
    key: Key,
) -> tuple[Any, Any, Any, Array]:
    parameters, average, optimiser_state = carry
    transformation = optimiser(config, parameters)
    flat_rates = flat(jax.tree.map(lambda x, rate: jnp.full(x.shape, rate), parameters, rates))
    flat_parameters, in_shape = ravel_pytree(parameters)

    def loss(parameters, batch, step_key):
        model = eqx.combine(parameters, static)
        cost = batch_cost(
            model,
            batch,
            probabilities,
            weights=config.step_weights,
            axis=axis,
            key=step_key,
            dropout=True,
        )
        return jnp.mean(cost), cost.shape[1]

    def step(carry, inputs):
        parameters, average, optimiser_state = carry
        number, batch = inputs
        (value, n_columns), gradient = jax.value_and_grad(loss, has_aux=True)(
            in_shape(parameters), batch, jax.random.fold_in(key, number)
        )
        gradient = flat(gradient)
        if axis is not None:
            value, gradient = jax.lax.pmean((value, gradient), axis)
        with jax.numpy_dtype_promotion("standard"):  # optax raises its decay to an integer power
            updates, optimiser_state = transformation.update(gradient, optimiser_state, parameters)
        scaled = jax.tree.map(jnp.multiply, updates, flat_rates)
        parameters = optax.apply_updates(parameters, scaled)
        decay = jnp.minimum(
            config.ema_decay,
            (1.0 + number.astype(jnp.float32)) / (10.0 + number.astype(jnp.float32)),
        )
        average = average + (1.0 - decay) * (parameters - average)
        return (parameters, average, optimiser_state), value * n_columns

    numbers = first + jnp.arange(jax.tree.leaves(batches)[0].shape[0], dtype=jnp.int32)
    carry = flat_parameters, flat(average), optimiser_state
    (*found, optimiser_state), values = jax.lax.scan(step, carry, (numbers, batches))
    parameters, average = map(in_shape, found)
    return parameters, average, optimiser_state, values


@eqx.filter_jit
def mean_cost(
    parameters: Any,
    static: Any,
    rows: Row,
    weights: Float[Array, "n_chunks B"],
    probabilities: Float[Array, " T"],
    repetitions: int,
    *,
    key: Key,
) -> Float[Array, " parts"]:
    """Mean of -K over rows `[n_chunks, B, ...]`, whose weights sum to 1, and repetitions, in parts
    that add up to it: nats per column, or, where the reverse kernels are mixtures, per step of
    whole trajectories, which vary less. The same noise at every call.
    """
    model = tabulated(eqx.combine(parameters, static))

    def one(inputs):
        index, chunk, weight = inputs
        chunk_key = jax.random.fold_in(key, index)
        if model.start is not None:
            keys = jax.random.split(chunk_key, jax.tree.leaves(chunk)[0].shape[0])
            draws = jax.vmap(lambda row, k: bound_costs(model, row, key=k))(chunk, keys)
            return weight @ draws
        return weight @ batch_cost(model, chunk, probabilities, key=chunk_key, dropout=False)

    n_chunks = jax.tree.leaves(rows)[0].shape[0]
    index = jnp.arange(n_chunks * repetitions)
    repeated = jax.tree.map(
        lambda x: jnp.tile(x, (repetitions, *(1,) * (x.ndim - 1))), (rows, weights)
    )
    return jnp.sum(jax.lax.map(one, (index, *repeated)), axis=0) / repetitions
