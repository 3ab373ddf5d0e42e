"""Columns of numbers and times as numbers with which one can calculate exactly.

Times and rounded numbers are whole numbers of a unit that all columns of a constraint share (days,
cents), so that sums and differences are exact; numbers of full precision are floats.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import polars as pl

from quasistatic.data.columns._dtypes import parse_dtype
from quasistatic.data.columns._lattice import MOST_DECIMALS, decimal_places
from quasistatic.data.columns.moments import MONTH, NANOSECONDS
from quasistatic.data.columns.numbers import read_coordinates, write_numbers
from quasistatic.data.constraints.form import Form
from quasistatic.data.schema import Column
from quasistatic.errors import SchemaError

__all__ = ["Scale", "are_numbers", "places_of"]


@dataclass(frozen=True)
class Scale:
    """The unit in which the columns of a constraint are counted.

    Args:
        unit: unit of times, of `NANOSECONDS` or `MONTH`; None (default) for numbers.
        decimals: decimal places of numbers, which are counted in units of 10^-decimals; None
            (default) for floats of full precision, and for times.
    """

    unit: str | None = None
    decimals: int | None = None

    @classmethod
    def of(cls, columns: Iterable[Column], forms: Iterable[Form], where: str) -> Self:
        """The coarsest unit in which all values of some columns are whole.

        Args:
            columns: columns of the constraint.
            forms: forms of the constraint.
            where: name of the constraint, for messages.

        Raises:
            SchemaError: text, or days beside hours.
        """
        columns, forms = tuple(columns), tuple(forms)
        for column in columns:
            if column.is_discrete and not are_numbers(column):
                raise SchemaError(
                    f"column {column.name!r} has categories, not numbers",
                    where=where,
                    fix="compare numbers or times; for categories write `a determines b`",
                )
        units = {c.unit for c in columns if c.is_temporal}
        if units:
            if units == {MONTH}:
                return cls(MONTH)
            order = list(NANOSECONDS)
            finest = max((u for u in units if u != MONTH), key=lambda u: order.index(u or "d"))
            return cls(finest)
        whole = all(value == int(value) for form in forms for _, value in form.terms)
        places = [places_of(column) for column in columns]
        places += [decimal_places(abs(form.constant), 0.0) for form in forms]
        known = [place for place in places if place is not None]
        if not whole or len(known) < len(places) or max(known) > MOST_DECIMALS:
            return cls()
        return cls(None, max(known))

    @property
    def is_exact(self) -> bool:
        """Whether the numbers are whole."""
        return self.unit is not None or self.decimals is not None

    @property
    def one(self) -> float:
        """The smallest difference of two numbers of the scale, in its units; 0 for floats."""
        return 1 if self.is_exact else 0.0

    def constant(self, value: float) -> float:
        """A constant of a form in units of the scale."""
        if self.decimals is not None:
            return round(value * 10**self.decimals)
        return value

    def value_of(self, form: Form, numbers: dict[str, np.ndarray]) -> np.ndarray:
        """A form of columns, `[N]`.

        Args:
            form: linear form.
            numbers: columns in units of the scale, `[N]` each.
        """
        dtype = np.int64 if self.is_exact and _is_whole(form, self) else np.float64
        total = np.full(len(next(iter(numbers.values()))), self.constant(form.constant), dtype)
        for name, value in form.terms:
            total = total + dtype(value) * numbers[name].astype(dtype)
        return total

    def read(self, series: pl.Series, column: Column, where: str) -> tuple[np.ndarray, np.ndarray]:
        """A column in units of the scale, int64 or float64 `[N]`, and which cells are there.

        Args:
            series: cells of the column.
            column: column of the schema.
            where: name of the table, for messages.
        """
        coordinate, observed = read_coordinates(series, self._counting(column), where)
        if self.is_exact:
            return np.rint(coordinate).astype(np.int64), observed
        return coordinate, observed

    def write(self, numbers: np.ndarray, column: Column) -> pl.Series:
        """A column of numbers in units of the scale, in its dtype, exactly.

        Args:
            numbers: numbers `[N]`.
            column: column of the schema, whose own lattice does not matter.
        """
        return write_numbers(numbers, self._counting(column))

    def _counting(self, column: Column) -> Column:
        """The column as one of numbers in units of the scale, without its own lattice."""
        kind = column.kind
        if column.is_discrete:
            kind = "integer" if parse_dtype(column.dtype).is_integer() else "continuous"
        plain = replace(column, lower=None, upper=None, kind=kind, atoms=())
        if self.unit is not None and column.is_temporal:
            return replace(plain, unit=self.unit, step=1.0, offset=0)
        if self.is_exact:
            decimals = self.decimals or 0
            step, offset = 1.0 / 10**decimals, 0.0 if decimals else 0
            return replace(plain, step=step, offset=offset)
        return replace(plain, step=None, decimals=places_of(column))

    def slack(self, numbers: np.ndarray, observed: np.ndarray, name: str) -> pl.Series:
        """A difference as a column of its own: whole numbers of times, numbers in the units of
        the table.

        Args:
            numbers: numbers `[N]` in units of the scale.
            observed: which are there, bool `[N]`.
            name: name of the column.
        """
        values = numbers if not self.decimals else numbers / 10.0**self.decimals
        return pl.select(pl.when(pl.Series(observed)).then(pl.Series(name, values))).to_series()

    def of_slack(self, series: pl.Series) -> tuple[np.ndarray, np.ndarray]:
        """Inverse of `slack`: the numbers, and which are there."""
        values = series.cast(pl.Float64) if self.decimals or not self.is_exact else series
        return self._of_values(values), series.is_not_null().to_numpy()

    def _of_values(self, values: pl.Series) -> np.ndarray:
        numbers = values.fill_null(0).to_numpy()
        if self.decimals:
            return np.rint(numbers * 10.0**self.decimals).astype(np.int64)
        return np.rint(numbers).astype(np.int64) if self.is_exact else numbers.astype(np.float64)

    def factor(self, column: Column) -> float:
        """How many units of the scale a unit of a column is, as `posterior.decode` has it.

        Args:
            column: column of the schema.

        Raises:
            SchemaError: months beside days, which are no fixed number of them.
        """
        if self.decimals is not None:
            return 10.0**self.decimals
        if self.unit is None or column.unit is None or column.unit == self.unit:
            return 1.0
        if column.unit == MONTH:
            raise SchemaError(
                "a month is no fixed number of days",
                where=f"column {column.name!r}",
                fix="give the column in days in a --schema file",
            )
        return NANOSECONDS[column.unit] / NANOSECONDS[self.unit]


def are_numbers(column: Column) -> bool:
    """Whether the categories of a column are numbers, with which one can calculate."""
    return all(
        isinstance(value, int | float) and not isinstance(value, bool)
        for value in column.categories
    )


def _is_whole(form: Form, scale: Scale) -> bool:
    whole = all(value == int(value) for _, value in form.terms)
    return whole and scale.constant(form.constant) == int(scale.constant(form.constant))


def places_of(column: Column) -> int | None:
    """Decimal places of a column's values; None for full precision.

    Args:
        column: column of numbers.
    """
    if column.is_discrete:
        values = np.abs(np.asarray(column.categories, np.float64))
        if column.dtype == "Float32":  # 0.7 is stored as 0.699999988079071
            values = np.asarray([float(str(value)) for value in values.astype(np.float32)])
        places = [decimal_places(value, 0.0) for value in values]
        return None if None in places else max(place for place in places if place is not None)
    if column.step is not None:
        return decimal_places(column.step, abs(column.offset))
    return column.decimals
