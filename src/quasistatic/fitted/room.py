r"""Limits of tied columns that the columns of the model do not know: of shares of a whole the last
one is what the others leave, and never negative; an end that is never after the last day.

A model of such a table is what its columns say of the rows in which every tied column keeps to its
limits. With their law q and the set R of these rows,

    p(x) = q(x) 1_R(x) / q(R).

`log q(R)` is measured once, when the model is fitted, and stands in the log-volume of every row. Of
a row with holes R is evidence beside its cells, as it is of a condition; rows are drawn again until
they are in R.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.data.codec import Codec
from quasistatic.data.constraints.form import Form
from quasistatic.data.constraints.ties import Ties
from quasistatic.errors import DataError, warn
from quasistatic.fitted._tied import SLOPE, FormNumbers, expanded, spread, unit_of
from quasistatic.model import DiffusionModel
from quasistatic.posterior import Within
from quasistatic.rows import CHUNK, in_chunks, joined, take
from quasistatic.trajectory import sample_rows
from quasistatic.typing import Array, Key, State

__all__ = ["Limit", "inside", "limits_of", "measured", "room_of", "room_of_rows", "within_room"]

_DRAWS = 2**15
"""Draws by which q(R) is measured: its logarithm has an error of .002 nats where it is .9."""
_LEAST_SHARE = 1e-3
"""Share of draws within their limits below which the limits are no part of what the model says:
nearly every row would be drawn in vain."""
_ATTEMPTS = 10_000
"""Draws of one row, at most."""


class Limit(NamedTuple):
    """Limits of a tied column as those of a linear form of the table's columns.

    Args:
        form: the column.
        low: lowest value, in the column's units; minus infinity for none.
        high: highest value; infinity for none.
        unit: distance of neighbouring values; 0 for a density.
        spread: about its standard deviation.
    """

    form: Form
    low: float
    high: float
    unit: float
    spread: float


def limits_of(codec: Codec, ties: Ties) -> list[Limit]:
    """The limits of the tied columns that have some.

    Args:
        codec: codec of the model.
        ties: ties of the table.
    """
    found = []
    for name in ties.bounded:
        low, high = ties.limits_of(name)
        form = Form.of({name: 1.0})
        inner = expanded(ties, form)
        if inner is None:  # beyond the largest of several columns: by the difference to it
            inner = Form.of({ties.places[name] or name: 1.0})
        found.append(Limit(form, low, high, unit_of(codec, inner), spread(codec, inner)))
    return found


def room_of(codec: Codec, ties: Ties | None) -> Within | None:
    """R as evidence of one row; None where there are no such limits.

    Args:
        codec: codec of the model.
        ties: ties of the table; None where it has no constraints.
    """
    if ties is None or not ties.bounded:
        return None
    limits = limits_of(codec, ties)
    low = [limit.low - 0.5 * limit.unit for limit in limits]
    high = [limit.high + 0.5 * limit.unit for limit in limits]
    scale = [max(0.5 * limit.unit, SLOPE * limit.spread) for limit in limits]
    numbers = FormNumbers(codec, ties, tuple(limit.form for limit in limits))
    return Within(
        numbers,
        jnp.asarray(low, jnp.float32),
        jnp.asarray(high, jnp.float32),
        jnp.asarray(scale, jnp.float32),
    )


def room_of_rows(
    codec: Codec, ties: Ties | None, settled: np.ndarray, informed: np.ndarray
) -> Within | None:
    """R as evidence beside the cells of N rows; None where it says nothing.

    Args:
        codec: codec of the model.
        ties: ties of the table; None where it has no constraints.
        settled: rows of which nothing is left to be said, bool `[N]`: those without a hole.
        informed: rows of which something is said, bool `[N]`; those of which this does are added.
    """
    room = room_of(codec, ties)
    if room is None or settled.all():
        return None
    informed |= ~settled
    low = np.where(settled[:, None], -np.inf, np.asarray(room.low)).astype(np.float32)
    high = np.where(settled[:, None], np.inf, np.asarray(room.high)).astype(np.float32)
    scale = np.broadcast_to(np.asarray(room.scale), low.shape)
    return Within(room.numbers, jnp.asarray(low), jnp.asarray(high), jnp.asarray(scale))


def within_room(
    codec: Codec, ties: Ties | None, draw: Callable[[np.ndarray, int], Any], numbers: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Rows of the model that are in R, each drawn again until it is.

    Args:
        codec: codec of the model.
        ties: ties of the table; None where it has no constraints.
        draw: function of row numbers `[n]` and of the number of the attempt to states `[n, D]` per
            block.
        numbers: numbers of the rows.

    Raises:
        DataError: a row that is never in R.
    """
    found = tuple(np.asarray(block) for block in draw(numbers, 0))
    out = np.flatnonzero(~inside(codec, ties, found))
    if not len(out):
        return found
    found = tuple(np.array(block) for block in found)
    for attempt in range(1, _ATTEMPTS):
        # As many at least as before, or as go at once: another number would be another program.
        size = max(len(out), min(len(numbers), CHUNK))
        again = draw(numbers[out[np.arange(size) % len(out)]], attempt)
        again = tuple(np.asarray(block)[: len(out)] for block in again)
        for block, drawn in zip(found, again, strict=True):
            block[out] = drawn
        out = out[~inside(codec, ties, again)]
        if not len(out):
            return found
    raise DataError(
        f"{len(out)} row(s) were drawn {_ATTEMPTS} times, and never were within the limits of"
        f" {', '.join(map(repr, ties.bounded if ties else ()))}",
        where="the sampled rows",
        fix="fit again, on more rows or for longer",
    )


def inside(codec: Codec, ties: Ties | None, states: tuple[np.ndarray, ...]) -> np.ndarray:
    """Which rows are in R, bool `[n]`.

    Args:
        codec: codec of the model.
        ties: ties of the table; None where it has no constraints.
        states: states of the rows, `[n, D]` per block.
    """
    room, n = room_of(codec, ties), len(states[0])
    if room is None or n == 0:
        return np.ones(n, bool)
    parts = in_chunks(lambda index: _log_r(room, take(states, index)), n, CHUNK)
    return joined(parts) >= 0.0


@eqx.filter_jit
def _log_r(room: Within, states: State) -> Array:
    return jax.vmap(room.log_prob)(states)


def measured(model: DiffusionModel, codec: Codec, ties: Ties, key: Key) -> Ties:
    """The ties with log q(R), and without limits that no draw has broken.

    Args:
        model: model of the free columns.
        codec: codec of the model.
        ties: ties of the table.
        key: random key of the draws.
    """
    candidates = tuple(name for name in ties.pivots if ties.limits_of(name) != (-np.inf, np.inf))
    if not candidates:
        return ties
    own = jax.random.fold_in(key, 1)  # not the rows that the same seed samples
    states = tuple(map(np.asarray, sample_rows(model, _DRAWS, key=own)))
    alone = {name: replace(ties, bounded=(name,)) for name in candidates}
    broken = tuple(n for n, one in alone.items() if not inside(codec, one, states).all())
    bounded = replace(ties, bounded=broken)
    share = float(inside(codec, bounded, states).mean())
    if share < _LEAST_SHARE:
        names = ", ".join(map(repr, broken))
        warn(
            f"hardly any row that the model draws keeps the limits of {names} ({share:.2%}): they"
            " are no part of log p, and rows are moved to them; fit for longer, or on more rows"
        )
        return ties
    return replace(bounded, log_share=float(np.log(share)))
