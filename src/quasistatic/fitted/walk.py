r"""One row along the trajectory: destroyed step by step by q, made again by p, and what each step
costs.

    x_0 -> x_1 ~ q(x_1|x_0) -> ... -> x_T ~ pi,      x_T -> ... -> x'_1 -> x'_0 ~ p(x'_0|x'_1)

Both ways are drawn, so x'_0 is a row of the model that has x_T in common with x_0 and, where T is
long, nothing else. The costs are the terms of -K of x_0 (`bound.terms`), nats, means over draws.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from quasistatic.bound.terms import bound_costs
from quasistatic.data.cells import Cells
from quasistatic.data.table import Table
from quasistatic.errors import DataError
from quasistatic.fitted.model import Fitted
from quasistatic.forward import AbsorbingDiffusion
from quasistatic.model import DiffusionModel
from quasistatic.rows import Row, iterate_rows
from quasistatic.trajectory import first_state, start
from quasistatic.typing import Array, Key, State, Step

__all__ = ["RowWalk", "walk_row"]


class RowWalk(NamedTuple):
    """A row on its way to noise and back.

    Args:
        destroyed: the row at t = 0 .. T, a line each, in the units of the columns that the model
            knows; a state that is masked is missing.
        remade: the row at t = T .. 0, from the same x_T.
        nats: terms of -K, `[T + 1]` nats: steps t = 1 .. T, then the prior.
        stderr: Monte Carlo standard errors of `nats`, `[T + 1]`.
        k_nats: K in the data's units, nats: minus the sum of `nats`, plus `log_volume`.
        k_stderr: Monte Carlo standard error of `k_nats`; costs of one draw depend on each other.
        log_volume: log-volume of the row, nats: from the model's units to the data's.
    """

    destroyed: pl.DataFrame
    remade: pl.DataFrame
    nats: np.ndarray
    stderr: np.ndarray
    k_nats: float
    k_stderr: float
    log_volume: float


def walk_row(fitted: Fitted, table: Table, draws: int = 64, *, key: Key) -> RowWalk:
    """A row destroyed and made again.

    Args:
        fitted: model and codec.
        table: one row without missing cells.
        draws: number of draws behind the costs, at least 2 (default 64).
        key: random key of the two ways and of the costs.

    Raises:
        DataError: another number of rows than one, or a missing cell.
        SchemaError: other columns or categories than the model's.
    """
    encoded = fitted.encode(table, whole="only a whole row is destroyed")
    if len(table) != 1:
        raise DataError(f"there are {len(table)} rows", where=table.source, fix="give one row")
    row = jax.tree.map(lambda x: jnp.asarray(x[0]), encoded.rows)
    there, back = _ways(fitted.model, row, jax.random.fold_in(key, 1))
    (costs,) = iterate_rows(bound_costs, fitted.model, encoded.rows, draws, key=key)
    costs, volume = costs[0], float(encoded.log_volume[0])
    total = costs.sum(axis=1)
    return RowWalk(
        _lines(fitted, there),
        _lines(fitted, back),
        costs.mean(axis=0),
        costs.std(axis=0, ddof=1) / np.sqrt(draws),
        volume - float(total.mean()),
        float(total.std(ddof=1) / np.sqrt(draws)),
        volume,
    )


@eqx.filter_jit
def _ways(model: DiffusionModel, row: Row, key: Key) -> tuple[State, State]:
    """States at t = 0 .. T, and at t = T .. 0; a leading axis T + 1."""
    begin = start(model.forward, row, key=key)
    x_last, _ = first_state(model, begin, key=jax.random.fold_in(key, 0))

    def nearer(x_t: State, t: Step) -> tuple[State, State]:
        bridge = model.forward.bridge(x_t, begin.x_0, t)
        x_before = bridge.sample(key=jax.random.fold_in(key, 2 * t))
        return x_before, x_before

    def made(x_t: State, t: Step) -> tuple[State, State]:
        reverse = model.reverse_kernel(x_t, begin.observed, t)
        x_before = reverse.sample(key=jax.random.fold_in(key, 2 * t + 1))
        return x_before, x_before

    T = model.trajectory_length
    _, there = jax.lax.scan(nearer, x_last, jnp.arange(T, 1, -1))
    _, back = jax.lax.scan(made, x_last, jnp.arange(T, 0, -1))

    def joined(*parts: Array) -> Array:
        return jnp.concatenate(parts)

    first, last = (jax.tree.map(lambda x: x[None], x) for x in (begin.x_0, x_last))
    there = jax.tree.map(lambda x: x[::-1], there)
    return jax.tree.map(joined, first, there, last), jax.tree.map(joined, last, back)


def _lines(fitted: Fitted, states: State) -> pl.DataFrame:
    """States as lines of a table, masked ones as missing."""
    blocks = []
    for block, state in zip(fitted.model.forward.blocks, states, strict=True):
        values = np.asarray(state)
        there = np.ones(values.shape, bool)
        if isinstance(block, AbsorbingDiffusion):
            there = values != block.mask_state
        blocks.append(Cells(np.where(there, values, 0), there))
    return fitted.codec.decode(blocks)
