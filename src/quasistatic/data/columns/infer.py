"""Which kind each column of a table is; the rules are in `docs/` and in the functions'
summaries.
"""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from quasistatic.data.columns._arranged import infer_arranged
from quasistatic.data.columns._atoms import find_atoms
from quasistatic.data.columns._dtypes import (
    TIME_UNITS,
    dtype_text,
    is_temporal,
    is_text,
    ticks_per_unit,
)
from quasistatic.data.columns._lattice import float_lattice, integer_lattice, written_decimals
from quasistatic.data.columns._overrides import read_overrides
from quasistatic.data.columns.numbers import as_numbers, as_times, check_finite
from quasistatic.data.columns.states import state_values
from quasistatic.data.frames.container import ArrayContainer
from quasistatic.data.schema import Column, Kind, LeftOut, Schema, Value
from quasistatic.data.table import Table
from quasistatic.errors import DataError, SchemaError

__all__ = ["check_rows", "infer_columns", "infer_schema"]


_MOST_CATEGORIES = 1000
_ID_NAME = re.compile(
    r"(?:^|[_\W])(?:id|uuid|guid|key|index|row|rowid|nr)$|[a-z](?:Id|ID|Key)$", re.IGNORECASE
)
_FORCE = (
    'to model it all the same, give a --schema file with {{"columns": {{{name}: {{"kind":'
    ' "{kind}"}}}}}}'
)


def infer_schema(table: Table, overrides: dict[str, Any] | None = None) -> Schema:
    """Kind, lattice, states and atoms of every column.

    Args:
        table: table of the training rows.
        overrides: what the user fixed (see `overrides.read_overrides`), or a full schema as JSON;
            None (default) fixes nothing.

    Raises:
        DataError: fewer than two rows, no columns, infinities.
        SchemaError: a column that is all missing, an override that does not fit, or no column left
            to model.
    """
    check_rows(table)
    if table.layout is not None:
        return infer_arranged(table, table.layout, overrides)
    return infer_columns(table, read_overrides(overrides, table.names))


def check_rows(table: Table) -> None:
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


def infer_columns(table: Table, given: dict[str, dict[str, Any]]) -> Schema:
    """The schema of a table without a layout.

    Args:
        table: table of the training rows, two at least.
        given: what the user fixed, by column: the answer of `read_overrides`.

    Raises:
        DataError, SchemaError: those of `infer_schema`.
    """
    decided = [_decide(series, given.get(series.name, {}), table) for series in table.frame]
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


def _decide(series: pl.Series, given: dict[str, Any], table: Table) -> Column | LeftOut:
    where = f"{table.source}, column {series.name!r}"
    kind = given.get("kind")
    if kind == "ignore":
        return LeftOut(series.name, "ignored, as the schema says")
    if series.dtype.is_nested() or series.dtype in (
        pl.Object,
        pl.Binary,
        pl.Time,
        pl.Duration,
        pl.Unknown,
        pl.Int128,
    ):
        if kind is not None:
            raise SchemaError(
                f"cells of type {dtype_text(series.dtype)} cannot be {kind}",
                where=where,
                fix="convert the column, or ignore it",
            )
        return LeftOut(series.name, f"cells of type {dtype_text(series.dtype)} cannot be modelled")
    if series.null_count() == len(series):
        fix = (
            f'drop the column, or give a --schema file with {{"columns": {{"{series.name}":'
            ' {"kind": "ignore"}}}'
        )
        raise SchemaError("every cell is missing", where=where, fix=fix)
    check_finite(series, table.source)
    if kind is None:
        reason = _left_out_reason(series, table)
        if reason:
            return LeftOut(series.name, reason)
        kind = "categorical" if "categories" in given else _kind(series)
    column = _build(series, kind, where)
    return _override(column, given, series, where)


def _kind(series: pl.Series) -> str:
    """The kind of a column that is not left out."""
    if series.dtype == pl.Boolean or is_text(series.dtype):
        return "categorical"
    distinct = series.n_unique() - (series.null_count() > 0)
    if distinct == 1:
        return "categorical"
    if is_temporal(series.dtype):
        return "datetime"
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
    return int(series.drop_nulls().value_counts()["count"].min())  # type: ignore[arg-type]


def _left_out_reason(series: pl.Series, table: Table) -> str:
    """Why an identifier, free text or a column of too many categories is not modelled; empty when
    it is.
    """
    n = len(series) - series.null_count()
    distinct = series.n_unique() - (series.null_count() > 0)
    if is_text(series.dtype):
        return _text_reason(series, n, distinct)
    named = not isinstance(table.container, ArrayContainer)
    if not series.dtype.is_integer() or distinct < n or n < 20 or not named:
        return ""
    consecutive = int(series.max()) - int(series.min()) + 1 == n  # type: ignore[arg-type]
    if consecutive or _ID_NAME.search(series.name):
        what = "consecutive" if consecutive else "all different"
        return f"looks like an identifier (integers, {what}); {_force(series.name, 'integer')}"
    return ""


