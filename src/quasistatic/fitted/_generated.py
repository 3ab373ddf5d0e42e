"""Rows that the model generates, as the codec sees them, with the weight of their trajectory."""

from typing import NamedTuple

import jax
import numpy as np

from quasistatic.data.cells import Cells
from quasistatic.data.codec import Codec
from quasistatic.data.constraints.ties import Ties
from quasistatic.fitted.room import inside
from quasistatic.model import DiffusionModel
from quasistatic.trajectory import Generated, generate_rows
from quasistatic.typing import Key

_ROUNDING = 1e-3
"""Share of a cell's width by which float32 may push a value over its edge."""


class GeneratedRows(NamedTuple):
    """Rows of the model, each an exact draw together with its trajectory.

    Args:
        rows: blocks `[n, D]` of the cells that the rows become.
        log_volume: log-volume of the rows, `[n]` nats: from the model's units to the data's.
        generated: what is kept of their trajectories, to weigh them.
    """

    rows: tuple[Cells, ...]
    log_volume: np.ndarray
    generated: Generated


def generate_table(
    model: DiffusionModel, codec: Codec, ties: Ties | None, n_rows: int, *, key: Key
) -> GeneratedRows:
    """About `n_rows` rows of the model, sent through the codec and back.

    A rounded value comes back as the cell it fell into, and given that, its trajectory is an exact
    draw of the posterior of the cell. A value that does not lie in the cell it comes back as (a
    negative count becomes 0; the value of an atom met by chance) would not be: its row is left out,
    which says nothing about the trajectories of the others.

    Args:
        model: model that generates the rows, of all T steps or fewer.
        codec: codec of the model.
        ties: ties of the table, whose limits the rows keep (`fitted.room`); None where it has no
            constraints.
        n_rows: number of rows that are generated.
        key: random key of the rows.
    """
    generated = generate_rows(model, n_rows, key=key)
    encoded = codec.settle(generated.x_0)
    states = tuple(map(np.asarray, generated.x_0))
    kept = np.flatnonzero(returned(codec, encoded.rows, states) & inside(codec, ties, states))
    log_volume = encoded.log_volume - (0.0 if ties is None else ties.log_share)
    rows, log_volume, generated = jax.tree.map(
        lambda x: x[kept], (encoded.rows, log_volume, generated)
    )
    return GeneratedRows(rows, log_volume, generated)


def returned(codec: Codec, rows: tuple[Cells, ...], x_0: tuple[np.ndarray, ...]) -> np.ndarray:
    """Which rows came back as what was generated, bool `[n]`."""
    same = np.ones(len(x_0[0]), bool)
    for block, (cells, x) in enumerate(zip(rows, x_0, strict=True)):
        if block == codec.states:
            same &= np.all(cells.value == x, axis=1)
        elif cells.width is not None:
            inside = np.abs(x - cells.value) <= (0.5 + _ROUNDING) * cells.width
            free = cells.width == 0 if cells.filler is None else (cells.width == 0) | cells.filler
            same &= np.all(inside | free, axis=1)
    return same
