r"""Walks along the chain: forward from a data row with its work, and in reverse from the prior.

Everything here is for ONE row (a tuple of `data.cells.Cells`, one per block) and is batched by
`vmap`.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.compiled import forget_programs_if_crowded
from quasistatic.data.cells import Cells
from quasistatic.model import DiffusionModel
from quasistatic.numerics import log_normal_density
from quasistatic.typing import Array, Bool, Float, Key, State

Row = tuple[Cells, ...]
"""A row of data: the cells of every block."""


class Start(NamedTuple):
    """A row ready for the forward process, its filler cells drawn.

    Args:
        x_0: state at t = 0.
        width: z-widths of its cells, one array [D] or None per block.
        observed: which cells there are, one bool [D] per block.
        columns: the same flags, [D] over all columns.
        filler: `- log N(c; 0, 1)` of the filler cells c, 0 elsewhere, [D] nats: an atom's density
            is divided by that of its filler.
    """

    x_0: State
    width: tuple[Array | None, ...]
    observed: State
    columns: Bool[Array, " D"]
    filler: Float[Array, " D"]


def start(row: Row, *, key: Key) -> Start:
    """The state at t = 0 of a row."""
    x_0s, fillers = zip(
        *(_fill(cells, jax.random.fold_in(key, i)) for i, cells in enumerate(row)), strict=True
    )
    observed = tuple(cells.observed for cells in row)
    return Start(
        x_0s,
        tuple(cells.width for cells in row),
        observed,
        jnp.concatenate(observed),
        jnp.concatenate(fillers),
    )


def _fill(cells: Cells, key: Key) -> tuple[Array, Float[Array, " D"]]:
    if cells.filler is None:
        return cells.value, jnp.zeros(cells.value.shape)
    drawn = jax.random.normal(key, cells.value.shape)
    log_density = log_normal_density(drawn, 0.0, 0.0)
    return jnp.where(cells.filler, drawn, cells.value), jnp.where(cells.filler, -log_density, 0.0)


def log_weight(model: DiffusionModel, row: Row, *, key: Key) -> Float[Array, ""]:
    r"""log w of one forward trajectory, nats; `-log w` is the work, and `E w = p(x_0)` (paper,
    equations (7)-(9); Jarzynski).

    The trajectory is drawn backward in time, x_T from the marginal and then by the bridges, which
    is the same law:

        log w = log pi(x_T) / q(x_T|x_0) + sum_{t=2..T} log p(x_{t-1}|x_t) / q(x_{t-1}|x_t,x_0) + log p(x_0|x_1).

    Unobserved cells contribute nothing; a cell of positive width contributes its mass.
    """
    forward, last = model.forward, model.trajectory_length
    fill_key, last_key, walk_key = jax.random.split(key, 3)
    begin = start(row, key=fill_key)
    marginal = forward.marginal(begin.x_0, last)
    x_last = marginal.sample(key=last_key)

    def step(carry, t):
        x_t, total = carry
        bridge = forward.bridge(x_t, begin.x_0, t)
        x_before = bridge.sample(key=jax.random.fold_in(walk_key, t))
        gain = model.reverse_kernel(x_t, begin.observed, t).log_prob(x_before) - bridge.log_prob(
            x_before
        )
        return (x_before, total + jnp.where(begin.columns, gain, 0.0)), None

    total = begin.filler + jnp.where(
        begin.columns, forward.prior().log_prob(x_last) - marginal.log_prob(x_last), 0.0
    )
    (x_1, total), _ = jax.lax.scan(step, (x_last, total), jnp.arange(last, 1, -1))
    first = model.reverse_kernel(x_1, begin.observed, 1).log_cell(begin.x_0, begin.width)
    return jnp.sum(total + jnp.where(begin.columns, first, 0.0))


def sample(model: DiffusionModel, observed: State, *, key: Key) -> State:
    """One row x_0 of the model: x_T from the prior, then the reverse kernels down to t = 0.

    Args:
        model: the model.
        observed: flags per block, all True for a whole row (the network is told which cells exist).
        key: random key.
    """

    def step(x_t, t):
        x_before = model.reverse_kernel(x_t, observed, t).sample(key=jax.random.fold_in(key, t))
        return x_before, None

    x_last = model.forward.prior().sample(key=jax.random.fold_in(key, 0))
    return jax.lax.scan(step, x_last, jnp.arange(model.trajectory_length, 0, -1))[0]


SAMPLE_CHUNK = 1024
"""Rows sampled at once."""
CELLS_AT_ONCE = 2**17
"""Wide rows walk in smaller chunks: a network of images needs some kilobytes for each cell."""
FEWEST_ROWS, FEWEST_CELLS = 64, 2**11
"""Fewer rows than 64 walk as 64, if they are narrow: that costs less than another program for their
number."""


def rows_at_once(model: DiffusionModel, n_rows: int, most: int, *, walks: int = 1) -> int:
    """How many of `n_rows` rows go side by side, of `walks` states each: `most` states, or fewer if
    the rows are wide.

    Fewer rows make a smaller chunk, a power of two: programs are compiled for a number of rows, and
    few numbers mean few of them.
    """
    room = min(most, max(CELLS_AT_ONCE // model.forward.n_columns, 16)) // walks
    fewest = min(FEWEST_ROWS, FEWEST_CELLS // model.forward.n_columns) // walks
    return min(max(room, 1), 1 << (max(n_rows, fewest, 1) - 1).bit_length())


def sample_rows(model: DiffusionModel, n_rows: int, *, key: Key) -> State:
    """`n_rows` independent rows, NumPy `[n_rows, D]` per block; memory does not grow with T."""
    prior = jax.eval_shape(lambda: model.forward.prior().sample(key=jax.random.key(0)))
    observed = jax.tree.map(lambda x: np.ones(x.shape, bool), prior)
    if n_rows == 0:
        return jax.tree.map(lambda x: np.zeros((0, *x.shape), x.dtype), prior)
    forget_programs_if_crowded()
    size = rows_at_once(model, n_rows, SAMPLE_CHUNK)
    parts = []
    for begin in range(0, n_rows, size):
        index = jnp.arange(begin, begin + size, dtype=jnp.uint32)
        part = _sample_chunk(model, observed, index, key)
        parts.append(jax.tree.map(lambda x, n=min(size, n_rows - begin): np.asarray(x)[:n], part))
    return jax.tree.map(lambda *xs: np.concatenate(xs), *parts)


@eqx.filter_jit
def _sample_chunk(model: DiffusionModel, observed: State, index: Array, key: Key) -> State:
    return jax.vmap(lambda i: sample(model, observed, key=jax.random.fold_in(key, i)))(index)
