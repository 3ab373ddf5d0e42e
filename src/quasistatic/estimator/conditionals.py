r"""Conditionals of single columns: log p(x_j | the other cells of the row), which tell *where* a
row is odd.

    log p(x_j | x_-j) = log p(x) - log p(x_-j)

Both are evidences of the joint model by sequential Monte Carlo, the second with column j summed
over; D + 1 evidences a row. They share their random numbers, so that most of the noise of the other
D - 1 columns cancels in the difference. In the limit of many particles this is the model's
conditional; with few its error is that of two log-evidences, less what cancels.
"""

from typing import NamedTuple

import numpy as np

from quasistatic.bound.evaluate import row_checksums
from quasistatic.data.cells import Cells
from quasistatic.data.codec import Codec
from quasistatic.data.columns.numbers import read_coordinates
from quasistatic.data.schema import Column
from quasistatic.data.table import Table
from quasistatic.errors import SettingError
from quasistatic.model import DiffusionModel
from quasistatic.posterior.budget import shortened
from quasistatic.posterior.query import evidence_of_rows
from quasistatic.typing import Key

PARTICLES = 16
"""Of a row and column."""
STEPS = 16
"""Of the walk, if there are no more columns: an absorbing block should reveal them one by one."""


class Conditionals(NamedTuple):
    """log p of every cell given the others of its row, NumPy.

    Args:
        names: `[C]` of the table's columns that the model knows.
        log_p: `[N, C]` nats, in the units of the column; NaN where there is no cell.
        stderr: `[N, C]` Monte Carlo standard error, nats: of the two evidences as if their noise
            did not cancel.
    """

    names: tuple[str, ...]
    log_p: np.ndarray
    stderr: np.ndarray


def column_log_probs(
    model: DiffusionModel,
    codec: Codec,
    table: Table,
    *,
    key: Key,
    particles: int = PARTICLES,
    steps: int | None = None,
) -> Conditionals:
    """`log p(x_j | x_-j)` of every cell of a table; in a row with holes, given the other cells that
    are there.

    The cost is `rows x (columns + 1) x particles x steps` evaluations of the network.

    Args:
        model: the model.
        codec: its codec.
        table: rows with the columns of the model.
        key: random key; the noise of a row depends on its content besides.
        particles: of each evidence.
        steps: of the walk, evenly taken from T; by default 16, or as many as there are columns.

    Raises:
        SettingError: fewer than 2 particles, or no step.
    """
    if particles < 2:
        raise SettingError(f"particles = {particles!r} must be at least 2")
    walked = shortened(model, max(STEPS, len(codec.block_names)) if steps is None else steps)
    rows = codec.encode(table).rows
    identity = row_checksums(rows)
    columns = codec.schema.columns
    log_p, variance = np.full((2, len(table), len(columns)), np.nan)

    def evidence(cells: tuple[Cells, ...], index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """log p of the observed cells of some rows, and its variance; 0 of a row without any."""
        found = np.zeros((2, len(index)))
        some = np.flatnonzero(
            np.concatenate([c.observed[index] for c in cells], axis=1).any(axis=1)
        )
        if len(some):
            taken = tuple(c.take(index[some]) for c in cells)
            z = evidence_of_rows(
                walked, taken, particles=particles, key=key, identity=identity[index[some]]
            )
            found[:, some] = z.lower, np.square(z.stderr)
        return found[0], found[1]

    everything = np.arange(len(table))
    whole, whole_variance = evidence(rows, everything)
    for j, column in enumerate(columns):
        rest = codec.without(rows, [column.name])
        block, place = codec.places(column.name)[0]
        index = np.flatnonzero(rows[block].observed[:, place])
        if len(index):
            others, others_variance = evidence(rest, index)
            log_p[index, j] = whole[index] - others + _log_volume(table, codec, column)[index]
            variance[index, j] = whole_variance[index] + others_variance
    return Conditionals(codec.schema.names, log_p, np.sqrt(variance))


def _log_volume(table: Table, codec: Codec, column: Column) -> np.ndarray:
    """log g'(x) of a density's cells, nats `[N]`: from the model's units to the column's; 0 for
    what has a mass.
    """
    if column.is_discrete or column.has_lattice:
        return np.zeros(len(table))
    coordinate, observed = read_coordinates(table.frame[column.name], column, table.source)
    dense = observed & ~np.isin(coordinate, column.atoms)
    volume = np.zeros(len(table))
    transform = codec.transforms[codec.places(column.name)[0].index]
    volume[dense] = transform.log_derivative(coordinate[dense])
    return volume
