"""A table with constraints, as the table of free columns that is modelled."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, get_args

import numpy as np

from quasistatic.data.columns._limits import nearly_zero
from quasistatic.data.columns._overrides import override
from quasistatic.data.columns.alternatives import Schemas, infer_schemas
from quasistatic.data.constraints.language import Comparison, Steps
from quasistatic.data.constraints.order import Order
from quasistatic.data.constraints.statements import statements_of
from quasistatic.data.constraints.ties import Ties
from quasistatic.data.constraints.violations import refuse_repeats, refuse_violations
from quasistatic.data.reading import read_as
from quasistatic.data.schema import Column, Schema, Side
from quasistatic.data.table import Table
from quasistatic.errors import SchemaError

__all__ = ["Tied", "as_fitted", "tie", "with_constraints"]


class Tied(NamedTuple):
    """What is modelled in place of a table with constraints.

    Args:
        ties: how the table is made from it.
        table: table of the free columns.
        schemas: schemas of the free columns.
    """

    ties: Ties
    table: Table
    schemas: Schemas


def tie(table: Table, schemas: Schemas, constraints: Sequence[str] = ()) -> Tied | None:
    """The free columns of a table with constraints; None where it has none.

    Args:
        table: table of the training rows.
        schemas: schemas of the table, with constraints or without.
        constraints: further constraints, as they are written (`language`).

    Raises:
        SchemaError: constraints that are none, contradict each other or go round in a circle.
        DataError: rows that a constraint does not allow.
    """
    schemas = _named(schemas, constraints)
    first = schemas.first
    if not first.constraints:
        return None
    if first.layout is not None:
        raise SchemaError(
            "constraints name the columns of a table, not pixels or places",
            where=table.source,
            fix="leave them out",
        )
    table = read_as(table, first)
    options = [_limited(schema, table) for schema in schemas.options]
    ties = Ties.of(options[0], table)
    refuse_violations(ties, table)
    refuse_repeats(ties, table)
    free = ties.free(table)
    made = _made_columns(ties, free, table)
    free_options = []
    for i, schema in enumerate(options):
        own = {column.name: replace(column, written=None) for column in schema.columns}
        own |= {name: pair[min(i, len(pair) - 1)] for name, pair in made.items()}
        free_options.append(Schema(tuple(own[name] for name in free.names)))
    if len(free_options) == 1 and any(len(set(pair)) > 1 for pair in made.values()):
        changed = [replace(c) for c in free_options[0].columns]
        columns = tuple(made[c.name][-1] if c.name in made else c for c in changed)
        free_options.append(Schema(columns))
    options_kept = tuple(dict.fromkeys(free_options))
    atoms = {name for name in schemas.found_atoms if ties.places.get(name) == name}
    atoms |= {name for name, pair in made.items() if pair[0].atoms and pair[0].has_lattice}
    few = tuple(name for name in schemas.few_valued if ties.places.get(name) == name)
    return Tied(ties, free, Schemas(options_kept, frozenset(atoms), few))


def with_constraints(table: Table, schemas: Schemas, constraints: Sequence[str]) -> Schemas:
    """The schemas of a table with constraints, after a look at whether its rows have them.

    Args:
        table: table of the training rows.
        schemas: schemas of the table, with constraints or without.
        constraints: further constraints, as they are written (`language`).

    Raises:
        SchemaError, DataError: those of `tie`.
    """
    tie(table, schemas, constraints)
    return _named(schemas, constraints)


def _named(schemas: Schemas, constraints: Sequence[str]) -> Schemas:
    """The schemas with the texts of further constraints."""
    texts = (*schemas.first.constraints, *(" ".join(text.split()) for text in constraints))
    texts = tuple(dict.fromkeys(texts))
    return replace(schemas, options=tuple(replace(s, constraints=texts) for s in schemas.options))


def as_fitted(ties: Ties, free: Schema) -> Ties:
    """The ties with the columns of the table as held-out rows chose them.

    Args:
        ties: ties of the training table.
        free: schema of the free columns of the model.
    """
    chosen = {column.name: column for column in free.columns}
    places = ties.places
    columns = tuple(
        replace(chosen[c.name], written=c.written) if places[c.name] == c.name else c
        for c in ties.schema.columns
    )
    measured = tuple(_measured(ties, chosen, c) for c in columns if places[c.name] is not None)
    measure = replace(ties.schema, columns=measured, measure="").base_measure()
    if ties.determined:
        measure += f"; determined by others, adding nothing: {', '.join(ties.determined)}"
    return replace(ties, schema=replace(ties.schema, columns=columns, measure=measure))


def _measured(ties: Ties, chosen: dict[str, Column], column: Column) -> Column:
    """The column as the base measure has it: one that is measured from others is shifted, with the
    point masses of the difference.
    """
    free = ties.places[column.name]
    if free is None or free == column.name:
        return column
    if not column.has_lattice and not column.is_discrete:
        return replace(column, atoms=chosen[free].atoms)
    return column if free in {order.free for order in ties.orders} else chosen[free]


def _limited(schema: Schema, table: Table) -> Schema:
    """The schema with the limits and steps that constraints of one column say."""
    columns = {column.name: column for column in schema.columns}
    for one in statements_of(schema):
        where = f"the constraint {one.text!r}"
        if isinstance(one, Steps):
            column = columns[one.column]
            if not column.is_discrete:
                given = {"step": one.step, "offset": _offset(one, column)}
                series = table.frame[column.name]
                columns[column.name] = override(column, given, series, where)
        elif isinstance(one, Comparison) and len(one.form.terms) == 1 and one.relation != "=":
            ((name, factor),) = one.form.terms
            columns[name] = _with_limit(columns[name], -one.form.constant / factor, factor, one)
    return replace(schema, columns=tuple(columns.values()))


def _offset(one: Steps, column: Column) -> float:
    """An int where the column wants one."""
    whole = column.kind == "integer" or column.is_temporal
    return int(one.offset) if whole else one.offset


def _with_limit(column: Column, limit: float, factor: float, one: Comparison) -> Column:
    """The column within a limit; beyond it by a step where the limit itself is excluded."""
    if column.is_discrete:
        return column
    if one.relation == ">":
        beyond = (column.step or 0.0) if column.has_lattice else 0.0
        position = 0.0 if not beyond else (limit - column.offset) / beyond
        if not beyond:
            limit = float(np.nextafter(limit, np.inf * np.sign(factor)))
        elif abs(position - round(position)) < 1e-9:
            limit = limit + beyond * np.sign(factor)
    limit = float(limit)
    if factor > 0:
        return _narrowed(column, limit, None)
    return _narrowed(column, None, limit)


def _narrowed(column: Column, lower: float | None, upper: float | None) -> Column:
    """The column within limits that are declared, and held; its own ones stay where they are held
    and narrower.
    """
    held = set(column.held)
    if lower is not None and ("lower" not in held or column.lower is None or lower >= column.lower):
        column, held = replace(column, lower=lower), held | {"lower"}
    if upper is not None and ("upper" not in held or column.upper is None or upper <= column.upper):
        column, held = replace(column, upper=upper), held | {"upper"}
    return replace(column, held=tuple(side for side in get_args(Side) if side in held))


def _made_columns(ties: Ties, free: Table, table: Table) -> dict[str, tuple[Column, ...]]:
    """The columns of combinations and of differences, with all point masses and with the clear
    ones.
    """
    found: dict[str, tuple[Column, ...]] = {c.free: (c.column,) for c in ties.combinations}
    for order in ties.orders:
        series = free.frame[order.free]
        if series.null_count() == len(series):
            raise SchemaError(
                "no row has cells in all of its columns",
                where=f"{free.source}, the difference {order.free!r}",
                fix="leave the constraint out",
            )
        kind = "integer" if series.dtype.is_integer() else "continuous"
        alone = Table(series.to_frame(), free.source)
        options = infer_schemas(alone, {"columns": {order.free: {"kind": kind}}}).options
        found[order.free] = tuple(
            _bounded(s.columns[0], order, ties, alone, table) for s in options
        )
    return found


def _resolution(table: Table, column: Column) -> float:
    """What a difference from a float has to be so that the sum with it is another float, also where
    it is some times larger than in the table.
    """
    largest = float(table.frame[column.name].abs().max())  # type: ignore[arg-type]
    return 64 * largest * float(np.finfo(np.float32 if column.dtype == "Float32" else float).eps)


def _bounded(column: Column, order: Order, ties: Ties, alone: Table, table: Table) -> Column:
    """The column of differences on the lattice and within the limits that it must have."""
    pivot = ties.schema.column(order.pivot)
    if not column.has_lattice and pivot.has_lattice and order.scale.decimals is not None:
        step = 1.0 / 10**order.scale.decimals
        given = {"step": step, "offset": 0.0}
        column = override(column, given, alone.frame[column.name], alone.source)
    if column.has_lattice and not (pivot.has_lattice or pivot.is_discrete):
        # Else the difference would be counted where the column has a density.
        column = override(column, {"step": None}, alone.frame[column.name], alone.source)
    lower, upper = order.limits
    if lower is None:  # a density of differences that are never 0
        smallest = float(alone.frame[column.name].min())  # type: ignore[arg-type]
        lower = min(max(nearly_zero(smallest), _resolution(table, pivot)), smallest)
    return _narrowed(column, lower, upper)
