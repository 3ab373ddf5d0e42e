"""Which kind each column of a table is; the rules are in `docs/` and in the functions'
summaries.
"""

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import polars as pl

from quasistatic.data.columns._arranged import infer_arranged
from quasistatic.data.columns._atoms import find_atoms
from quasistatic.data.columns._dtypes import (
    TIME_UNITS,
    dtype_text,
    is_temporal,
    is_text,
    kind_of_times,
    ticks_per_unit,
)
from quasistatic.data.columns._lattice import float_lattice, integer_lattice, written_decimals
from quasistatic.data.columns._left_out import left_out_reason, unfit_reason
from quasistatic.data.columns._limits import Limits, find_ends, find_limits
from quasistatic.data.columns._overrides import override, read_constraints, read_overrides
from quasistatic.data.columns._parsing import parsed
from quasistatic.data.columns.moments import MONTH, months_of
from quasistatic.data.columns.numbers import as_numbers, check_finite
from quasistatic.data.columns.states import state_values
from quasistatic.data.disk.table import AnyTable
from quasistatic.data.reading import read_as_given
from quasistatic.data.schema import Column, Kind, LeftOut, Schema, Side, Value
from quasistatic.data.table import Table
from quasistatic.data.text.numbers import NumberForm
from quasistatic.data.text.written import Written
from quasistatic.errors import DataError, SchemaError

__all__ = ["check_rows", "infer_columns", "infer_schema"]


_CANNOT = ("Object", "Binary", "Unknown", "Int128", "UInt128")
"""Types of cells that no kind fits."""
_LEAST_MONTHS = 4
"""Different dates that are all the first of a month, and not by chance (1 in a million)."""
_DROP = "drop the column, or leave its kind out of the schema file"


def infer_schema(table: AnyTable, overrides: dict[str, Any] | None = None) -> Schema:
    """Kind, lattice, states and atoms of every column.

    Args:
        table: table of the training rows.
        overrides: what the user fixed (see `overrides.read_overrides`), or a full schema as JSON;
            None (default) fixes nothing.

    Raises:
        DataError: fewer than two rows, no columns, infinities.
        SchemaError: an override that does not fit, cells that can be read in two ways, or no column
            left to model.
    """
    check_rows(table)
    if isinstance(table, Table) and table.layout is not None:
        return infer_arranged(table, table.layout, overrides)
    schema = infer_columns(table, read_overrides(overrides, table.names))
    return replace(schema, constraints=read_constraints(overrides))


def check_rows(table: AnyTable) -> None:
    """Refuse a table without columns or with fewer than two rows.

    Raises:
        DataError: saying which.
    """
    if not table.names:
        raise DataError("0 feature(s): the table has no columns", where=table.source)
    if len(table) < 2:
        counted = f"{len(table)} row(s) (n_samples = {len(table)})"
        raise DataError(
            f"the table has {counted}; a density needs at least 2",
            where=table.source,
            fix="give more rows",
        )


def infer_columns(table: AnyTable, given: dict[str, dict[str, Any]]) -> Schema:
    """The schema of a table without a layout.

    Args:
        table: table of the training rows, two at least.
        given: what the user fixed, by column: the answer of `read_overrides`.

    Raises:
        DataError, SchemaError: those of `infer_schema`.
    """
    if isinstance(table, Table):
        table = read_as_given(table, given)
    decided = [_decided(name, given.get(name, {}), table) for name in table.names]
    columns = tuple(item for item in decided if isinstance(item, Column))
    left_out = tuple(item for item in decided if isinstance(item, LeftOut))
    if not columns:
        reasons = "; ".join(f"{item.name!r}: {item.reason}" for item in left_out)
        raise SchemaError(
            f"no column is left to model ({reasons})",
            where=table.source,
            fix="name the kinds in a --schema file",
        )
    return Schema(columns, left_out, table.container)


def _decided(name: str, given: dict[str, Any], table: AnyTable) -> Column | LeftOut:
    held = table.holding(name)
    if not isinstance(table, Table):
        held = read_as_given(held, {name: given} if given else {})
    return _decide(held.frame[name], given, held)


def _decide(series: pl.Series, given: dict[str, Any], table: Table) -> Column | LeftOut:
    where = f"{table.source}, column {series.name!r}"
    kind = given.get("kind")
    if kind == "ignore":
        return LeftOut(series.name, "ignored, as the schema says")
    if series.dtype.is_nested() or str(series.dtype) in _CANNOT:
        if kind is not None:
            raise SchemaError(
                f"cells of type {dtype_text(series.dtype)} cannot be {kind}",
                where=where,
                fix="convert the column, or ignore it",
            )
        return LeftOut(series.name, unfit_reason(series, table))
    if series.null_count() == len(series):
        if kind is not None:
            raise SchemaError(f"every cell is missing, none is {kind}", where=where, fix=_DROP)
        return LeftOut(series.name, "every cell is missing")
    check_finite(series, table.source)
    if kind is None:
        reason = left_out_reason(series, table)
        if reason:
            return LeftOut(series.name, reason)
        kind = "categorical" if "categories" in given else _kind(series)
    written = None if table.text is None else table.text.written.get(series.name)
    column = _with_form(_build(series, kind, where), written, series)
    return override(_with_per_cent(column, series), given, series, where)


