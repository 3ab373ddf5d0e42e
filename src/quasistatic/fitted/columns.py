r"""The columns of a row one by one: log p(x_j | the other cells of the row), which tells *where* a
row is odd, and how unusual that is for the column.

    log p(x_j | x_-j) = log p(x) - log p(x_-j)

Both are evidences of the joint model by sequential Monte Carlo, the second with column j summed
over; D + 1 evidences a row. They share their random numbers, so that most of the noise of the other
D - 1 columns cancels in the difference. In the limit of many particles this is the model's
conditional; with few its error is that of two log-evidences, less what cancels.

Of a column of states the second one is summed over the *other* states alone,

    p(x_j | x_-j) = p(x) / (p(x) + p(x_-j, another state)),

which is the same of exact evidences, and a probability of estimates too.

Raw values of log p(x_j | x_-j) cannot be compared between columns: a density depends on the unit, a
count has less of it than a flag. With reference rows, the surprise of a cell is minus the logarithm
of the share of reference cells that are as improbable,

    s_j(x) = -log P( l_j <= l ),     l = log p(x_j | x_-j),

empirical down to the lowest tenth q_j of the reference, and below it with an exponential tail, so
that no two cells tie at the end:

    s_j = log 10 + (q_j - l) / b_j,     b_j = max(1, mean of q_j - l_j over the cells below q_j).

Under the model's own law the tail falls by at least about a factor of e a nat (P(p(x) <= e^-c) <= V
e^-c on a set of volume V), hence b_j >= 1; it is longer where the model fits a column badly, and
such a column is then blamed less.
"""

from typing import NamedTuple, Self

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.config import require_whole
from quasistatic.data.cells import Cells
from quasistatic.data.codec import Codec
from quasistatic.data.columns.numbers import read_coordinates
from quasistatic.data.schema import Column
from quasistatic.data.table import Table
from quasistatic.fitted.model import Fitted
from quasistatic.fitted.room import room_of_rows
from quasistatic.numerics import LOG_ZERO
from quasistatic.posterior import AllOf, Soft
from quasistatic.posterior.query import Beside, evidence_of_rows
from quasistatic.rows import row_checksums
from quasistatic.typing import Key

__all__ = ["PARTICLES", "STEPS", "TAIL", "Conditionals", "Tails", "column_log_probs"]

PARTICLES = 16
"""Particles of an evidence."""
STEPS = 16
"""Steps of the walk, if there are no more columns: an absorbing block should reveal them one by
one."""
_TOGETHER = 64
"""Evidences that are computed at once, where a table has fewer rows: fewer fill no walk."""
TAIL = 0.1
"""Share of the reference cells that make the tail."""


class Conditionals(NamedTuple):
    """log p of every cell given the others of its row, NumPy.

    Args:
        names: the C columns of the table that the model knows.
        log_p: log p of each cell given the others, `[N, C]` nats, in the units of the column; NaN
            where there is no cell.
        stderr: Monte Carlo standard error of `log_p`, `[N, C]` nats: of the two evidences as if
            their noise did not cancel.
    """

    names: tuple[str, ...]
    log_p: np.ndarray
    stderr: np.ndarray


