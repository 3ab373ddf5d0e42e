"""What a user fixes about columns: the file behind `--schema`."""

from dataclasses import replace
from typing import Annotated, Any, Literal, TypedDict, get_args

import numpy as np
import polars as pl

from quasistatic.data.columns._atoms import find_atoms
from quasistatic.data.columns._dtypes import ticks_per_unit
from quasistatic.data.columns._proof import prove, prove_column
from quasistatic.data.columns.moments import MONTH, months_of
from quasistatic.data.columns.numbers import (
    as_numbers,
    as_times,
    limits_of,
    read_coordinates,
    time_dtype,
)
from quasistatic.data.frames.container import Value
from quasistatic.data.schema import FORMAT, KINDS, Column, Kind, Schema, Side
from quasistatic.data.text.names import resolve
from quasistatic.data.text.times import check_format
from quasistatic.errors import SchemaError
from quasistatic.records import Misfit, Within, check, shown

_FILE = "the schema file"
_MODELLED = ("kind", "step", "offset", "lower", "upper", "held", "categories", "atoms")
_WRITTEN = ("format", "pivot", "decimal", "thousands", "missing")
_KEYS = (*_MODELLED, *_WRITTEN)
_Limit = float | Annotated[str, Within(0, 100)] | None
_Values = Annotated[list[Value], Within(0, 10**6)]


class _Settings(TypedDict, total=False):
    """What may be said of a column."""

    kind: Literal[Kind, "ignore"]
    step: Annotated[float | None, Within(1e-290, 1e300)]
    offset: float | None
    lower: _Limit
    upper: _Limit
    held: Annotated[list[Side], Within(0, 2)]
    categories: _Values
    atoms: Annotated[list[float | Annotated[str, Within(0, 100)]], Within(0, 1000)]
    format: Annotated[str, Within(1, 200)]
    pivot: Annotated[int, Within(0, 99)]
    decimal: Literal[".", ","]
    thousands: Literal["", ",", ".", " ", "'", "’", "\u00a0", "\u202f"]
    missing: Annotated[list[Annotated[str, Within(0, 1000)]], Within(0, 1000)]


_FIX = "correct it, or leave it out"
_FIXES = {
    "kind": f"the kinds are {', '.join((*KINDS, 'ignore'))}",
    "step": "give a positive number, or null for a density",
    "offset": "give a number, or null",
    "lower": "give a number, or null",
    "upper": "give a number, or null",
    "held": 'write "held": [...] with "lower", "upper" or both',
    "categories": 'write "categories": [...] with numbers and texts',
    "atoms": 'write "atoms": [...] with numbers',
    "missing": 'write "missing": [...] with texts',
    "pivot": "give the first two-digit year that belongs to 1900, 30 say",
    "decimal": 'give "." or ","',
    "thousands": "give ',', '.', ' ' or \"'\"",
}
"""What to do about a setting."""


def read_overrides(data: dict[str, Any] | None, names: list[str]) -> dict[str, dict[str, Any]]:
    """Settings per column, of a partial file or of a full schema.

    A partial file is `{"columns": {"age": {"kind": "integer"}, "id": {"kind": "ignore"}}}`; the
    settings are kind (a column kind or "ignore"), step (null: a density), offset, lower, upper,
    categories and atoms; and of how the cells of a file are written, format (of dates, in the codes
    of strftime), pivot (of two-digit years), decimal and thousands (marks of numbers) and missing
    (a list of cells).

    Args:
        data: overrides as read from JSON; None for no overrides.
        names: names of the table's columns.

    Raises:
        SchemaError: unknown keys, columns, kinds, or settings of a wrong type.
    """
    if data is None:
        return {}
    if not isinstance(data, dict) or "columns" not in data:
        raise SchemaError(
            'there is no "columns" in it',
            where=_FILE,
            fix='write {"columns": {NAME: {"kind": KIND}}}',
        )
    if isinstance(data["columns"], list):
        given = _from_schema(Schema.from_json(data), names)
    else:
        unknown = set(data) - {"columns", "format", "constraints"}
        if unknown or data.get("format", FORMAT) != FORMAT:
            raise SchemaError(
                f"unknown keys {shown(sorted(map(str, unknown)))}",
                where=_FILE,
                fix='its keys are "columns" and "constraints"',
            )
        given = data["columns"]
    if not isinstance(given, dict):
        raise SchemaError(
            '"columns" is no object',
            where=_FILE,
            fix='write {"columns": {NAME: {"kind": KIND}}}',
        )
    if not all(isinstance(name, str) for name in given):
        raise SchemaError("a name of a column is no text", where=_FILE)
    given = {resolve(name, names) or name: settings for name, settings in given.items()}
    absent = [name for name in given if name not in names]
    if absent:
        raise SchemaError(
            f"the table has no column(s) {_quoted(absent)}",
            where=_FILE,
            fix=f"its columns are {_quoted(names)}",
        )
    for name, settings in given.items():
        _check(name, settings)
    return given


def read_constraints(data: dict[str, Any] | None) -> tuple[str, ...]:
    """The constraints of a partial file or of a full schema, as they are written.

    Args:
        data: overrides that `read_overrides` accepts; None for no overrides.

    Raises:
        SchemaError: no list of texts.
    """
    given = [] if data is None else data.get("constraints", [])
    try:
        check(list[str], given, "constraints")
    except Misfit as error:
        fix = 'write "constraints": ["end > start"]'
        raise SchemaError(str(error), where=_FILE, fix=fix) from error
    return tuple(given)