def _with_per_cent(column: Column, series: pl.Series) -> Column:
    """The column with the limits of numbers of per cent, if its cells are written with the sign."""
    form = None if column.written is None else column.written.form
    if not isinstance(form, NumberForm) or "%" not in form.behind or column.is_discrete:
        return column
    values = as_numbers(series, column.name).drop_nulls().to_numpy().astype(np.float64)
    limits = find_limits(values, column.step, column.offset, column.atoms, percent=True)
    return replace(column, lower=limits.lower, upper=limits.upper, held=limits.held)


def _with_form(column: Column, written: Written | None, series: pl.Series) -> Column:
    """The column with the form of its cells: text where its values are categories of text."""
    if written is None:
        return column
    if column.is_discrete and is_text(series.dtype):
        written = replace(written, form=None)
    form = written.form
    if column.kind == "continuous" and column.step is None and isinstance(form, NumberForm):
        decimals = form.most if column.decimals is None else column.decimals
        column = replace(column, decimals=decimals)
    return replace(column, written=written)


def _kind(series: pl.Series) -> str:
    """The kind of a column that is not left out."""
    if series.dtype == pl.Boolean or is_text(series.dtype):
        return "categorical"
    distinct = series.n_unique() - (series.null_count() > 0)
    if distinct == 1:
        return "categorical"
    if is_temporal(series.dtype):
        return kind_of_times(series.dtype)
    n = len(series) - series.null_count()
    if distinct == 2 and n > 2:
        return "binary"
    if series.dtype.is_integer():
        return "integer"
    # a handful of values that recur and lie on no lattice are levels, not measurements
    if (
        distinct <= 20
        and n >= 10 * distinct
        and _float_lattice(series) is None
        and _least_count(series) >= 3
    ):
        return "categorical"
    return "numeric"


def _least_count(series: pl.Series) -> int:
    return int(series.drop_nulls().alias("value").value_counts()["count"].min())  # type: ignore[arg-type]


def _build(series: pl.Series, kind: str, where: str) -> Column:
    """A column of the given kind ("numeric": integer or continuous, as the values are).

    Raises:
        SchemaError: the values do not fit the kind.
    """
    if kind in ("binary", "categorical"):
        return _state_column(series, kind, where)
    if kind in ("datetime", "time", "duration"):
        return _time_column(series, kind, where)
    numbers = as_numbers(series, where)
    check_finite(numbers, where)
    if numbers.dtype.is_integer() and kind != "continuous":
        return _whole_column(series, numbers)
    return _float_column(series, numbers, kind, where)


def _state_column(series: pl.Series, kind: str, where: str) -> Column:
    if series.dtype == pl.Boolean and series.drop_nulls().n_unique() == 2:
        values: tuple[Value, ...] = (False, True)
    else:
        values = state_values(series)
    if kind == "binary" and len(values) > 2:
        raise SchemaError(
            f"binary, but there are {len(values)} values", where=where, fix="call it categorical"
        )
    constant = series.drop_nulls().n_unique() == 1
    kind = "binary" if len(values) == 2 else "categorical"
    unit = TIME_UNITS[0] if is_temporal(series.dtype) else None
    missing = series.null_count()
    return Column(
        series.name, kind, dtype_text(series.dtype), None, 0.0, values, (), missing, constant, unit
    )


def _time_column(series: pl.Series, kind: str, where: str) -> Column:
    """A lattice in the largest unit in which every value is whole."""
    times = series if is_temporal(series.dtype) else parsed(series, "date", where)
    if kind != kind_of_times(times.dtype):
        raise SchemaError(
            f"the cells are {kind_of_times(times.dtype)}, not {kind}",
            where=where,
            fix=f'call it {kind_of_times(times.dtype)}, or give a "format"',
        )
    values = times.drop_nulls().to_physical().to_numpy().astype(np.int64)
    ticks = np.unique(values)
    unit, whole = _unit(times.dtype, ticks)
    lattice = integer_lattice(whole, len(values))
    every = values if unit == TIME_UNITS[-1] else _in_unit(times.dtype, values, unit)
    position = (every - int(lattice.offset)) / lattice.step
    atoms = find_atoms(position, 1.0) if len(ticks) > 1 else ()
    atoms = tuple(int(lattice.offset) + int(atom) * int(lattice.step) for atom in atoms)
    limits = _limits_of_times(kind, times.dtype, unit, every, lattice.step, lattice.offset, atoms)
    return Column(
        series.name,
        kind,  # type: ignore[arg-type]
        dtype_text(times.dtype if is_text(series.dtype) else series.dtype),
        lattice.step,
        int(lattice.offset),
        atoms=atoms,
        missing=series.null_count(),
        constant=len(ticks) == 1,
        unit=unit,
        lower=limits.lower,
        upper=limits.upper,
        held=limits.held,
    )


