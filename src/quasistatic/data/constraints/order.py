r"""A column that lies beyond others, as the difference to them.

    slack = sign (pivot - bound),     bound = max_k form_k   (min_k for the sign -1),

a change of one column given the others with a determinant of size 1, so that a density of the slack
is one of the pivot.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import polars as pl

from quasistatic.data.constraints.form import Form
from quasistatic.data.constraints.scale import Scale
from quasistatic.data.schema import Column, Schema

__all__ = ["Order"]


@dataclass(frozen=True)
class Order:
    """`pivot >= form_k` for all k, or `pivot <= form_k`, as a column of differences.

    Args:
        pivot: column that the difference stands for.
        sign: 1 where the pivot lies above the forms, -1 where below.
        bounds: forms of other columns.
        strict: whether the difference is never 0.
        widest: largest difference, in units of the columns; None is no limit.
        strict_end: whether `widest` itself is excluded.
        scale: unit in which the columns are counted.
        free: name of the column of differences.
    """

    pivot: str
    sign: int
    bounds: tuple[Form, ...]
    strict: bool
    widest: float | None
    strict_end: bool
    scale: Scale
    free: str

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that the pivot is measured from."""
        return tuple(dict.fromkeys(name for form in self.bounds for name in form.names))

    @property
    def limits(self) -> tuple[float | None, float | None]:
        """Smallest and largest difference, in the units of `Scale.slack`; of a density that is
        never 0 the smallest is not known (None).
        """
        unit = self.scale.one / 10 ** (self.scale.decimals or 0)
        lower = None if self.strict and not unit else unit if self.strict else 0.0
        if self.widest is None:
            return lower, None
        return lower, self.widest - (unit if self.strict_end else 0.0)

    def differences(self, read: Callable[[str, Scale], tuple[np.ndarray, np.ndarray]]) -> pl.Series:
        """The free column; missing where any of the columns is.

        Args:
            read: function from a column's name and a scale to its numbers and which are there.
        """
        numbers, seen = {}, []
        for name in (self.pivot, *self.names):
            numbers[name], observed = read(name, self.scale)
            seen.append(observed)
        slack = self.sign * (numbers[self.pivot] - self._bound(numbers))
        return self.scale.slack(slack, np.all(seen, axis=0), self.free)

    def remade(
        self,
        free: pl.Series,
        schema: Schema,
        read: Callable[[str, Scale], tuple[np.ndarray, np.ndarray]],
    ) -> pl.Series:
        """The pivot, within its own limits as far as the others allow.

        Args:
            free: column of differences.
            schema: schema of the table.
            read: function from a column's name and a scale to its numbers and which are there.
        """
        numbers, seen = {}, []
        for name in self.names:
            numbers[name], observed = read(name, self.scale)
            seen.append(observed)
        slack, there = self.scale.of_slack(free)
        column, bound = schema.column(self.pivot), self._bound(numbers)
        values = bound + self.sign * slack
        values = _within(values, bound, column, self.scale, self.sign)
        series = self.scale.write(values, column)
        there = np.all([there, *seen], axis=0)
        return pl.select(pl.when(pl.Series(there)).then(series)).to_series().alias(self.pivot)

    def _bound(self, numbers: dict[str, np.ndarray]) -> np.ndarray:
        values = [self.scale.value_of(form, numbers) for form in self.bounds]
        return reduce(np.maximum if self.sign > 0 else np.minimum, values)

    def form(self, schema: Schema) -> Form | None:
        """The pivot as a form of other columns and the free one, in the units of the columns; None
        where there are several bounds.

        Args:
            schema: schema of the table.
        """
        first, *more = self.bounds
        if more:
            return None
        unit = self.scale.factor(schema.column(self.pivot))
        terms = {n: v * self.scale.factor(schema.column(n)) / unit for n, v in first.terms}
        terms[self.free] = self.sign * 10.0 ** (self.scale.decimals or 0) / unit
        return Form.of(terms, self.scale.constant(first.constant) / unit)

    def value(self, row: dict[str, Any], schema: Schema, xp: Any) -> Any:
        """The pivot of one decoded row, in the units of its column.

        Args:
            row: numbers of the columns by name, the free one included.
            schema: schema of the table.
            xp: module of the arithmetic, `numpy` or `jax.numpy`.
        """
        scale = self.scale
        forms = [
            sum(
                (
                    value * scale.factor(schema.column(name)) * row[name]
                    for name, value in form.terms
                ),
                scale.constant(form.constant),
            )
            for form in self.bounds
        ]
        bound = reduce(xp.maximum if self.sign > 0 else xp.minimum, forms)
        slack = row[self.free] * 10.0 ** (scale.decimals or 0)
        return (bound + self.sign * slack) / scale.factor(schema.column(self.pivot))


def _within(
    values: np.ndarray, bound: np.ndarray, column: Column, scale: Scale, sign: int
) -> np.ndarray:
    """Values within the column's own limits, but never beyond their bound."""
    if scale.unit is not None and column.unit not in (None, scale.unit):
        return values
    factor = 1 if scale.unit is not None else 10 ** (scale.decimals or 0)
    lower = None if column.lower is None else column.lower * factor
    upper = None if column.upper is None else column.upper * factor
    if scale.is_exact:  # a limit may be a float next to the whole number that is meant
        lower = None if lower is None else math.ceil(lower - 1e-6 * max(1.0, abs(lower)))
        upper = None if upper is None else math.floor(upper + 1e-6 * max(1.0, abs(upper)))
    if lower is not None:
        values = np.maximum(values, lower if sign > 0 else np.minimum(lower, bound))
    if upper is not None:
        values = np.minimum(values, np.maximum(upper, bound) if sign > 0 else upper)
    return values