def column_log_probs(
    fitted: Fitted,
    table: Table,
    particles: int = PARTICLES,
    steps: int | None = None,
    *,
    key: Key,
) -> Conditionals:
    """`log p(x_j | x_-j)` of every cell of a table; in a row with holes, given the other cells that
    are there.

    The cost is `rows x (columns + 1) x particles x steps` evaluations of the network.

    Args:
        fitted: model and codec.
        table: N rows with the columns of the model.
        particles: number of particles of each evidence, at least 2 (default 16).
        steps: length of the best sub-schedule that is walked; None walks 16 evenly spaced steps, or
            as many as there are columns.
        key: random key of all rows; the noise of a row depends on its content besides.

    Raises:
        SettingError: fewer than 2 particles, or steps out of range.
    """
    require_whole("particles", particles, 2)
    codec, table = fitted.codec, fitted.free(table)
    walked = fitted.among_particles(steps, max(STEPS, len(codec.block_names)))
    rows = codec.encode(table).rows
    identity = row_checksums(rows)
    columns = codec.schema.columns
    log_p, variance = np.full((2, len(table), len(columns)), np.nan)
    found = np.zeros((2, len(columns) + 1, len(table)))  # log p and variance; 0 of no cell at all
    together = max(_TOGETHER // len(table), 1)
    for begin in range(0, len(columns) + 1, together):
        asked = []
        for j in range(begin, min(begin + together, len(columns) + 1)):
            cells = rows if j == 0 else codec.without(rows, [columns[j - 1].name])
            some = np.concatenate([c.observed for c in cells], axis=1).any(axis=1)
            if j > 0:
                some |= columns[j - 1].is_discrete
                some &= _is_there(codec, rows, columns[j - 1])
            index = np.flatnonzero(some)
            asked.append((j, index, tuple(c.take(index) for c in cells)))
        index = np.concatenate([index for _, index, _ in asked])
        if len(index):
            cells = jax.tree.map(lambda *xs: np.concatenate(xs), *(cells for _, _, cells in asked))
            number = np.concatenate([np.full(len(index), j) for j, index, _ in asked])
            z = evidence_of_rows(
                walked,
                cells,
                particles=particles,
                key=key,
                identity=identity[index],
                beside=_beside(fitted, rows, number, index),
            )
            found[:, number, index] = z.lower, np.square(z.stderr)
    for j, column in enumerate(columns):
        index = np.flatnonzero(_is_there(codec, rows, column))
        own, others, both = found[0, 0, index], found[0, j + 1, index], found[1, :, index].T
        weight = 1.0
        if column.is_discrete:
            whole = np.logaddexp(own, others)
            weight, others = np.exp(others - np.where(np.isfinite(whole), whole, 0.0)), whole
        with np.errstate(invalid="ignore"):  # an impossible row
            log_p[index, j] = own - others + _log_volume(table, codec, column)[index]
        # Where there is no other state, there is no error of it either.
        variance[index, j] = np.where(weight, weight**2 * (both[0] + both[j + 1]), 0.0)
    return Conditionals(codec.schema.names, log_p, np.sqrt(variance))


def _beside(
    fitted: Fitted, rows: tuple[Cells, ...], number: np.ndarray, index: np.ndarray
) -> Beside | None:
    """What is known beside the cells: of states that they are others, and the room of the rows.

    Args:
        fitted: model and codec.
        rows: cells of all rows.
        number: number of each evidence's hidden column, counted from 1; 0 where nothing is hidden.
        index: number of each evidence's row.
    """
    codec, informed = fitted.codec, np.zeros(len(index), bool)
    whole = np.all(np.concatenate([c.observed for c in rows], axis=1), axis=1)
    parts = (
        _another_state(codec, rows, number, index, informed),
        room_of_rows(codec, fitted.ties, whole[index] & (number == 0), informed),
    )
    found = tuple(part for part in parts if part is not None)
    return Beside(found[0] if len(found) == 1 else AllOf(found), informed) if found else None


def _another_state(
    codec: Codec,
    rows: tuple[Cells, ...],
    number: np.ndarray,
    index: np.ndarray,
    informed: np.ndarray,
) -> Soft | None:
    """That the hidden cells of columns of states are in another state than they are.

    Args:
        codec: codec of the model.
        rows: cells of all rows.
        number: number of each evidence's hidden column, counted from 1; 0 where nothing is hidden.
        index: number of each evidence's row.
        informed: evidences of which something is said, bool; those of which this does are added.
    """
    if codec.states is None:
        return None
    log_r = np.zeros((len(index), len(codec.n_states), max(codec.n_states)), np.float32)
    for j, column in enumerate(codec.schema.columns):
        if column.is_discrete:
            which = np.flatnonzero(number == j + 1)
            block, place = codec.places(column.name)[0]
            log_r[which, place, np.asarray(rows[block].value)[index[which], place]] = LOG_ZERO
            informed[which] = True
    return Soft(jnp.asarray(log_r), codec.states)


def _is_there(codec: Codec, rows: tuple[Cells, ...], column: Column) -> np.ndarray:
    """In which rows a column's cell is there, bool `[N]`."""
    block, place = codec.places(column.name)[0]
    return rows[block].observed[:, place]


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


class Tails(NamedTuple):
    """What is usual of every column: its reference cells and their tail, NumPy.

    Args:
        cells: one sorted array per column, its reference log-probabilities, nats; empty where the
            reference has no cell.
        edge: lowest tenth q of the reference log-probabilities of each column, `[C]` nats; NaN
            without a reference.
        scale: scale b of the exponential tail of each column, `[C]` nats.

    Example:
        >>> import numpy as np
        >>> tails = Tails.of(np.log(np.linspace(0.01, 1.0, 100))[:, None])
        >>> tails.surprise(np.log([[0.5], [0.01], [1e-6]])).round(1).ravel()
        array([ 0.7,  4.7, 13.9])
    """

    cells: tuple[np.ndarray, ...]
    edge: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, log_p: np.ndarray) -> Self:
        """Of the reference cells `[n, C]`, nats; NaN is no cell."""
        cells = tuple(np.sort(column[np.isfinite(column)]) for column in log_p.T)
        edge = np.array([np.quantile(c, TAIL) if len(c) else np.nan for c in cells])
        below = (q - c[c < q] for c, q in zip(cells, edge, strict=True))
        return cls(
            cells, edge, np.array([max(1.0, float(np.mean(d))) if len(d) else 1.0 for d in below])
        )

    def surprise(self, log_p: np.ndarray) -> np.ndarray:
        """s of cells `[N, C]`, nats >= 0; NaN where there is no cell, or no reference of its
        column.
        """
        found = np.full(log_p.shape, np.nan)
        for j, cells in enumerate(self.cells):
            if len(cells):
                share = np.searchsorted(cells, log_p[:, j], side="right") / len(cells)
                inner = -np.log(np.maximum(share, TAIL))
                outer = np.maximum(self.edge[j] - log_p[:, j], 0.0) / self.scale[j]
                found[:, j] = np.where(np.isnan(log_p[:, j]), np.nan, inner + outer)
        return found