def _text_reason(series: pl.Series, n: int, distinct: int) -> str:
    force = _force(series.name, "categorical")
    if isinstance(series.dtype, pl.Enum) and len(series.dtype.categories) <= _MOST_CATEGORIES:
        return ""  # declared as categories by whoever made the frame
    length = float(series.cast(pl.String).str.len_chars().mean() or 0)  # type: ignore[arg-type]
    if n >= 10 and distinct > 0.5 * n and length > 40:
        return (
            f"looks like free text ({distinct} different values, {length:.0f} characters on"
            f" average); {force}"
        )
    if n >= 10 and distinct > 0.9 * n:
        return f"looks like an identifier ({distinct} different values in {n} cells); {force}"
    most = min(max(50, n // 10), _MOST_CATEGORIES)
    return (
        f"has too many categories ({distinct}; at most {most} for {n} cells); {force}"
        if distinct > most
        else ""
    )


def _force(name: str, kind: str) -> str:
    return _FORCE.format(name=f'"{name}"', kind=kind)


def _build(series: pl.Series, kind: str, where: str) -> Column:
    """A column of the given kind ("numeric": integer or continuous, as the values are).

    Raises:
        SchemaError: the values do not fit the kind.
    """
    if kind in ("binary", "categorical"):
        return _state_column(series, kind, where)
    if kind == "datetime":
        return _time_column(series, where)
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


def _time_column(series: pl.Series, where: str) -> Column:
    """A lattice in the largest unit in which every value is whole."""
    times = series if is_temporal(series.dtype) else as_times(series, pl.Datetime("us"), where)
    ticks = times.drop_nulls().to_physical().unique().sort().to_numpy().astype(np.int64)
    units = (
        ["d"]
        if isinstance(times.dtype, pl.Date)
        else [u for u in TIME_UNITS if ticks_per_unit(times.dtype, u) > 0]
    )
    unit = next(u for u in units if not np.any(ticks % ticks_per_unit(times.dtype, u)))
    whole = ticks // ticks_per_unit(times.dtype, unit)
    n = len(series) - series.null_count()
    lattice = integer_lattice(whole, n)
    return Column(
        series.name,
        "datetime",
        dtype_text(series.dtype),
        lattice.step,
        int(lattice.offset),
        missing=series.null_count(),
        constant=len(ticks) == 1,
        unit=unit,
    )


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
                f"integer, but there is {values[fractional][0]!r}",
                where=where,
                fix="call it continuous",
            )
        whole = integer_lattice(np.unique(values).astype(np.int64), len(values))
        return _lattice_column(series, "integer", values, whole.step, int(whole.offset))
    if lattice is None:
        atoms = find_atoms(values, None)
        return Column(
            series.name,
            "continuous",
            dtype_text(series.dtype),
            atoms=atoms,
            missing=series.null_count(),
            constant=bool(values.min() == values.max()),
            decimals=written_decimals(*_distinct(numbers)),
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
    lower = 0.0 if values.min() >= 0 else None
    return Column(
        series.name,
        kind,
        dtype_text(series.dtype),
        float(step),
        offset,
        atoms=atoms,
        missing=series.null_count(),
        constant=bool(values.min() == values.max()),
        lower=lower,
    )


def _override(column: Column, given: dict[str, Any], series: pl.Series, where: str) -> Column:
    """The column with the lattice, states and atoms that the user fixed."""
    changes: dict[str, Any] = {
        key: given[key] for key in ("step", "offset", "lower") if key in given
    }
    changes |= {key: tuple(given[key]) for key in ("categories", "atoms") if key in given}
    if column.is_discrete:
        changes = {"categories": changes["categories"]} if changes.get("categories") else {}
        if len(changes.get("categories", ())) > 2:
            changes["kind"] = "categorical"
    else:
        changes.pop("categories", None)
    if changes.get("step", 1) is None:
        if column.kind != "continuous":
            raise SchemaError(
                f"a column of kind {column.kind} needs a step",
                where=where,
                fix='set "kind": "continuous"',
            )
        changes |= {"lower": None, "offset": 0.0}
        changes.setdefault(
            "atoms",
            find_atoms(as_numbers(series, where).drop_nulls().to_numpy().astype(np.float64), None),
        )
    return replace(column, **changes)
