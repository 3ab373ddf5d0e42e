"""Schemas between which only held-out rows can decide.

Atoms on a lattice win the mass of values that repeat, and lose their order: the model has to learn
anew what each of them says about the other columns. Where recipes repeat (mixtures of concrete)
that is worth more than the column's own distribution shows, and where a few values happen to repeat
(20.0 in a column of 21.2, 19.5, ...) less. Of a few whole numbers (a year, a grade, a count to 5)
each may be an atom: a state, that is, among which the order says little.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from quasistatic.data.columns._atoms import CLEAR_GAIN, find_atoms, gain_of_atoms
from quasistatic.data.columns._overrides import read_constraints, read_overrides
from quasistatic.data.columns.infer import check_rows, infer_columns, infer_schema
from quasistatic.data.columns.numbers import as_numbers, atom_coordinates, read_coordinates
from quasistatic.data.disk.table import AnyTable
from quasistatic.data.schema import Column, Schema

__all__ = ["Schemas", "as_states", "infer_schemas", "with_atoms_of"]

_MOST_LEVELS = 12
"""Different values that are few."""


@dataclass(frozen=True)
class Schemas:
    """The schemas of a table between which only held-out rows can decide.

    Args:
        options: one schema or more, all with one base measure; the first has all atoms.
        found_atoms: names of the columns on a lattice whose atoms were found among the rows, not
            given by the user (default none).
        few_valued: names of the columns on a lattice of 3 to 12 values without atoms,
            which may be states (`as_states`; default none).
    """

    options: tuple[Schema, ...]
    found_atoms: frozenset[str] = frozenset()
    few_valued: tuple[str, ...] = ()

    @property
    def first(self) -> Schema:
        """The schema with all atoms."""
        return self.options[0]

    def without_atoms(self, chosen: Schema) -> list[str]:
        """Names of the columns that have atoms in the first schema and none in the chosen one."""
        pairs = zip(self.first.columns, chosen.columns, strict=True)
        return [before.name for before, after in pairs if before.atoms and not after.atoms]

    def at_states(self, chosen: Schema) -> list[str]:
        """Names of the columns of few values that are states in the chosen schema."""
        return [c.name for c in chosen.columns if c.name in self.few_valued and c.atoms]


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
    few = tuple(
        column.name
        for column in schema.columns
        if _is_few_valued(column, table) and column.name not in fixed
    )
    return Schemas((schema,) if plain == schema else (schema, plain), found, few)


def as_states(schemas: Schemas, table: AnyTable, name: str) -> Schemas:
    """The schemas with an atom at every value of a column: its values are states then, and any
    other whole number is as unlikely as what was never seen.

    Args:
        schemas: schemas of the table.
        table: table of the training rows.
        name: name of one of the columns of `Schemas.few_valued`.
    """
    atoms = tuple(float(value) for value in _values(table, name))

    def with_atoms(schema: Schema) -> Schema:
        columns = (replace(c, atoms=atoms) if c.name == name else c for c in schema.columns)
        return replace(schema, columns=tuple(columns))

    return replace(schemas, options=tuple(with_atoms(schema) for schema in schemas.options))


def _is_few_valued(column: Column, table: AnyTable) -> bool:
    """Two values are states by themselves."""
    if not column.has_lattice or column.is_temporal or column.atoms:
        return False
    return 2 < len(_values(table, column.name)) <= _MOST_LEVELS


def _values(table: AnyTable, name: str) -> pl.Series:
    """The different values of a column of numbers, in order."""
    where = f"{table.source}, column {name!r}"
    return as_numbers(table.holding(name).frame[name], where).drop_nulls().unique().sort()


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
