"""A column that is a linear form of others: it is left out of the model and made again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from quasistatic.data.constraints.form import Form
from quasistatic.data.constraints.scale import Scale
from quasistatic.data.schema import Schema

__all__ = ["Equation"]


@dataclass(frozen=True)
class Equation:
    """`pivot = value`, a form of columns that are in the model.

    Args:
        pivot: column that is determined.
        value: form that it is equal to.
        scale: unit in which the columns are counted.
        shared: whether the columns of the form share what the pivot leaves them, none of which is
            negative: shares of a whole (default False).
        step: distance of neighbouring values of the pivot where the form is rounded to them; 0
            (default) where it is exact.
    """

    pivot: str
    value: Form
    scale: Scale
    shared: bool = False
    step: float = 0.0

    def remade(
        self,
        schema: Schema,
        read: Callable[[str, Scale], tuple[np.ndarray, np.ndarray]],
        known: Mapping[str, np.ndarray],
    ) -> dict[str, pl.Series]:
        """The pivot; and, of shares of a whole, those that are cut so that none is negative.

        Args:
            schema: schema of the table.
            read: function from a column's name and a scale to its numbers and which are there.
            known: cells that are not cut, bool `[N]` by column; a column without an entry may be.
        """
        numbers, seen = {}, []
        for name in self.value.names:
            numbers[name], observed = read(name, self.scale)
            seen.append(observed)
        made = {}
        if self.shared:
            fixed = {n: known.get(n, np.zeros(len(seen[0]), bool)) for n in self.value.names}
            taken = sum(np.where(fixed[n], numbers[n], 0) for n in self.value.names)
            room = self.scale.constant(self.value.constant) - taken
            for name in self.value.names:
                cut = np.minimum(numbers[name], np.maximum(room, 0))
                cut = np.where(fixed[name], numbers[name], cut)
                room = room - np.where(fixed[name], 0, cut)
                if np.any(cut != numbers[name]):
                    series = self.scale.write(cut, schema.column(name))
                    made[name] = series.alias(name)
                numbers[name] = cut
        values = self.scale.value_of(self.value, numbers)
        series = self.scale.write(values, schema.column(self.pivot))
        there = pl.Series(np.all(seen, axis=0))
        made[self.pivot] = pl.select(pl.when(there).then(series)).to_series().alias(self.pivot)
        return made

    def form(self, schema: Schema) -> Form:
        """The form that the pivot is equal to, in the units of the columns.

        Args:
            schema: schema of the table.
        """
        unit = self.scale.factor(schema.column(self.pivot))
        terms = {n: v * self.scale.factor(schema.column(n)) / unit for n, v in self.value.terms}
        return Form.of(terms, self.scale.constant(self.value.constant) / unit)

    def of_row(self, row: dict[str, Any], schema: Schema) -> Any:
        """The pivot of one decoded row, in the units of its column.

        Args:
            row: numbers of the columns by name.
            schema: schema of the table.
        """
        form = self.form(schema)
        return sum((value * row[name] for name, value in form.terms), form.constant)
