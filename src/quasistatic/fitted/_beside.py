"""What cells that go together say where they do not give a cell of the model: a country without its
city is a set of cities, a tax without its price an interval.
"""

import jax.numpy as jnp
import numpy as np

from quasistatic.data.codec import Codec
from quasistatic.data.constraints.ties import Ties
from quasistatic.data.table import Table
from quasistatic.fitted.room import room_of_rows
from quasistatic.numerics import LOG_ZERO
from quasistatic.posterior import AllOf, Range, Soft
from quasistatic.posterior.query import Beside


def beside(codec: Codec, ties: Ties, table: Table, settled: np.ndarray) -> Beside | None:
    """What is known of the rows of a table beside the cells of the model; None where nothing is.

    Args:
        codec: codec of the model.
        ties: ties of the table.
        table: table of N rows with the columns of the ties, completed.
        settled: rows of which the room has nothing to say, bool `[N]`: the model knows all cells.
    """
    informed = np.zeros(len(table), bool)
    parts = [
        _states(codec, ties, table, informed),
        _ranges(codec, ties, table, informed),
        room_of_rows(codec, ties, settled, informed),
    ]
    found = tuple(part for part in parts if part is not None)
    return Beside(AllOf(found), informed) if found else None


def _states(codec: Codec, ties: Ties, table: Table, informed: np.ndarray) -> Soft | None:
    """The combinations that each row leaves open, where it does not leave all of them."""
    found = []
    for one in ties.combinations:
        allowed = one.allowed(table, ties.schema)
        some = (allowed.sum(axis=1) > 1) & ~allowed.all(axis=1)
        if some.any():
            informed |= some
            found.append((codec.places(one.free)[0].index, allowed | ~some[:, None]))
    if not found or codec.states is None:
        return None
    log_r = np.zeros((len(table), len(codec.n_states), max(codec.n_states)), np.float32)
    for index, allowed in found:
        log_r[:, index, : allowed.shape[1]] = np.where(allowed, 0.0, LOG_ZERO)
    return Soft(jnp.asarray(log_r), codec.states)


def _ranges(codec: Codec, ties: Ties, table: Table, informed: np.ndarray) -> Range | None:
    """The numbers that round to what is known: a net price of which the tax is there."""
    intervals = ties.intervals(table)
    if not intervals or codec.numbers is None:
        return None
    edges = np.full((2, len(table), len(codec.continuous)), [[[-np.inf]], [[np.inf]]])
    for _, name, (low, high), rows in intervals:
        column, (place, *_) = codec.schema.column(name), codec.places(name)
        if column.is_discrete:
            continue
        if column.has_lattice:
            ends = [(x - column.offset) / (column.step or 1.0) for x in (low, high)]
            low, high = np.ceil(ends[0] - 1e-6) - 0.5, np.floor(ends[1] + 1e-6) + 0.5
        forward = codec.transforms[place.index].forward
        edges[0, rows, place.index] = np.maximum(edges[0, :, place.index], forward(low))[rows]
        edges[1, rows, place.index] = np.minimum(edges[1, :, place.index], forward(high))[rows]
        informed |= rows
    return Range(
        jnp.asarray(edges[0], jnp.float32), jnp.asarray(edges[1], jnp.float32), codec.numbers
    )