def _limits_of_times(
    kind: str,
    dtype: pl.DataType,
    unit: str,
    values: np.ndarray,
    step: float,
    offset: float,
    atoms: tuple[int, ...],
) -> Limits:
    """The day's ends of times of day, which are always held; those of numbers of durations, and of
    dates their point masses at an end. Whole numbers of the unit.
    """
    if kind == "time":
        day = 86400 * ticks_per_unit(dtype, "s") // ticks_per_unit(dtype, unit)
        return Limits(0, day - 1, get_args(Side))
    if kind == "datetime":
        found = find_ends(values, step, atoms)
    else:
        found = find_limits(values.astype(np.float64), step, offset, atoms, percent=False)
    lower, upper = (None if end is None else int(end) for end in found[:2])
    return Limits(lower, upper, found.held)


def _unit(dtype: pl.DataType, ticks: np.ndarray) -> tuple[str, np.ndarray]:
    """The largest unit in which all of the distinct ticks are whole, and these in that unit."""
    if isinstance(dtype, pl.Date):
        months = months_of(ticks)
        if len(ticks) >= _LEAST_MONTHS and np.all(months == np.rint(months)):
            return MONTH, months.astype(np.int64)
        return "d", ticks
    units = [u for u in TIME_UNITS if ticks_per_unit(dtype, u) > 0]
    unit = next(u for u in units if not np.any(ticks % ticks_per_unit(dtype, u)))
    return unit, ticks // ticks_per_unit(dtype, unit)


def _in_unit(dtype: pl.DataType, ticks: np.ndarray, unit: str) -> np.ndarray:
    return months_of(ticks) if unit == MONTH else ticks // ticks_per_unit(dtype, unit)


def _whole_column(series: pl.Series, numbers: pl.Series) -> Column:
    values = numbers.drop_nulls()
    distinct = values.unique().sort().to_numpy()
    lattice = integer_lattice(distinct, len(values))
    return _lattice_column(
        series, "integer", values.to_numpy().astype(np.float64), lattice.step, int(lattice.offset)
    )


def _float_column(series: pl.Series, numbers: pl.Series, kind: str, where: str) -> Column:
    values = numbers.drop_nulls().to_numpy().astype(np.float64)
    lattice = _float_lattice(numbers)
    if kind == "integer":
        fractional = values != np.rint(values)
        if fractional.any():
            raise SchemaError(
                f"integer, but there is {float(values[fractional][0])!r}",
                where=where,
                fix="call it continuous",
            )
        whole = integer_lattice(np.unique(values).astype(np.int64), len(values))
        return _lattice_column(series, "integer", values, whole.step, int(whole.offset))
    if lattice is None:
        atoms = find_atoms(values, None)
        limits = find_limits(values, None, 0.0, atoms, False)
        return Column(
            series.name,
            "continuous",
            dtype_text(series.dtype),
            atoms=atoms,
            missing=series.null_count(),
            constant=bool(values.min() == values.max()),
            decimals=written_decimals(*_distinct(numbers)),
            lower=limits.lower,
            upper=limits.upper,
            held=limits.held,
        )
    whole = (
        lattice.step >= 1
        and float(lattice.step).is_integer()
        and float(lattice.offset).is_integer()
    )
    if whole and kind == "numeric":
        return _lattice_column(series, "integer", values, lattice.step, int(lattice.offset))
    return _lattice_column(series, "continuous", values, lattice.step, lattice.offset)


def _float_lattice(series: pl.Series) -> Any:
    return float_lattice(*_distinct(series))


def _distinct(series: pl.Series) -> tuple[np.ndarray, int, float]:
    """Distinct values in order, the number of values, and the relative error of the dtype."""
    values = series.drop_nulls()
    epsilon = 2.0**-23 if series.dtype == pl.Float32 else 2.0**-52
    return values.unique().sort().to_numpy().astype(np.float64), len(values), epsilon


def _lattice_column(
    series: pl.Series, kind: Kind, values: np.ndarray, step: float, offset: float
) -> Column:
    atoms = find_atoms(values, step)
    limits = find_limits(values, float(step), offset, atoms, False)
    return Column(
        series.name,
        kind,
        dtype_text(series.dtype),
        float(step),
        offset,
        atoms=atoms,
        missing=series.null_count(),
        constant=bool(values.min() == values.max()),
        lower=limits.lower,
        upper=limits.upper,
        held=limits.held,
    )
