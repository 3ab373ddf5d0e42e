"""Schemas between which only held-out rows can decide.

Atoms on a lattice win the mass of values that repeat, and lose their order: the model has to learn
anew what each of them says about the other columns. Where recipes repeat (mixtures of concrete)
that is worth more than the column's own distribution shows, and where a few values happen to repeat
(20.0 in a column of 21.2, 19.5, ...) less.
"""

from collections.abc import Sequence, Set
from dataclasses import replace
from typing import Any

import numpy as np

from quasistatic.data.columns.atoms import CLEAR_GAIN, find_atoms, gain_of_atoms
from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.columns.numbers import atom_coordinates, read_coordinates
from quasistatic.data.columns.overrides import read_overrides
from quasistatic.data.schema import Column, Schema
from quasistatic.data.table import Table


def infer_schemas(table: Table, overrides: dict[str, Any] | None = None) -> tuple[Schema, ...]:
    """The schema of `infer_schema`; behind it, where the two differ, the one with the clear atoms
    only.

    Args:
        table: the training rows.
        overrides: what the user fixed; atoms that are given stay.

    Raises:
        DataError, SchemaError: those of `infer_schema`.
    """
    schema = infer_schema(table, overrides)
    if table.layout is not None:
        return (schema,)
    found = columns_of_found_atoms(schema, table, overrides)
    columns = tuple(
        replace(column, atoms=())
        if column.name in found and _has_doubtful_atoms(column, table)
        else column
        for column in schema.columns
    )
    return (schema,) if columns == schema.columns else (schema, replace(schema, columns=columns))


def columns_of_found_atoms(
    schema: Schema, table: Table, overrides: dict[str, Any] | None = None
) -> frozenset[str]:
    """Names of the columns on a lattice whose atoms were found among the rows, not given by the
    user.
    """
    if schema.layout is not None:
        return frozenset()
    fixed = {
        name for name, given in read_overrides(overrides, table.names).items() if "atoms" in given
    }
    return frozenset(
        c.name for c in schema.columns if c.atoms and c.has_lattice and c.name not in fixed
    )


def with_atoms_of(tables: Sequence[Table], schema: Schema, found: Set[str]) -> Schema:
    """The schema as rows that are trained on would have it, so that rows held out are a test of its
    atoms, too.

    A value that repeats in the whole table need not repeat among three quarters of it: where the
    held-out rows help to say what is an atom, they are likelier than new rows will be.

    Args:
        tables: the rows that are trained on; of several trainings, for which one program is
            compiled if their schema is one.
        schema: of all rows.
        found: `columns_of_found_atoms`; of their atoms those stay that each table has by itself.
            Elsewhere, and where there is no lattice, which would change the base measure, all do.
    """
    columns = tuple(
        replace(column, atoms=_common_atoms(tables, column))
        if column.name in found and column.atoms
        else column
        for column in schema.columns
    )
    return replace(schema, columns=columns)


def _common_atoms(tables: Sequence[Table], column: Column) -> tuple[float, ...]:
    there = np.ones(len(column.atoms), bool)
    for table in tables:
        there &= np.isin(atom_coordinates(column), find_atoms(_positions(column, table), 1.0))
    return tuple(float(atom) for atom in np.asarray(column.atoms)[there])


def _has_doubtful_atoms(column: Column, table: Table) -> bool:
    return gain_of_atoms(_positions(column, table), 1.0) < CLEAR_GAIN


def _positions(column: Column, table: Table) -> np.ndarray:
    """Of the observed cells on the lattice."""
    coordinate, observed = read_coordinates(table.frame[column.name], column, table.source)
    return np.rint(coordinate[observed])