def _from_schema(schema: Schema, names: list[str]) -> dict[str, dict[str, Any]]:
    """What a whole schema fixes; a column that it leaves out need not be there."""
    prove(schema, _FILE)
    given = {c.name: {key: getattr(c, key) for key in _MODELLED} for c in schema.columns}
    for column in schema.columns:
        given[column.name]["written"] = column.written
    left_out = (item.name for item in schema.left_out if resolve(item.name, names) is not None)
    return given | {name: {"kind": "ignore"} for name in left_out}


def _check(name: str, settings: Any) -> None:
    where = f"{_FILE}, column {name!r}"
    if not isinstance(settings, dict):
        raise SchemaError(
            f"{shown(settings)} is no object", where=where, fix='write {"kind": KIND}'
        )
    unknown = sorted(set(settings) - {*_KEYS, "written"})
    if unknown:
        raise SchemaError(
            f"unknown keys {shown(unknown)}", where=where, fix=f"the keys are {', '.join(_KEYS)}"
        )
    try:
        check(_Settings, {key: settings[key] for key in settings if key != "written"})
    except Misfit as error:
        raise SchemaError(str(error), where=where, fix=_FIXES.get(_key_of(error), _FIX)) from error
    _check_written(settings, where)


def _key_of(error: Misfit) -> str:
    """The setting that a message begins with."""
    return str(error).removeprefix("the length of ").partition(" ")[0].partition("[")[0]


def _check_written(settings: dict[str, Any], where: str) -> None:
    """What is said of how the cells of a file are written."""
    wrong = "" if "format" not in settings else check_format(settings["format"])
    if wrong:
        raise SchemaError(
            f"format = {settings['format']!r} is none of dates: {wrong}",
            where=where,
            fix='write "%d/%m/%Y", say',
        )
    if settings.get("decimal", ".") == settings.get("thousands"):
        raise SchemaError(
            "decimal and thousands are the same mark", where=where, fix="leave one of them out"
        )


def _quoted(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names[:20]) + (", ..." if len(names) > 20 else "")


def override(column: Column, given: dict[str, Any], series: pl.Series, where: str) -> Column:
    """The column with the lattice, limits, states and atoms that the user fixed."""
    changes: dict[str, Any] = {
        key: given[key] for key in ("step", "offset", "lower", "upper") if key in given
    }
    changes |= {key: tuple(given[key]) for key in ("held", "categories", "atoms") if key in given}
    if column.is_discrete:
        changes = {"categories": changes["categories"]} if changes.get("categories") else {}
        if len(changes.get("categories", ())) > 2:
            changes["kind"] = "categorical"
    else:
        changes.pop("categories", None)
    if column.is_temporal:
        changes = {
            key: value if key == "held" else _in_units(value, column, where)
            for key, value in changes.items()
        }
    if changes.get("step", 1) is None:
        if column.kind != "continuous":
            raise SchemaError(
                f"a column of kind {column.kind} needs a step",
                where=where,
                fix='set "kind": "continuous"',
            )
        changes |= {"lower": given.get("lower"), "upper": given.get("upper"), "offset": 0.0}
        changes.setdefault(
            "atoms",
            find_atoms(as_numbers(series, where).drop_nulls().to_numpy().astype(np.float64), None),
        )
    if changes.get("offset", 0) is None:
        changes["offset"] = 0.0
    if not column.is_discrete and given:
        changes.setdefault("held", _held(column, given))
    changed = replace(column, **changes)
    if given:
        prove_column(changed, where.rpartition(", column ")[0])
        if changed.held:
            _refuse_beyond(changed, series, where)
    return changed


def _held(column: Column, given: dict[str, Any]) -> tuple[Side, ...]:
    """Limits that are declared, and those found that are still the column's."""
    kept = () if given.get("step", 1) is None else column.held
    sides = get_args(Side)
    return tuple(s for s in sides if (given[s] is not None if s in given else s in kept))


def _refuse_beyond(column: Column, series: pl.Series, where: str) -> None:
    """Refuse values beyond a limit that the model is to hold."""
    coordinate, observed = read_coordinates(series, column, where.rpartition(", column ")[0])
    low, high = limits_of(replace(column, atoms=()))
    out = observed & ((coordinate < low) | (coordinate > high))
    if out.any():
        row = int(np.argmax(out))
        raise SchemaError(
            f"{np.count_nonzero(out)} value(s) lie beyond its limits, the first is {series[row]} in"
            f" row {row + 1}",
            where=where,
            fix="correct these rows, or the limits",
        )


def _in_units(value: Any, column: Column, where: str) -> Any:
    """A date as the number of the column's units, where it is given as text."""
    if isinstance(value, tuple):
        return tuple(_in_units(item, column, where) for item in value)
    if not isinstance(value, str):
        return value
    times = as_times(pl.Series([value]), time_dtype(column), where)
    unit = column.unit or "d"
    tick = int(times.to_physical()[0])
    return (
        int(months_of(np.array([tick]))[0])
        if unit == MONTH
        else tick // ticks_per_unit(times.dtype, unit)
    )
