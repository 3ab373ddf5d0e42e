"""What is asked: one fitted model, read-only, and perhaps a table; JSON rows in and out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Self

import numpy as np
import polars as pl

from quasistatic.data.codec import check_columns
from quasistatic.data.columns.numbers import as_numbers, as_times, time_dtype
from quasistatic.data.columns.states import read_codes, write_codes
from quasistatic.data.constraints.moments import units_of
from quasistatic.data.reading import read_as
from quasistatic.data.schema import Column, Schema
from quasistatic.data.table import Table
from quasistatic.errors import SchemaError
from quasistatic.estimator.density import DiffusionDensity
from quasistatic.fitted.given import read_given
from quasistatic.fitted.model import Fitted

__all__ = ["Subject", "cell_text", "labels", "plain", "values_of"]

_SOURCE = "the question"
"""`Table.source` of rows that were asked about."""


@dataclass(frozen=True)
class Subject:
    """A model that is asked, and what is known beside it.

    Args:
        name: name of the model, for people.
        density: fitted density.
        table: rows to look at; None (default) without.
        table_name: name of the table, for people (default: empty).
    """

    name: str
    density: DiffusionDensity
    table: Table | None = None
    table_name: str = ""

    @classmethod
    def of(cls, name: str, density: DiffusionDensity, table: Table | None, table_name: str) -> Self:
        """A subject whose table has the model's columns; no path is kept of it.

        Raises:
            SchemaError: the table has other columns.
        """
        if table is not None:
            check_columns(table, density.schema_)
            density.fitted_.encode(table)  # whatever is wrong with its cells is said at the start
            table = replace(read_as(table, density.schema_), source=table_name)
        return cls(name, density, table, table_name)

    @property
    def fitted(self) -> Fitted:
        """Model and codec."""
        return self.density.fitted_

    @property
    def schema(self) -> Schema:
        """The columns."""
        return self.density.schema_

    def table_of(self, rows: Sequence[Mapping[str, Any]]) -> Table:
        """Rows of JSON as a table; a column that a row does not name is unknown there.

        Args:
            rows: rows by column: numbers, flags, or texts as in the file of the fitted table.

        Raises:
            SchemaError: an unknown column or category, or a text that is no number or date.
        """
        names = self.schema.names
        unknown = {name for row in rows for name in row} - set(names)
        if unknown:
            raise SchemaError(
                f"unknown column(s): {', '.join(sorted(map(repr, unknown)))}",
                where=_SOURCE,
                fix=f"the model has {', '.join(map(repr, names))}",
            )
        columns = [_series(name, [row.get(name) for row in rows]) for name in names]
        table = Table(pl.DataFrame(columns), _SOURCE, self.schema.container)
        read = read_as(table, self.schema)
        own = (_own(read.frame, column) for column in self.schema.columns)
        return replace(read, frame=read.frame.with_columns(own))

    def rows_of(self, table: Table) -> list[dict[str, Any]]:
        """The rows of a table as JSON."""
        frame = table.frame.select(self.schema.names)
        return [{name: plain(value) for name, value in row.items()} for row in frame.to_dicts()]

    def conditions(self, given: Sequence[str]) -> Mapping[Any, Any]:
        """Conditions in the language of `condition --given`.

        Args:
            given: conditions, each as it is written.

        Raises:
            SettingError: one that is none.
        """
        discrete = [column.name for column in self.schema.columns if column.is_discrete]
        return read_given(given, discrete, self.schema.names, units_of(self.schema))


def _series(name: str, values: list[Any]) -> pl.Series:
    """Cells of one column; numbers beside texts become texts."""
    if any(isinstance(value, str) for value in values):
        values = [v if v is None or isinstance(v, str) else str(v) for v in values]
    elif any(isinstance(v, bool) for v in values) and any(
        isinstance(v, int | float) and not isinstance(v, bool) for v in values
    ):
        values = [None if v is None else float(v) for v in values]
    return pl.Series(name, values, strict=False)


def _own(frame: pl.DataFrame, column: Column) -> pl.Series:
    """A column in the words of the model: numbers for their texts, categories as they are known."""
    series, where = frame[column.name], f"{_SOURCE}, column {column.name!r}"
    if column.is_discrete:
        codes, observed = read_codes(series, column, _SOURCE)
        found = write_codes(codes, column)
        return found.set(pl.Series(~observed), None).alias(column.name)
    if column.is_temporal:
        return as_times(series, time_dtype(column), where)
    return as_numbers(series, where)


def values_of(column: Column) -> list[Any]:
    """The categories of a column in the order of their codes.

    Args:
        column: column of states.
    """
    return write_codes(np.arange(len(column.categories), dtype=np.int32), column).to_list()


@lru_cache(maxsize=256)
def labels(column: Column) -> tuple[str, ...]:
    """The categories of a column as people read them.

    Args:
        column: column of states.
    """
    return tuple(cell_text(value) for value in values_of(column))


def cell_text(value: Any) -> str:
    """A cell for people, and for the address of a page; empty where it is missing."""
    if value is None:
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)


def plain(value: Any) -> Any:
    """Values as JSON knows them; numbers that it does not know (nan, inf) become null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
