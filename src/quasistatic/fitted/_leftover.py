r"""Rows in which a cell is known and what it is measured from is not: the end of a stay without its
start, a total without its parts.

The model knows the start s and the difference d, and v = s + d is given. Of the unknown numbers,
one for each such cell, the broadest ones, are solved for (s = v - d); the others are drawn given
the cells that the model knows, and weighted with the probability of what is solved for:

    p(known, v) = p(known) E_{d | known} p(s = v - d | d, known) / |ds / dv|,

the conditional being a ratio of two evidences with common random numbers. Exact for numbers on
lattices and of full precision alike, in the limit of many draws.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np
import polars as pl
from scipy.special import logsumexp

from quasistatic.data.cells import EncodedTable
from quasistatic.data.codec import Codec
from quasistatic.data.columns.numbers import read_coordinates, write_numbers
from quasistatic.data.constraints.form import Form
from quasistatic.data.constraints.ties import Ties
from quasistatic.data.schema import Column
from quasistatic.data.table import Table
from quasistatic.errors import DataError
from quasistatic.fitted._generated import returned
from quasistatic.fitted._tied import expanded, spread
from quasistatic.model import DiffusionModel
from quasistatic.posterior.query import Beside, Posteriors, evidence_of_rows, impute_rows
from quasistatic.rows import row_checksums
from quasistatic.typing import Key

DRAWS = 64
"""Draws of what is not solved for, at least."""
_PARTICLES = 8
"""Particles of each evidence."""


class _Solve(NamedTuple):
    """Rows with the same unknown columns, and what is solved for in them.

    Args:
        rows: numbers of the rows.
        pivots: columns that are known.
        forms: what they are in columns of the model.
        solved: columns of the model that are solved for, one for each.
    """

    rows: np.ndarray
    pivots: tuple[str, ...]
    forms: tuple[Form, ...]
    solved: tuple[str, ...]


def drawn(
    codec: Codec,
    ties: Ties,
    model: DiffusionModel,
    encoded: EncodedTable,
    table: Table,
    *,
    draws: int,
    particles: int,
    beside: Beside | None,
    key: Key,
) -> Posteriors:
    """`posterior.query.impute_rows` of a table with ties, also where cells are left over.

    Args:
        codec: codec of the model.
        ties: ties of the table.
        model: model whose posterior is drawn from.
        encoded: cells of the model, of N rows.
        table: table of the N rows, completed.
        draws: number of draws of each row.
        particles: number of particles of each row.
        beside: what else is known of the rows.
        key: random key of all rows.
    """
    left = ties.leftover(table)
    several = impute_rows(
        model,
        encoded.rows,
        n_imputations=max(draws, DRAWS) if left else draws,
        particles=particles,
        key=key,
        beside=beside,
    )
    if not left:
        return several
    states = [np.array(block[:, :draws]) for block in several.draws]
    numbers = [np.array(x) for x in several[1:5]]
    content, seed = row_checksums(encoded.rows), np.asarray(jax.random.key_data(key))
    groups = _groups(codec, ties, table, left)
    proposals = [
        _proposal(codec, ties, table, group, tuple(block[group.rows] for block in several.draws))
        for group in groups
    ]
    index = np.concatenate([group.rows for group in groups])
    log_weights, cells = _weighted(codec, model, proposals, key=jax.random.fold_in(key, 2))
    for i, row in enumerate(index):
        total = logsumexp(log_weights[i])
        if not np.isfinite(total):
            numbers[0][row] = -np.inf
            continue
        share = np.exp(log_weights[i] - total)
        rng = np.random.default_rng([*seed, content[row], row])
        chosen = rng.choice(len(share), draws, p=share / share.sum())
        for state, block in zip(states, cells, strict=True):
            state[row] = block[i, chosen]
        ess = 1.0 / np.sum(np.square(share))
        numbers[0][row] += total - np.log(len(share))
        numbers[1][row] = np.hypot(numbers[1][row], np.sqrt(1.0 / ess - 1.0 / len(share)))
        for of_walk in numbers[2:]:
            of_walk[row] = min(of_walk[row], ess)
    return Posteriors(tuple(states), *numbers, particles=several.particles)


def _groups(codec: Codec, ties: Ties, table: Table, left: dict[str, np.ndarray]) -> list[_Solve]:
    """The rows by what is known of them, with what is solved for."""
    names = tuple(left)
    known = np.stack([left[name] for name in names], axis=1)
    free = ties.free(table).frame
    open_ = {name: free[name].is_null().to_numpy() for name in free.columns}
    pattern = np.concatenate([known, np.stack(list(open_.values()), axis=1)], axis=1)
    found = []
    for one in np.unique(pattern[known.any(axis=1)], axis=0):
        rows = np.flatnonzero((pattern == one).all(axis=1))
        pivots = tuple(name for name, there in zip(names, one, strict=False) if there)
        unknown = {name for name, mask in open_.items() if mask[rows[0]]}
        forms = []
        for pivot in pivots:
            form = expanded(ties, Form.of({pivot: 1.0}))
            if form is None:
                raise _unsolvable(table, pivot, rows)
            forms.append(form)
        solved = _broadest(codec, forms, unknown)
        if solved is None:
            raise _unsolvable(table, pivots[0], rows)
        found.append(_Solve(rows, pivots, tuple(forms), solved))
    return found


def _unsolvable(table: Table, name: str, rows: np.ndarray) -> DataError:
    return DataError(
        f"{len(rows)} row(s) have a cell in {name!r} but not in all columns from which it is"
        " measured, and it cannot be solved for these",
        where=f"{table.source}, row {rows[0] + 1}",
        fix=f"fill these holes, or empty {name!r} there",
    )


def _broadest(codec: Codec, forms: Sequence[Form], unknown: set[str]) -> tuple[str, ...] | None:
    """One unknown number for each form, so that all can be solved for; the broadest ones."""
    names = list(dict.fromkeys(n for form in forms for n in form.names if n in unknown))
    names.sort(key=lambda n: -spread(codec, Form.of({n: 1.0})))
    chosen: list[str] = []
    for name in names:
        matrix = np.array([[form.coefficient(n) for n in (*chosen, name)] for form in forms])
        if np.linalg.matrix_rank(matrix) == len(chosen) + 1:
            chosen.append(name)
    return tuple(chosen) if len(chosen) == len(forms) else None


class _Proposal(NamedTuple):
    """Draws of rows with what is solved for in its place, n rows of M draws beside each other.

    Args:
        frame: frame of the free columns.
        hidden: the same without what is solved for.
        solved: columns that are solved for.
        log_factor: `-log |dv / ds|`, minus infinity where a draw is impossible, `[n, M]`.
    """

    frame: pl.DataFrame
    hidden: pl.DataFrame
    solved: tuple[str, ...]
    log_factor: np.ndarray


def _proposal(
    codec: Codec, ties: Ties, table: Table, group: _Solve, draws: tuple[np.ndarray, ...]
) -> _Proposal:
    """Draws `[n, M, D]` per block, with what is solved for."""
    n, m = draws[0].shape[:2]
    flat = tuple(block.reshape(n * m, -1) for block in draws)
    frame = codec.decode(flat)
    # A draw beyond a limit is decoded to the limit: of the rows that are scored it is none.
    possible = returned(codec, codec.encode(Table(frame, table.source)).rows, flat)
    at = np.repeat(group.rows, m)
    matrix = np.array([[form.coefficient(s) for s in group.solved] for form in group.forms])
    rest = np.zeros((len(group.pivots), n * m))
    for j, (pivot, form) in enumerate(zip(group.pivots, group.forms, strict=True)):
        rest[j] = _values(table.frame[pivot], ties.schema.column(pivot))[at] - form.constant
        for name, value in form.terms:
            if name not in group.solved:
                rest[j] -= value * _values(frame[name], codec.schema.column(name))
    for name, value in zip(group.solved, np.linalg.solve(matrix, rest), strict=True):
        series, fits = _written(codec.schema.column(name), value)
        frame, possible = frame.with_columns(series.alias(name)), possible & fits
    log_factor = np.where(possible, -np.log(abs(np.linalg.det(matrix))), -np.inf)
    nothing = pl.when(pl.lit(False))
    hidden = frame.with_columns(nothing.then(pl.col(s)).alias(s) for s in group.solved)
    return _Proposal(frame, hidden, group.solved, log_factor.reshape(n, m))


def _weighted(
    codec: Codec, model: DiffusionModel, proposals: Sequence[_Proposal], *, key: Key
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Log-weights of the draws of all rows, `[n, M]` nats, and their states, `[n, M, D]` per
    block.
    """
    log_factor = np.concatenate([one.log_factor for one in proposals])
    n, m = log_factor.shape
    cells = codec.encode(Table(pl.concat([one.frame for one in proposals]), "the drawn rows"))
    hidden = codec.encode(Table(pl.concat([one.hidden for one in proposals]), "the drawn rows"))
    effort = {"particles": _PARTICLES, "key": key, "identity": row_checksums(cells.rows)}
    whole = evidence_of_rows(model, cells.rows, **effort).lower + cells.log_volume
    without = evidence_of_rows(model, hidden.rows, **effort).lower + hidden.log_volume
    with np.errstate(invalid="ignore"):
        log_weights = np.where(np.isneginf(whole), -np.inf, whole - without).reshape(n, m)
    states = [np.asarray(block.value).reshape(n, m, -1) for block in cells.rows]
    return log_weights + log_factor, states


def _values(series: pl.Series, column: Column) -> np.ndarray:
    """A column in its own units, float64 `[N]`; 0 where missing."""
    coordinate, _ = read_coordinates(series, column, "the rows")
    return column.offset + coordinate * (column.step or 1.0) if column.has_lattice else coordinate


def _written(column: Column, values: np.ndarray) -> tuple[pl.Series, np.ndarray]:
    """Values as cells of a column, and which of them it can have."""
    fits = np.isfinite(values)
    coordinate = values
    if column.has_lattice:
        coordinate = (values - column.offset) / (column.step or 1.0)
        fits &= np.abs(coordinate - np.rint(coordinate)) < 1e-4
    if column.lower is not None:
        fits &= values >= column.lower - 1e-9 * (1 + abs(column.lower))
    if column.upper is not None:
        fits &= values <= column.upper + 1e-9 * (1 + abs(column.upper))
    return write_numbers(coordinate, column), fits
