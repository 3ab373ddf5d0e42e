r"""Scans of the chain. Forward: from a row's cells to a state x_0, and the log-weight of a noising
trajectory, step by step. Reverse: a row from the prior, and the log-weight of the trajectory that
generated it.

The forward trajectory is drawn backward in time, x_T from the marginal and then by the bridges,
which is the same law, and its weight needs only what differs:

    log w = log pi(x_T) / q(x_T|x_0) + sum_{t=2..T} log p(x_{t-1}|x_t) / q(x_{t-1}|x_t,x_0)
            + log p(x_0|x_1).

Unobserved cells contribute nothing; a cell of positive width contributes its mass.

Everything here but `sample_rows` and `generate_rows` is for ONE row (a tuple of `data.cells.Cells`,
one per block) and is batched by `vmap`.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.data.cells import Cells
from quasistatic.distribution import Mixture, Product
from quasistatic.forward import tabulated
from quasistatic.forward.base import AbstractDiffusion
from quasistatic.forward.product import ProductDiffusion
from quasistatic.model import DiffusionModel
from quasistatic.rows import CHUNK, Row, in_chunks, joined, rows_at_once
from quasistatic.typing import Array, Bool, Float, Key, State, Step

__all__ = [
    "Forward",
    "Generated",
    "Start",
    "arrive",
    "cells_of",
    "first_state",
    "forward_trajectory",
    "generate",
    "generate_rows",
    "increments",
    "log_weight",
    "move",
    "sample",
    "sample_numbered",
    "sample_rows",
    "start",
    "start_at",
]


class Start(NamedTuple):
    """A row ready for the forward process, its filler cells drawn.

    Args:
        x_0: state at t = 0.
        width: z-widths of the row's cells, one array [D] or None per block.
        observed: flags of the cells that are there, one bool [D] per block.
        columns: flags of the cells that are there, bool [D] over all columns.
        filler: `- log N(c; 0, 1)` of the filler cells c (within the limits of their columns), 0
            elsewhere, [D] nats: an atom's density is divided by that of its filler.
    """

    x_0: State
    width: tuple[Array | None, ...]
    observed: State
    columns: Bool[Array, " D"]
    filler: Float[Array, " D"]


def start(forward: ProductDiffusion, row: Row, *, key: Key) -> Start:
    """The state at t = 0 of a row, its filler cells drawn from N(0, 1) within their columns'
    limits (`independent()` of the block).
    """
    drawn = (
        cells.value
        if cells.filler is None
        else block.independent().sample(key=jax.random.fold_in(key, i))
        for i, (block, cells) in enumerate(zip(forward.blocks, row, strict=True))
    )
    return start_at(forward, row, tuple(drawn))


def start_at(forward: ProductDiffusion, row: Row, state: State) -> Start:
    """The state at t = 0 of a row whose filler cells have the values of a state of the model."""
    parts = zip(forward.blocks, row, state, strict=True)
    x_0, fillers = zip(*(_filled(*part) for part in parts), strict=True)
    observed = tuple(cells.observed for cells in row)
    width = tuple(cells.width for cells in row)
    return Start(x_0, width, observed, jnp.concatenate(observed), jnp.concatenate(fillers))


def _filled(block: AbstractDiffusion, cells: Cells, x: Array) -> tuple[Array, Float[Array, " D"]]:
    """The values of a block, its filler cells those of x, and minus their log-density."""
    if cells.filler is None:
        return cells.value, jnp.zeros(cells.value.shape)
    log_density = block.independent().log_prob(x)
    return jnp.where(cells.filler, x, cells.value), jnp.where(cells.filler, -log_density, 0.0)


def first_state(model: DiffusionModel, begin: Start, *, key: Key) -> tuple[State, Float[Array, ""]]:
    """x_T from its marginal, and `log pi(x_T) / q(x_T|x_0)`, nats."""
    marginal = model.forward.marginal(begin.x_0, model.trajectory_length)
    x_last = marginal.sample(key=key)
    gain = model.forward.prior().log_prob(x_last) - marginal.log_prob(x_last)
    return x_last, jnp.sum(jnp.where(begin.columns, gain, 0.0))


def move(
    model: DiffusionModel,
    begin: Start,
    reverse: Product | Mixture,
    x_t: State,
    t: Step,
    *,
    key: Key,
) -> tuple[State, Float[Array, ""]]:
    """x_{t-1} from the bridge, and `log p(x_{t-1}|x_t) / q(x_{t-1}|x_t,x_0)`, nats.

    Args:
        model: model p of the row.
        begin: row at t = 0.
        reverse: reverse kernel p(x_{t-1}|x_t).
        x_t: state of the row, one array [D] per block.
        t: number t of the step, at least 2.
        key: random key of the draw.
    """
    bridge = model.forward.bridge(x_t, begin.x_0, t)
    x_before = bridge.sample(key=key)
    log_p = reverse.whole().log_prob(x_before, begin.columns)
    gain = log_p - bridge.log_prob(x_before, begin.columns)
    return x_before, jnp.sum(gain)


def arrive(begin: Start, guess: Product | Mixture) -> Float[Array, ""]:
    """`log p(x_0|x_t)` of the row's cells with the `- log N(c; 0, 1)` of the filler cells, nats; at
    t = 1 the last factor of the weight.

    Args:
        begin: row at t = 0.
        guess: kernel p(x_0|x_t).
    """
    return jnp.sum(guess.log_cell(begin.x_0, begin.width, begin.columns) + begin.filler)


class Forward(NamedTuple):
    """The weight of one forward trajectory, nats.

    Args:
        log_weight: log w, the sum of the increments, nats.
        increments: increments of log w, `[T + 1]` nats: steps t = 1..T, then `log pi(x_T) /
            q(x_T|x_0)`.
        filler: part of the first increment that is `- log N(c; 0, 1)` of the filler cells, nats.
    """

    log_weight: Float[Array, ""]
    increments: Float[Array, " steps"]
    filler: Float[Array, ""]


def forward_trajectory(model: DiffusionModel, row: Row, *, key: Key) -> Forward:
    """One forward trajectory of a row."""
    fill_key, last_key, walk_key = jax.random.split(key, 3)
    begin = start(model.forward, row, key=fill_key)
    x_last, end = first_state(model, begin, key=last_key)

    def walk_on(reverse: Product | Mixture, x_t: State, t: Step) -> tuple[State, Array]:
        return move(model, begin, reverse, x_t, t, key=jax.random.fold_in(walk_key, t))

    def last(reverse: Product | Mixture, x_t: State, t: Step) -> tuple[State, Array]:
        return begin.x_0, arrive(begin, reverse)

    def step(carry: tuple[State, Array], t: Step) -> tuple[tuple[State, Array], Array]:
        x_t, total = carry
        reverse = model.reverse_kernel(x_t, begin.observed, t)
        x_before, gain = jax.lax.cond(t > 1, walk_on, last, reverse, x_t, t)
        return (x_before, total + gain), gain

    # The total is carried along: the compiler drops the increments where only it is asked for, and
    # memory does not grow with T.
    walk = jnp.arange(model.trajectory_length, 0, -1)
    (_, total), gains = jax.lax.scan(step, (x_last, end), walk)
    steps = jnp.concatenate([gains[::-1], end[None]])
    return Forward(total, steps, jnp.sum(begin.filler))


def log_weight(model: DiffusionModel, row: Row, *, key: Key) -> Float[Array, ""]:
    """log w of one forward trajectory, nats; `-log w` is the work, and `E w = p(x_0)` (paper,
    equations (7)-(9); Jarzynski). Memory does not grow with T.
    """
    return forward_trajectory(model, row, key=key).log_weight


def increments(model: DiffusionModel, row: Row, *, key: Key) -> Float[Array, " steps"]:
    """Increments `[T + 1]` of `log_weight`, of the same trajectory at the same key, nats: steps t =
    1..T, then `log pi(x_T) / q(x_T|x_0)`.
    """
    return forward_trajectory(model, row, key=key).increments


def sample(model: DiffusionModel, observed: State, *, key: Key) -> State:
    """One row x_0 of the model: x_T from the prior, then the reverse kernels down to t = 0.

    Args:
        model: model that the row is drawn from.
        observed: flags of the cells that exist, one bool [D] per block, all True for a whole row
            (the network is told them).
        key: random key of the trajectory.
    """

    def step(x_t: State, t: Step) -> tuple[State, None]:
        x_before = model.reverse_kernel(x_t, observed, t).sample(key=jax.random.fold_in(key, t))
        return x_before, None

    x_last = model.forward.prior().sample(key=jax.random.fold_in(key, 0))
    return jax.lax.scan(step, x_last, jnp.arange(model.trajectory_length, 0, -1))[0]


class Generated(NamedTuple):
    """What is kept of a trajectory of the model: enough to weigh it for its row, whatever T. Rows
    `[n, ...]` for a table.

    Args:
        x_0: generated row, one array [D] per block.
        x_1: state x_1 before it, one array [D] per block.
        log_ratio: `log pi(x_T) + sum_{t=2..T} log p(x_{t-1}|x_t) / q(x_t|x_{t-1})`, nats.
    """

    x_0: State
    x_1: State
    log_ratio: Float[Array, ""]


def generate(model: DiffusionModel, observed: State, *, key: Key) -> Generated:
    """The row of `sample` at the same key, with what weighs its trajectory; memory does not grow
    with T.
    """
    forward = model.forward

    def step(carry: tuple[State, State, Array], t: Step) -> tuple[tuple, None]:
        x_t, _, total = carry
        reverse = model.reverse_kernel(x_t, observed, t)
        x_before = reverse.sample(key=jax.random.fold_in(key, t))
        gain = reverse.log_prob(x_before) - forward.kernel(x_before, t).log_prob(x_t)
        return (x_before, x_t, total + jnp.where(t > 1, jnp.sum(gain), 0.0)), None

    x_last = forward.prior().sample(key=jax.random.fold_in(key, 0))
    begin = x_last, x_last, jnp.sum(forward.prior().log_prob(x_last))
    (x_0, x_1, total), _ = jax.lax.scan(step, begin, jnp.arange(model.trajectory_length, 0, -1))
    return Generated(x_0, x_1, total)


def sample_rows(model: DiffusionModel, n_rows: int, *, key: Key) -> tuple[np.ndarray, ...]:
    """Independent rows of the model, NumPy `[n_rows, D]` per block; memory does not grow with T.

    Args:
        model: model that the rows are drawn from.
        n_rows: number of rows, 0 or more.
        key: random key of all rows.
    """
    return sample_numbered(model, np.arange(n_rows), key=key)


def sample_numbered(
    model: DiffusionModel, numbers: np.ndarray, *, key: Key
) -> tuple[np.ndarray, ...]:
    """The rows of `sample_rows` that have these numbers, NumPy `[n, D]` per block: a table may be
    drawn a piece at a time.

    Args:
        model: model that the rows are drawn from.
        numbers: numbers `[n]` of the rows, none or more.
        key: random key of all rows.
    """
    if len(numbers) == 0:
        prior = jax.eval_shape(lambda: model.forward.prior().sample(key=jax.random.key(0)))
        return jax.tree.map(lambda x: np.zeros((0, *x.shape), x.dtype), prior)
    return _all(sample, model, numbers, key, CHUNK)


def generate_rows(model: DiffusionModel, n_rows: int, *, key: Key, chunk: int = CHUNK) -> Generated:
    """Independent rows of the model with what weighs their trajectories, NumPy.

    Args:
        model: model that the rows are drawn from.
        n_rows: number of rows, at least 1.
        key: random key of all rows.
        chunk: number of trajectories held at once, at most (default 1024).
    """
    if n_rows < 1:
        raise ValueError(f"n_rows = {n_rows} must be at least 1")
    return _all(generate, model, np.arange(n_rows), key, chunk)


def cells_of(x_0: tuple[Any, ...]) -> Row:
    """Generated states `[n, D]` per block as rows: every cell there, and a density where it is
    continuous.
    """
    return tuple(Cells(x, np.ones(x.shape, bool)) for x in x_0)


def _all(one: Any, model: DiffusionModel, numbers: np.ndarray, key: Key, chunk: int) -> Any:
    def program(index: np.ndarray) -> Any:
        return _reverse(one, model, jax.device_put(numbers[index].astype(np.uint32)), key)

    return joined(in_chunks(program, len(numbers), rows_at_once(model, len(numbers), chunk)))


@eqx.filter_jit
def _reverse(one: Any, model: DiffusionModel, index: Array, key: Key) -> Any:
    """`sample` or `generate` with the keys of some rows."""
    model = tabulated(model)
    prior = jax.eval_shape(lambda: model.forward.prior().sample(key=key))
    observed = jax.tree.map(lambda x: jnp.ones(x.shape, bool), prior)
    return jax.vmap(lambda i: one(model, observed, key=jax.random.fold_in(key, i)))(index)
