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
from typing import Any, NamedTuple

import jax
import numpy as np
import polars as pl
from scipy.special import logsumexp

from quasistatic.data.cells import EncodedTable
from quasistatic.data.codec import Codec
from quasistatic.data.columns.numbers import read_coordinates, write_numbers
from quasistatic.data.constraints.form import Form
from quasistatic.data.constraints.order import Order
from quasistatic.data.constraints.ties import Ties
from quasistatic.data.schema import Column
from quasistatic.data.table import Table
from quasistatic.errors import DataError
from quasistatic.fitted._generated import returned
from quasistatic.fitted._tied import expanded, spread
from quasistatic.fitted.room import inside
from quasistatic.model import DiffusionModel
from quasistatic.network import ZeroNetwork
from quasistatic.posterior.query import Beside, Posteriors, evidence_of_rows, impute_rows
from quasistatic.rows import row_checksums
from quasistatic.typing import Key

DRAWS = 64
"""Draws of what is not solved for, at least."""
MORE = 16
"""Times as many draws of a row of which none is possible, and as many again of few such rows."""
_FEW = 64
"""Rows at most of which there are so many."""
_NEIGHBOURS = (0, 1, -1, 2, -2)
"""Points of a lattice about the solution of a rounded equation that are tried."""
_PARTICLES = 8
"""Particles of each evidence; of a mixture one, as they hardly differ."""


