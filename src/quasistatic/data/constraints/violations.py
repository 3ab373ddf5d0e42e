"""Rows that a constraint does not allow."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl

from quasistatic.data.columns._lattice import decimal_places
from quasistatic.data.columns.numbers import lattice_error, read_coordinates
from quasistatic.data.constraints._assigned import solved_for
from quasistatic.data.constraints.combination import Combination
from quasistatic.data.constraints.language import Comparison, Statement, Steps, Unique
from quasistatic.data.constraints.scale import Scale
from quasistatic.data.constraints.ties import Ties
from quasistatic.data.reading import read_as
from quasistatic.data.schema import Schema
from quasistatic.data.table import Table
from quasistatic.errors import DataError

__all__ = ["against", "refuse_repeats", "refuse_violations", "repeats", "violations"]

_SHOWN = 3
_RELATIVE = 1e-9
"""Error of a sum of floats, relative to the sum of their sizes; 1e-5 of float32."""


def refuse_violations(ties: Ties, table: Table) -> None:
    """Refuse rows that the constraints do not allow.

    Args:
        ties: constraints of the table.
        table: table with the columns of the schema.

    Raises:
        DataError: naming a constraint, the number of rows and the first three.
    """
    table = read_as(table, ties.schema)
    for one, bad in _broken(ties, table):
        rows = np.flatnonzero(bad)
        names = one.members if isinstance(one, Combination) else _names(one)
        raise DataError(
            f"{len(rows)} row(s) violate the constraint {one.text!r}: {_shown(table, rows, names)}",
            where=table.source,
            fix="correct these rows, empty a cell of each, or leave the constraint out",
        )


def _shown(table: Table, rows: np.ndarray, names: Sequence[str]) -> str:
    """The first of some rows, with their cells in some columns."""
    numbers = np.arange(len(table)) if table.numbers is None else table.numbers
    _, first = np.unique(numbers[rows], return_index=True)
    rows = rows[first]
    shown = "; ".join(
        f"row {numbers[row] + 1}: " + ", ".join(f"{n} = {table.frame[n][int(row)]}" for n in names)
        for row in rows[:_SHOWN]
    )
    return shown + (", ..." if len(rows) > _SHOWN else "")


def refuse_repeats(ties: Ties, table: Table) -> None:
    """Refuse rows that are alike where the constraints want them unique: of the fitted table, for a
    row that is scored may well be one of it.

    Args:
        ties: constraints of the table.
        table: table with the columns of the schema.

    Raises:
        DataError: naming a constraint, the number of rows and the first three.
    """
    for one in ties.statements:
        if (
            isinstance(one, Unique)
            and (rows := np.flatnonzero(repeats(table.frame, one.members))).size
        ):
            shown = _shown(table, rows, one.members)
            weighted = "" if table.numbers is None else "; a row of weight 2 is two rows"
            raise DataError(
                f"{len(rows)} row(s) repeat an earlier one in {one.text!r}: {shown}",
                where=table.source,
                fix=f"leave the repetitions out, or the constraint (--unique){weighted}",
            )


def repeats(frame: pl.DataFrame, members: tuple[str, ...]) -> np.ndarray:
    """Which rows are like an earlier one in some columns, bool `[N]`; none with a missing cell.

    Args:
        frame: frame of N rows.
        members: names of the columns.
    """
    there = pl.all_horizontal(pl.col(name).is_not_null() for name in members)
    again = ~pl.struct(members).is_first_distinct()
    return frame.select(there & again).to_series().to_numpy()


def violations(ties: Ties, table: Table) -> np.ndarray:
    """Which rows some constraint does not allow, bool `[N]`.

    Args:
        ties: constraints of the table.
        table: table of N rows with the columns of the schema.
    """
    bad = np.zeros(len(table), bool)
    for _, rows in _broken(ties, read_as(table, ties.schema)):
        bad |= rows
    return bad


def _broken(ties: Ties, table: Table) -> Iterable[tuple[Statement | Combination, Any]]:
    """The constraints that some rows violate, with these rows."""
    for one in ties.statements:
        if isinstance(one, Comparison):
            bad = against(one, table, ties.schema)
        elif isinstance(one, Steps):
            bad = _off_lattice(one, table, ties.schema)
        else:
            continue
        if bad.any():
            yield one, bad
    for group in ties.combinations:
        bad = ~group.allowed(table, ties.schema).any(axis=1)
        if bad.any():
            yield group, bad


def _names(one: Statement) -> tuple[str, ...]:
    if isinstance(one, Comparison):
        return one.form.names
    return (one.column,) if isinstance(one, Steps) else one.members


def against(one: Comparison, table: Table, schema: Schema) -> np.ndarray:
    """Rows whose cells are all there and contradict a comparison, bool `[N]`.

    Args:
        one: comparison.
        table: table of N rows, read as the schema says.
        schema: schema of the table.
    """
    columns = [schema.column(name) for name in one.form.names]
    scale = Scale.of(columns, [one.form], f"the constraint {one.text!r}")
    numbers, seen = {}, np.ones(len(table), bool)
    for column in columns:
        numbers[column.name], observed = scale.read(table.frame[column.name], column, table.source)
        seen &= observed
    value = scale.value_of(one.form, numbers)
    if scale.is_exact:
        error = np.zeros(len(value))
    else:
        relative = 1e-5 if any(c.dtype == "Float32" for c in columns) else _RELATIVE
        size = sum(np.abs(v * numbers[name]) for name, v in one.form.terms)
        error = relative * np.asarray(size)
        if one.relation == "=":
            error = error + _rounding(one, schema)
        elif len(one.form.terms) == 2 and not one.form.constant:
            error = np.zeros(len(value))  # a difference of two floats has the right sign
    if one.relation == "=":
        bad = np.abs(value) > error
    else:
        bad = value < -error if one.relation == ">=" else value <= -error
        bad |= (value == 0) & (one.relation == ">")
    return np.asarray(bad & seen)


def _rounding(one: Comparison, schema: Schema) -> float:
    """Half of the last decimal of the column for which an equation is solved."""
    name = solved_for(one.form, schema, one.text)
    column = schema.column(name)
    if column.is_discrete:
        return 0.0
    places = column.decimals
    if column.step is not None:
        places = decimal_places(column.step, abs(column.offset))
    return 0.0 if places is None else 0.500001 * 10.0**-places * abs(one.form.coefficient(name))


def _off_lattice(one: Steps, table: Table, schema: Schema) -> np.ndarray:
    """Rows whose value lies between the steps, bool `[N]`."""
    column = schema.column(one.column)
    if not column.has_lattice:
        return np.zeros(len(table), bool)
    coordinate, observed = read_coordinates(table.frame[one.column], column, table.source)
    off = np.abs(coordinate - np.rint(coordinate)) > lattice_error(column, coordinate)
    return observed & off
