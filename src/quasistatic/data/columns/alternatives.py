"""Schemas between which only held-out rows can decide.

Atoms on a lattice win the mass of values that repeat, and lose their order: the model has to learn
anew what each of them says about the other columns. Where recipes repeat (mixtures of concrete)
that is worth more than the column's own distribution shows, and where a few values happen to repeat
(20.0 in a column of 21.2, 19.5, ...) less.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from quasistatic.data.columns._atoms import CLEAR_GAIN, find_atoms, gain_of_atoms
from quasistatic.data.columns._overrides import read_constraints, read_overrides
from quasistatic.data.columns.infer import check_rows, infer_columns, infer_schema
from quasistatic.data.columns.numbers import atom_coordinates, read_coordinates
from quasistatic.data.disk.table import AnyTable
from quasistatic.data.schema import Column, Schema

__all__ = ["Schemas", "infer_schemas", "with_atoms_of"]


@dataclass(frozen=True)
class Schemas:
    """The schemas of a table between which only held-out rows can decide.

    Args:
        options: one schema or more, all with one base measure; the first has all atoms.
        found_atoms: names of the columns on a lattice whose atoms were found among the rows, not
            given by the user (default none).
    """

    options: tuple[Schema, ...]
    found_atoms: frozenset[str] = frozenset()

    @property
    def first(self) -> Schema:
        """The schema with all atoms."""
        return self.options[0]

    def without_atoms(self, chosen: Schema) -> list[str]:
        """Names of the columns that have atoms in the first schema and none in the chosen one."""
        pairs = zip(self.first.columns, chosen.columns, strict=True)
        return [before.name for before, after in pairs if before.atoms and not after.atoms]


def infer_schemas(table: AnyTable, overrides: dict[str, Any] | None = None) -> Schemas:
    """The schema of `infer_schema`; behind it, where the two differ, the one with the clear atoms
    only.

    Args:
        table: table of the training rows.
        overrides: what the user fixed (see `overrides.read_overrides`); atoms that are given stay.
            None (default) fixes nothing.

    Raises:
        DataError, SchemaError: those of `infer_schema`.
    """
    if table.layout is not None:
        return Schemas((infer_schema(table, overrides),))
    check_rows(table)
    given = read_overrides(overrides, table.names)
    schema = replace(infer_columns(table, given), constraints=read_constraints(overrides))
    fixed = {name for name, settings in given.items() if "atoms" in settings}
    found = frozenset(
        c.name for c in schema.columns if c.atoms and c.has_lattice and c.name not in fixed
    )
    columns = tuple(
        replace(column, atoms=())
        if column.name in found and _has_doubtful_atoms(column, table)
        else column
        for column in schema.columns
    )
    plain = replace(schema, columns=columns)
    return Schemas((schema,) if plain == schema else (schema, plain), found)


def with_atoms_of(tables: Sequence[AnyTable], schema: Schema, found: Set[str]) -> Schema:
    """The schema as rows that are trained on would have it, so that rows held out are a test of its
    atoms, too.

    A value that repeats in the whole table need not repeat among three quarters of it: where the
    held-out rows help to say what is an atom, they are likelier than new rows will be.

    Args:
        tables: tables of the rows that are trained on, one for each training; several trainings
            need one compiled program if their schema is one.
        schema: schema of all rows.
        found: names of the columns of which those atoms stay that each table has by itself
            (`Schemas.found_atoms`). Elsewhere, and where there is no lattice, which would change
            the base measure, all do.
    """
    columns = tuple(
        replace(column, atoms=_common_atoms(tables, column))
        if column.name in found and column.atoms
        else column
        for column in schema.columns
    )
    return replace(schema, columns=columns)


def _common_atoms(tables: Sequence[AnyTable], column: Column) -> tuple[float, ...]:
    there = np.ones(len(column.atoms), bool)
    for table in tables:
        there &= np.isin(atom_coordinates(column), find_atoms(_positions(column, table), 1.0))
    return tuple(float(atom) for atom in np.asarray(column.atoms)[there])


def _has_doubtful_atoms(column: Column, table: AnyTable) -> bool:
    return gain_of_atoms(_positions(column, table), 1.0) < CLEAR_GAIN


def _positions(column: Column, table: AnyTable) -> np.ndarray:
    """Of the observed cells on the lattice."""
    series = table.holding(column.name).frame[column.name]
    coordinate, observed = read_coordinates(series, column, table.source)
    return np.rint(coordinate[observed])
