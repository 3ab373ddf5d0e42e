"""Schemas between which only held-out rows can decide.

Atoms on a lattice win the mass of values that repeat, and lose their order: the model has to learn anew what each of them says
about the other columns. Where recipes repeat (mixtures of concrete) that is worth more than the column's own distribution
shows, and where a few values happen to repeat (20.0 in a column of 21.2, 19.5, ...) less.
"""

from dataclasses import replace
from typing import Any

from quasistatic.data.atoms import CLEAR_GAIN, gain_of_atoms
from quasistatic.data.infer import infer_schema
from quasistatic.data.numbers import read_coordinates
from quasistatic.data.overrides import read_overrides
from quasistatic.data.schema import Column, Schema
from quasistatic.data.table import Table


def infer_schemas(table: Table, overrides: dict[str, Any] | None = None) -> tuple[Schema, ...]:
    """The schema of `infer_schema`; behind it, where the two differ, the one with the clear atoms only.

    Args:
        table: the training rows.
        overrides: what the user fixed; atoms that are given stay.

    Raises:
        DataError, SchemaError: those of `infer_schema`.
    """
    schema = infer_schema(table, overrides)
    if table.layout is not None:
        return (schema,)
    fixed = {name for name, given in read_overrides(overrides, table.names).items() if "atoms" in given}
    columns = tuple(
        replace(column, atoms=()) if column.name not in fixed and _has_doubtful_atoms(column, table) else column
        for column in schema.columns
    )
    return (schema,) if columns == schema.columns else (schema, replace(schema, columns=columns))


def _has_doubtful_atoms(column: Column, table: Table) -> bool:
    if not column.atoms or not column.has_lattice:
        return False
    coordinate, observed = read_coordinates(table.frame[column.name], column, table.source)
    return gain_of_atoms(coordinate[observed], 1.0) < CLEAR_GAIN