class _Solve(NamedTuple):
    """Rows with the same unknown columns, and what is solved for in them.

    Args:
        rows: numbers of the rows.
        pivots: columns that are known.
        forms: what they are in columns of the model.
        solved: columns of the model that are solved for, one for each.
        highest: orders whose column is known and lies beyond several others: the difference is
            solved for.
    """

    rows: np.ndarray
    pivots: tuple[str, ...]
    forms: tuple[Form, ...]
    solved: tuple[str, ...]
    highest: tuple[Order, ...]


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
    least: int = DRAWS,
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
        least: draws of what is not solved for, at least; where none of them is possible, there are
            `MORE` times as many, twice at most (default `DRAWS`).
    """
    left = ties.leftover(table)
    effort: dict[str, Any] = {"particles": particles, "key": key}
    several = impute_rows(model, encoded.rows, n_imputations=draws, beside=beside, **effort)
    if not left:
        return several
    held = np.flatnonzero(np.any(list(left.values()), axis=0))
    many = impute_rows(
        model,
        encoded.take(held).rows,
        n_imputations=max(draws, least),
        beside=None if beside is None else beside.take(held),
        **effort,
    )
    states = [np.array(block) for block in several.draws]
    numbers = [np.array(x) for x in several[1:5]]
    for of_all, of_held in zip(numbers, many[1:5], strict=True):
        of_all[held] = of_held
    content, seed = row_checksums(encoded.rows), np.asarray(jax.random.key_data(key))
    groups = _groups(codec, ties, table, left)
    proposals = [
        _proposal(
            codec,
            ties,
            table,
            group,
            tuple(block[np.searchsorted(held, group.rows)] for block in many.draws),
        )
        for group in groups
    ]
    index = np.concatenate([group.rows for group in groups])
    each = np.repeat(index, max(draws, least))
    also = None if beside is None else beside.take(each)
    effort = {"key": jax.random.fold_in(key, 2)}
    log_weights, cells = _weighted(codec, ties, model, proposals, also, **effort)
    lost = list[int]()
    for i, row in enumerate(index):
        total = logsumexp(log_weights[i])
        if not np.isfinite(total):
            numbers[0][row] = -np.inf
            lost.append(row)
            continue
        share = np.exp(log_weights[i] - total)
        rng = np.random.default_rng([*seed, content[row], row])
        chosen = rng.choice(len(share), draws, p=share / share.sum())
        for state, block in zip(states, cells, strict=True):
            state[row] = block[i, chosen]
        ess = 1.0 / np.sum(np.square(share))
        numbers[0][row] += total - np.log(len(share))
        numbers[1][row] = np.hypot(numbers[1][row], np.sqrt(max(1.0 / ess - 1.0 / len(share), 0.0)))
        for of_walk in numbers[2:]:
            of_walk[row] = min(of_walk[row], ess)
    if lost and (least == DRAWS or (least == MORE * DRAWS and len(lost) <= _FEW)):
        some = np.asarray(lost)
        again = drawn(
            codec,
            ties,
            model,
            encoded.take(some),
            table.take(some),
            draws=draws,
            particles=particles,
            beside=None if beside is None else beside.take(some),
            key=jax.random.fold_in(key, 3),
            least=MORE * least,
        )
        for state, block in zip(states, again.draws, strict=True):
            state[some] = block
        for of_all, of_some in zip(numbers, again[1:5], strict=True):
            of_all[some] = of_some
    return Posteriors(tuple(states), *numbers, particles=several.particles)


def _groups(codec: Codec, ties: Ties, table: Table, left: dict[str, np.ndarray]) -> list[_Solve]:
    """The rows by what is known of them, with what is solved for."""
    names = tuple(left)
    known = np.stack([left[name] for name in names], axis=1)
    free = ties.free(table).frame
    open_ = {name: free[name].is_null().to_numpy() for name in free.columns}
    determined = [equation.pivot for equation in ties.equations]
    missing = {name: table.frame[name].is_null().to_numpy() for name in determined}
    pattern = np.stack([*known.T, *open_.values(), *missing.values()], axis=1)
    found = []
    for one in np.unique(pattern[known.any(axis=1)], axis=0):
        rows = np.flatnonzero((pattern == one).all(axis=1))
        pivots = tuple(name for name, there in zip(names, one, strict=False) if there)
        unknown = {name for name, mask in open_.items() if mask[rows[0]]}
        forms, linear, highest = [], [], []
        for pivot in pivots:
            there = frozenset(n for n in determined if n != pivot and not missing[n][rows[0]])
            form = expanded(ties, Form.of({pivot: 1.0}), there)
            order = next((o for o in ties.orders if o.pivot == pivot), None)
            if form is not None:
                forms.append(form)
                linear.append(pivot)
            elif order is not None and order.free in unknown:
                highest.append(order)
            else:
                raise _unsolvable(table, pivot, rows)
        solved = _broadest(codec, forms, unknown - {order.free for order in highest})
        if solved is None:
            raise _unsolvable(table, pivots[0], rows)
        found.append(_Solve(rows, tuple(linear), tuple(forms), solved, tuple(highest)))
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
    matrix = matrix.reshape(len(group.forms), len(group.forms))
    rest = np.zeros((len(group.pivots), n * m))
    for j, (pivot, form) in enumerate(zip(group.pivots, group.forms, strict=True)):
        rest[j] = _values(table.frame[pivot], ties.schema.column(pivot))[at] - form.constant
        for name, value in form.terms:
            if name in frame.columns and name not in group.solved:
                rest[j] -= value * _values(frame[name], codec.schema.column(name))
            elif name not in group.solved:
                rest[j] -= value * _values(table.frame[name], ties.schema.column(name))[at]
    if group.pivots:
        values = np.linalg.solve(matrix, rest)
        frame, fits = _solved(codec, ties, frame, group.solved, values, table.frame[at])
        possible &= fits
    for order in group.highest:
        frame, fits = _shifted(codec, ties, frame, order, table.frame[at])
        possible &= fits
    solved = (*group.solved, *(order.free for order in group.highest))
    log_factor = np.where(possible, -np.log(abs(np.linalg.det(matrix))), -np.inf)
    nothing = pl.when(pl.lit(False))
    hidden = frame.with_columns(nothing.then(pl.col(s)).alias(s) for s in solved)
    return _Proposal(frame, hidden, solved, log_factor.reshape(n, m))


def _weighted(
    codec: Codec,
    ties: Ties,
    model: DiffusionModel,
    proposals: Sequence[_Proposal],
    beside: Beside | None,
    *,
    key: Key,
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Log-weights of the draws of all rows, `[n, M]` nats, and their states, `[n, M, D]` per
    block.
    """
    log_factor = np.concatenate([one.log_factor for one in proposals])
    n, m = log_factor.shape
    cells = codec.encode(Table(pl.concat([one.frame for one in proposals]), "the drawn rows"))
    hidden = codec.encode(Table(pl.concat([one.hidden for one in proposals]), "the drawn rows"))
    particles = 1 if isinstance(model.network, ZeroNetwork) else _PARTICLES
    effort = {"particles": particles, "key": key, "identity": row_checksums(cells.rows)}
    whole = evidence_of_rows(model, cells.rows, **effort).lower + cells.log_volume
    without = evidence_of_rows(model, hidden.rows, beside=beside, **effort).lower
    without = without + hidden.log_volume
    with np.errstate(invalid="ignore"):
        log_weights = np.where(np.isneginf(whole), -np.inf, whole - without).reshape(n, m)
    values = tuple(np.asarray(block.value) for block in cells.rows)
    log_factor = np.where(inside(codec, ties, values).reshape(n, m), log_factor, -np.inf)
    return log_weights + log_factor, [block.reshape(n, m, -1) for block in values]


