"""The columns of a table that are tied by constraints, and the free columns that say the same.

`Ties.free` takes a table to its free columns, which a model knows, and `Ties.whole` brings them
back. Both are exact, and neither changes the base measure: a column measured from others is
shifted, a determined one adds nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import polars as pl

from quasistatic.data.columns.numbers import read_coordinates, write_numbers
from quasistatic.data.constraints._assigned import (
    eliminated,
    equations_of,
    orders_of,
    ranges_of,
    solved_for,
)
from quasistatic.data.constraints.combination import Combination
from quasistatic.data.constraints.equation import Equation
from quasistatic.data.constraints.language import Combinations, Comparison, Statement
from quasistatic.data.constraints.order import Order
from quasistatic.data.constraints.scale import Scale, places_of
from quasistatic.data.constraints.statements import grouped, statements_of
from quasistatic.data.constraints.stored import check_combinations, check_room
from quasistatic.data.reading import read_as
from quasistatic.data.schema import Schema
from quasistatic.data.table import Table

__all__ = ["Ties"]

_Reader = Callable[[str, Scale], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Ties:
    """How the columns of a table are made from free ones, in this order.

    Args:
        schema: schema of the table, with its constraints.
        statements: what the constraints say.
        combinations: columns whose cells go together.
        orders: columns that are measured from others, each from columns before it.
        equations: columns that are linear forms of others.
        bounded: columns among these whose limits the free columns may break (default none known).
        log_share: log-probability that they do not, nats (default 0).
    """

    schema: Schema
    statements: tuple[Statement, ...]
    combinations: tuple[Combination, ...]
    orders: tuple[Order, ...]
    equations: tuple[Equation, ...]
    bounded: tuple[str, ...] = ()
    log_share: float = 0.0

    @classmethod
    def of(cls, schema: Schema, table: Table) -> Self:
        """The ties of a schema, with the combinations that a table has.

        Args:
            schema: schema of the table, with its constraints.
            table: table of the training rows.

        Raises:
            SchemaError: constraints that contradict each other, or of unknown columns.
        """
        statements = statements_of(schema)
        groups = grouped([one for one in statements if isinstance(one, Combinations)])
        found = [Combination.of(g.keys, g.members, g.text, table, schema) for g in groups]
        return cls._assigned(schema, statements, tuple(found))

    @classmethod
    def _assigned(
        cls,
        schema: Schema,
        statements: tuple[Statement, ...],
        combinations: tuple[Combination, ...],
    ) -> Self:
        fixed = frozenset(name for one in combinations for name in one.members)
        comparisons = [one for one in statements if isinstance(one, Comparison)]
        solved, rest = eliminated(comparisons, schema, fixed)
        taken = frozenset(schema.names)
        orders = orders_of(ranges_of(rest), schema, fixed, taken)
        return cls(schema, statements, combinations, orders, equations_of(solved, schema))

    def to_json(self) -> list[dict[str, Any]]:
        """What the schema does not tell: the combinations."""
        return [
            {
                "members": list(one.members),
                "states": [list(state) for state in one.states],
                "labels": list(one.labels),
                "free": one.free,
                "text": one.text,
            }
            for one in self.combinations
        ]

    def room(self) -> dict[str, Any]:
        """The limits that the free columns may break, in JSON types."""
        return {"columns": list(self.bounded), "log_share": self.log_share}

    @classmethod
    def from_json(
        cls, schema: Schema, data: Sequence[dict[str, Any]], room: dict[str, Any] | None = None
    ) -> Self:
        """Inverse of `to_json` and `room`.

        Args:
            schema: schema of the table, with its constraints.
            data: combinations in JSON types.
            room: limits that the free columns may break, in JSON types; None (default) for none.

        Raises:
            Misfit: combinations or limits that are not as they are declared.
        """
        check_combinations(data, schema)
        combinations = tuple(
            Combination(
                tuple(item["members"]),
                tuple(tuple(state) for state in item["states"]),
                tuple(item["labels"]),
                item["free"],
                item["text"],
            )
            for item in data
        )
        found = cls._assigned(schema, statements_of(schema), combinations)
        if room is None:
            return found
        check_room(room, found.pivots)
        return replace(found, bounded=tuple(room["columns"]), log_share=float(room["log_share"]))

    @property
    def determined(self) -> tuple[str, ...]:
        """Columns that the others determine: they add nothing to a likelihood."""
        found = [equation.pivot for equation in self.equations]
        for one in self.combinations:
            found += [name for name in one.members if name != one.members[0]]
        return tuple(found)

    @property
    def pivots(self) -> tuple[str, ...]:
        """Columns that are measured from others or equal to a form of them."""
        return tuple(one.pivot for one in (*self.orders, *self.equations))

    def limits_of(self, pivot: str) -> tuple[float, float]:
        """The limits of such a column that are held, in its units: those of its schema, and 0 of a
        share of a whole.

        Args:
            pivot: name of the column.
        """
        column = self.schema.column(pivot)
        held = {side: getattr(column, side) for side in column.held}
        if any(one.shared for one in self.equations if one.pivot == pivot):
            held["lower"] = column.lower
        low, high = held.get("lower"), held.get("upper")
        return -np.inf if low is None else float(low), np.inf if high is None else float(high)

    @property
    def places(self) -> dict[str, str | None]:
        """For every column of the table the free column in its place; None for one that is
        determined.
        """
        found: dict[str, str | None] = {name: name for name in self.schema.names}
        found |= dict.fromkeys(self.determined)
        found |= {one.members[0]: one.free for one in self.combinations}
        return found | {order.pivot: order.free for order in self.orders}

    def completed(self, table: Table) -> Table:
        """The table with every cell that follows from those that are there.

        Args:
            table: table with the columns of the schema.
        """
        table = read_as(table, self.schema)
        for one in self.combinations:
            allowed = one.allowed(table, self.schema)
            made = one.remade(one.encoded(allowed), self.schema)
            table = _filled(table, list(made.values()))
        equations = [s for s in self.statements if isinstance(s, Comparison) and s.relation == "="]
        for _ in equations:
            for one in equations:
                table = self._solved(table, one)
        return table

    def _solved(self, table: Table, one: Comparison) -> Table:
        """The table with the one cell of an equation that is missing in a row; of a rounded one
        only what is rounded follows from the others.
        """
        names = one.form.names
        holes = np.stack([table.frame[name].is_null().to_numpy() for name in names], axis=1)
        single = holes.sum(axis=1) == 1
        if not single.any():
            return table
        columns = [self.schema.column(n) for n in names]
        pivot, made = solved_for(one.form, self.schema, one.text), []
        for j, name in enumerate(names):
            value = one.form.without(name).times(-1.0 / one.form.coefficient(name))
            scale = Scale.of(columns, [value], one.text)
            follows = (
                scale.is_exact or name == pivot or places_of(self.schema.column(pivot)) is None
            )
            if follows and (single & holes[:, j]).any():
                equation = Equation(name, value, scale)
                made += equation.remade(self.schema, self._reader(table), {}).values()
        return _filled(table, made)

    def free(self, table: Table) -> Table:
        """The free columns of a table, in the order of the columns for which they stand.

        Args:
            table: table with the columns of the schema.
        """
        table = self.completed(table)
        made: dict[str, pl.Series] = {}
        for one in self.combinations:
            made[one.free] = one.encoded(one.allowed(table, self.schema))
        for order in self.orders:
            made[order.free] = order.differences(self._reader(table))
        names = [name for name in self.places.values() if name is not None]
        return Table(
            pl.DataFrame([made[n] if n in made else table.frame[n] for n in names]), table.source
        )

    def leftover(self, table: Table) -> dict[str, np.ndarray]:
        """The columns whose cells are there in rows where the free ones do not tell them, with
        these rows, bool `[N]`.

        Args:
            table: completed table of N rows.
        """
        missing = {name: table.frame[name].is_null().to_numpy() for name in self.schema.names}
        within = {pivot: rows for pivot, _, _, rows in self.intervals(table)}
        found = {}
        for pivot, names in [
            *((order.pivot, order.names) for order in self.orders),
            *((equation.pivot, equation.value.names) for equation in self.equations),
        ]:
            some = np.any([missing[name] for name in names], axis=0) & ~missing[pivot]
            if pivot in within:
                some &= ~within[pivot]
            if some.any():
                found[pivot] = some
        return found

    def intervals(
        self, table: Table
    ) -> list[tuple[str, str, tuple[np.ndarray, np.ndarray], np.ndarray]]:
        """What rounded equations say of the one column that is missing in a row: the pivot, that
        column, its limits in its own units, each `[N]`, and the rows, bool `[N]`.

        Args:
            table: completed table of N rows.
        """
        found = []
        for one in self.equations:
            names = one.value.names
            holes = np.stack([table.frame[name].is_null().to_numpy() for name in names], axis=1)
            single = (holes.sum(axis=1) == 1) & table.frame[one.pivot].is_not_null().to_numpy()
            if not one.step or not single.any():
                continue
            read = self._reader(table)
            numbers = {name: read(name, one.scale)[0] for name in (one.pivot, *names)}
            for j, name in enumerate(names):
                rows = single & holes[:, j]
                if not rows.any() or self.places[name] != name:
                    continue
                rest = numbers[one.pivot] - one.scale.value_of(one.value.without(name), numbers)
                factor = one.value.coefficient(name)
                ends = [(rest + side * 0.5 * one.step) / factor for side in (-1.0, 1.0)]
                found.append((one.pivot, name, (np.minimum(*ends), np.maximum(*ends)), rows))
        return found

    def whole(self, frame: pl.DataFrame, given: pl.DataFrame | None = None) -> pl.DataFrame:
        """The columns of the table of free ones.

        Args:
            frame: frame of the free columns.
            given: frame of cells that were given; None (default) if none were.
        """
        known = {} if given is None else {c.name: c.is_not_null().to_numpy() for c in given}
        made = {name: frame[name] for name in frame.columns if name in self.schema.names}
        for one in self.combinations:
            made |= one.remade(frame[one.free], self.schema)
        for order in self.orders:
            reader = self._reader(Table(pl.DataFrame(made)))
            made[order.pivot] = order.remade(frame[order.free], self.schema, reader)
        for equation in self.equations:
            made |= equation.remade(self.schema, self._reader(Table(pl.DataFrame(made))), known)
            if (
                given is not None and equation.step
            ):  # what is rounded may be known in its other form
                cells = given[equation.pivot]
                made[equation.pivot] = cells.zip_with(cells.is_not_null(), made[equation.pivot])
        return pl.DataFrame([made[name] for name in self.schema.names])

    def kept(self, frame: pl.DataFrame, table: Table) -> pl.DataFrame:
        """The columns of the table of free ones that were drawn given some of its cells.

        Where a cell is known and what it is measured from is not, a draw of numbers of full
        precision meets it but nearly: the last of the unknown ones takes up the difference.

        Args:
            frame: frame of the free columns.
            table: table whose cells were given.
        """
        table = self.completed(table)
        frame = self._within_intervals(frame, table)
        made = self.whole(frame, table.frame)
        left = self.leftover(table)
        measured = {order.pivot: (order.bounds, order.scale) for order in self.orders}
        measured |= {one.pivot: ((one.value,), one.scale) for one in self.equations}
        for pivot, rows in left.items():
            (bound, *more), scale = measured[pivot]
            if more:
                continue
            read, known = self._reader(Table(made)), self._reader(table)
            rest = np.where(rows, known(pivot, scale)[0] - read(pivot, scale)[0], 0)
            for name, value in reversed(bound.terms):
                open_ = table.frame[name].is_null().to_numpy() & (self.places[name] == name)
                taken = np.where(open_, rest, 0)
                if taken.any() and abs(value) == 1:
                    numbers = read(name, scale)[0] + taken.astype(rest.dtype) * int(value)
                    changed = scale.write(numbers, self.schema.column(name)).alias(name)
                    chosen = pl.when(pl.Series(taken != 0)).then(changed)
                    frame = frame.with_columns(chosen.otherwise(frame[name]).alias(name))
                    rest = rest - taken
            made = self.whole(frame, table.frame)
        return made

    def _within_intervals(self, frame: pl.DataFrame, table: Table) -> pl.DataFrame:
        """The frame with numbers that keep to what rounded equations say of them: a draw at the
        edge of the last cell may have been rounded into the next one.
        """
        for _, name, ends, rows in self.intervals(table):
            column = self.schema.column(name)
            if not column.has_lattice:
                continue
            low, high = ((end - column.offset) / (column.step or 1.0) for end in ends)
            place, _ = read_coordinates(frame[name], column, table.source)
            kept = np.clip(place, np.ceil(low - 1e-6), np.floor(high + 1e-6))
            chosen = pl.Series(rows & (np.abs(kept - place) > 0.5))
            moved = write_numbers(np.where(rows, kept, place), column).alias(name)
            frame = frame.with_columns(
                pl.when(chosen).then(moved).otherwise(frame[name]).alias(name)
            )
        return frame

    def of_row(self, row: dict[str, Any], xp: Any) -> dict[str, Any]:
        """The columns of one decoded row of free ones: numbers in the units of their column,
        categories as their number in the schema, those of numbers as numbers.

        Args:
            row: numbers of the free columns by name, in the same form.
            xp: module of the arithmetic, `numpy` or `jax.numpy`.
        """
        row = dict(row)
        for one in self.combinations:
            row |= one.of_row(row[one.free], self.schema, xp)
        for order in self.orders:
            row[order.pivot] = order.value(row, self.schema, xp)
        for equation in self.equations:
            row[equation.pivot] = equation.of_row(row, self.schema)
        return {name: row[name] for name in self.schema.names}

    def _reader(self, table: Table) -> _Reader:
        def read(name: str, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
            return scale.read(table.frame[name], self.schema.column(name), table.source)

        return read


def _filled(table: Table, made: Sequence[pl.Series]) -> Table:
    """The table with its holes filled, its cells of text left as they are."""
    columns = []
    for series in made:
        there = table.frame[series.name]
        if there.dtype != pl.Null:
            series = there.zip_with(there.is_not_null(), series.cast(there.dtype, strict=False))
        columns.append(series)
    return replace(table, frame=table.frame.with_columns(columns))
