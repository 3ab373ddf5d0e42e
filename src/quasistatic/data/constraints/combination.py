"""Columns whose cells go together: one column of the combinations that there are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import polars as pl

from quasistatic.data.columns.numbers import read_coordinates, write_numbers
from quasistatic.data.columns.states import read_codes, write_codes
from quasistatic.data.constraints.scale import are_numbers
from quasistatic.data.schema import Column, Schema
from quasistatic.data.table import Table
from quasistatic.errors import SchemaError

__all__ = ["MOST", "Combination"]

MOST = 1000
"""Combinations at most."""


@dataclass(frozen=True)
class Combination:
    """The combinations of some columns that a table has, as the states of one.

    Args:
        members: names of the columns.
        states: combinations, one tuple each: the numbers of categories, coordinates of numbers,
            None for a missing cell.
        labels: names of the combinations, for people.
        free: name of the column of combinations.
        text: constraint as it was written.
    """

    members: tuple[str, ...]
    states: tuple[tuple[float | None, ...], ...]
    labels: tuple[str, ...]
    free: str
    text: str

    @classmethod
    def of(
        cls, keys: Sequence[str], members: Sequence[str], text: str, table: Table, schema: Schema
    ) -> Self:
        """The combinations of a table.

        Args:
            keys: columns that determine the others.
            members: names of the columns, the keys first.
            text: constraint as it was written.
            table: table of the training rows.
            schema: schema of the table.

        Raises:
            SchemaError: more than `MOST` combinations.
        """
        cells = _cells(table, schema, members)
        whole = cells[~np.isnan(cells).any(axis=1)]
        states = _distinct(whole)[0]
        if len(states) > MOST:
            raise SchemaError(
                f"there are {len(states)} combinations; at most {MOST} are modelled",
                where=f"{table.source}, the constraint {text!r}",
                fix="leave the constraint out, or merge rare values",
            )
        # What occurs in rows with holes alone: with its hole.
        rest = _distinct(cells[np.isnan(cells).any(axis=1)])[0]
        alone = [row for row in rest if not _fits(states, row).any() and not np.isnan(row).all()]
        table_of = [*states.tolist(), *(row.tolist() for row in alone)]
        found = tuple(tuple(None if np.isnan(x) else x for x in row) for row in table_of)
        shown = members if len(keys) > 1 or len(keys) == len(members) else keys
        named = [members.index(name) for name in shown]
        columns = [schema.column(members[i]) for i in named]
        written = [_written(columns[k], [s[i] for s in found]) for k, i in enumerate(named)]
        labels = [" & ".join(str(series[i]) for series in written) for i in range(len(found))]
        labels = _told_apart(labels)
        return cls(tuple(members), found, tuple(labels), " & ".join(shown), text)

    @cached_property
    def array(self) -> np.ndarray:
        """The combinations, float64 `[S, members]`; NaN for a missing cell."""
        return np.asarray(
            [[np.nan if x is None else x for x in state] for state in self.states], np.float64
        )

    @property
    def column(self) -> Column:
        """The column of combinations."""
        kind = "binary" if len(self.labels) == 2 else "categorical"
        constant = len(self.labels) == 1
        return Column(self.free, kind, "String", categories=self.labels, constant=constant)

    def allowed(self, table: Table, schema: Schema) -> np.ndarray:
        """Which combinations fit the cells of each row, bool `[N, S]`.

        Args:
            table: table of N rows.
            schema: schema of the table.
        """
        cells = _cells(table, schema, self.members)
        distinct, which = _distinct(cells)
        return np.stack([_fits(self.array, row) for row in distinct])[which]

    def encoded(self, allowed: np.ndarray) -> pl.Series:
        """The free column: missing where several combinations fit.

        Args:
            allowed: which combinations fit each row, bool `[N, S]`.
        """
        single = allowed.sum(axis=1) == 1
        labels = pl.Series(self.labels)[np.argmax(allowed, axis=1)]
        chosen = pl.when(pl.Series(single)).then(labels)
        return pl.select(chosen).to_series().alias(self.free)

    def remade(self, free: pl.Series, schema: Schema) -> dict[str, pl.Series]:
        """The columns of combinations.

        Args:
            free: column of combinations.
            schema: schema of the table.
        """
        codes, observed = read_codes(free, self.column, "the combinations")
        made = {}
        for j, name in enumerate(self.members):
            values = self.array[codes, j]
            there = observed & ~np.isnan(values)
            series = _series(schema.column(name), np.where(there, values, self._any(j)))
            chosen = pl.when(pl.Series(there)).then(series)
            made[name] = pl.select(chosen).to_series().alias(name)
        return made

    def _any(self, j: int) -> float:
        """A value of a member that may be written where none is kept."""
        return float(np.nan_to_num(np.nanmax(self.array[:, j]) if len(self.array) else 0.0))

    def of_row(self, code: Any, schema: Schema, xp: Any) -> dict[str, Any]:
        """The columns of one decoded row: numbers in their units, categories as their number, those
        of numbers as numbers.

        Args:
            code: number of the combination.
            schema: schema of the table.
            xp: module of the arithmetic, `numpy` or `jax.numpy`.
        """
        row = {}
        for j, name in enumerate(self.members):
            column, values = schema.column(name), self.array[:, j]
            if column.is_discrete and are_numbers(column):
                codes = np.nan_to_num(values).astype(int)
                values = np.asarray(column.categories, np.float64)[codes]
            if column.has_lattice:
                values = column.offset + values * (column.step or 1.0)
            row[name] = xp.asarray(values.astype(np.float32))[code]
        return row


def _cells(table: Table, schema: Schema, members: Sequence[str]) -> np.ndarray:
    """The cells of columns, float64 `[N, members]`: numbers of categories, coordinates of numbers;
    NaN where missing.
    """
    found = []
    for name in members:
        column, series = schema.column(name), table.frame[name]
        if column.is_discrete:
            values, observed = read_codes(series, column, table.source)
        else:
            values, observed = read_coordinates(series, column, table.source)
            values = np.rint(values) if column.has_lattice else values
        found.append(np.where(observed, values, np.nan))
    return np.stack(found, axis=1).astype(np.float64)


def _distinct(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different rows of cells, and which of them each row is."""
    known = np.nan_to_num(cells, nan=-np.inf, posinf=np.inf, neginf=-np.inf)
    distinct, which = np.unique(known, axis=0, return_inverse=True)
    return np.where(np.isneginf(distinct), np.nan, distinct), which.reshape(-1)


def _fits(states: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Which states have the cells of a row that are there."""
    return np.all(np.isnan(row) | (states == row) | (np.isnan(states) & np.isnan(row)), axis=1)


def _series(column: Column, values: np.ndarray) -> pl.Series:
    if column.is_discrete:
        return write_codes(values.astype(np.int32), column)
    return write_numbers(values, replace(column, lower=None, upper=None))


def _written(column: Column, values: list[float | None]) -> list[Any]:
    """Values of a column for labels."""
    there = [value for value in values if value is not None]
    written = iter(_series(column, np.asarray(there)).to_list()) if there else iter(())
    return ["?" if value is None else next(written) for value in values]


def _told_apart(labels: list[str]) -> list[str]:
    """Labels of which no two are equal."""
    seen: dict[str, int] = {}
    found = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        found.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return found