def _values(series: pl.Series, column: Column) -> np.ndarray:
    """A column in its own units, float64 `[N]`; 0 where missing."""
    coordinate, _ = read_coordinates(series, column, "the rows")
    return column.offset + coordinate * (column.step or 1.0) if column.has_lattice else coordinate


def _solved(
    codec: Codec,
    ties: Ties,
    frame: pl.DataFrame,
    solved: Sequence[str],
    values: np.ndarray,
    known: pl.DataFrame,
) -> tuple[pl.DataFrame, np.ndarray]:
    """Free columns with what is solved for, and the rows that make the known columns.

    Where an equation is rounded its solution is rounded as well: the nearest points of the lattice
    are tried.
    """
    rounded = [one.pivot for one in ties.equations if one.step]
    tried = _NEIGHBOURS if rounded and len(solved) == 1 else (0,)
    found, possible = frame, np.zeros(len(frame), bool)
    for shift in tried:
        here, fits = frame, np.ones(len(frame), bool)
        for name, value in zip(solved, values, strict=True):
            column = codec.schema.column(name)
            moved = value + shift * (column.step or 0.0)
            series, within = _written(column, moved, 0.5 if rounded else 1e-4)
            here, fits = here.with_columns(series.alias(name)), fits & within
        if rounded:
            fits &= _agrees(ties, here, known)
        better = pl.Series(fits & ~possible)
        found = found.with_columns(
            pl.when(better).then(here[name]).otherwise(found[name]).alias(name) for name in solved
        )
        possible |= fits
    return found, possible


def _shifted(
    codec: Codec, ties: Ties, frame: pl.DataFrame, order: Order, known: pl.DataFrame
) -> tuple[pl.DataFrame, np.ndarray]:
    """Free columns with the difference that makes a known column, and the rows in which it may be
    so large.
    """
    scale, pivot = order.scale, ties.schema.column(order.pivot)
    apart = scale.read(known[order.pivot], pivot, "the rows")[0]
    apart = apart - scale.read(ties.whole(frame)[order.pivot], pivot, "the rows")[0]
    slack = scale.of_slack(frame[order.free])[0] + order.sign * apart
    series = scale.slack(slack, np.ones(len(slack), bool), order.free)
    column = codec.schema.column(order.free)
    written, fits = _written(column, _values(series, column), 1e-4)
    return frame.with_columns(written.alias(order.free)), fits


def _agrees(ties: Ties, frame: pl.DataFrame, known: pl.DataFrame) -> np.ndarray:
    """Which rows of free columns make the determined columns that are known, bool `[n M]`."""
    agrees, whole = np.ones(len(frame), bool), ties.whole(frame)
    for one in ties.equations:
        column, there = ties.schema.column(one.pivot), known[one.pivot].is_not_null().to_numpy()
        apart = _values(whole[one.pivot], column) - _values(known[one.pivot], column)
        step = one.step or (column.step or 1.0 if column.has_lattice else np.inf)
        agrees &= ~there | (np.abs(apart) < 0.1 * step)
    return agrees


def _written(column: Column, values: np.ndarray, tolerance: float) -> tuple[pl.Series, np.ndarray]:
    """Values as cells of a column, and which of them it can have."""
    fits = np.isfinite(values)
    coordinate = values
    if column.has_lattice:
        coordinate = (values - column.offset) / (column.step or 1.0)
        fits &= np.abs(coordinate - np.rint(coordinate)) <= tolerance
    if column.lower is not None:
        fits &= values >= column.lower - 1e-9 * (1 + abs(column.lower))
    if column.upper is not None:
        fits &= values <= column.upper + 1e-9 * (1 + abs(column.upper))
    return write_numbers(coordinate, column), fits
