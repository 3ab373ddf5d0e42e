"""Whether the parts of a column that somebody else described fit together."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from quasistatic.data.columns._dtypes import TIME_UNITS, parse_dtype, ticks_per_unit
from quasistatic.data.columns.moments import MONTH
from quasistatic.data.columns.numbers import time_dtype, write_numbers
from quasistatic.data.columns.states import read_codes, write_codes
from quasistatic.data.schema import Column, Schema, detail
from quasistatic.errors import SchemaError
from quasistatic.records import shown

_FARTHEST = 2.0**64
"""Steps between a lattice's point at offset and 0."""
_TICKS = 2**63
"""Of the longest time that 64 bits count; and the numbers that they hold, without a sign."""


def prove(schema: Schema, where: str = "the schema") -> None:
    """Refuse a schema of which a column cannot be written, or its states not be read back.

    Args:
        schema: schema to look at; of a layout one column stands for all.
        where: file that it came from, for the message.

    Raises:
        SchemaError: naming the column.
    """
    written: set[Any] = set()
    for column in schema.columns if schema.layout is None else schema.columns[:1]:
        _refuse(column, where)
        alike = replace(
            column, name="", step=column.step and 1.0, offset=0, atoms=(), lower=None, upper=None,
            missing=0,
        )  # fmt: skip
        if alike not in written:
            _refuse_unwritable(column, where)
            written.add(alike)


def prove_column(column: Column, where: str) -> None:
    """Refuse a column that cannot be written, or whose states cannot be read back.

    Args:
        column: column to look at.
        where: file that it came from, for the message.

    Raises:
        SchemaError: saying what does not fit.
    """
    _refuse(column, where)
    _refuse_unwritable(column, where)


def _refuse(column: Column, where: str) -> None:
    place = f"{where}, column {column.name!r}"
    wrong = _states_wrong(column) if column.is_discrete else _numbers_wrong(column)
    if wrong:
        raise SchemaError(wrong, where=place, fix="correct it, or leave it out to have it inferred")


def _refuse_unwritable(column: Column, where: str) -> None:
    place = f"{where}, column {column.name!r}"
    try:
        _write(column)
    except (Exception, pl.exceptions.PanicException) as error:  # whatever polars says
        raise SchemaError(
            f"its settings do not fit together ({shown(str(error))})",
            where=place,
            fix="correct them, or leave them out to have them inferred",
        ) from error


def _states_wrong(column: Column) -> str:
    states, count = column.categories, len(column.categories)
    if not count:
        return "a column of states has no categories"
    if len({str(state) for state in states}) < count:
        return "two of its categories are the same"
    if column.kind == "binary" and count > 2:
        return f"binary, but there are {count} categories"
    if len({isinstance(state, str) for state in states}) > 1:
        return "its categories are text and numbers"
    return ""


def _numbers_wrong(column: Column) -> str:
    step, offset = column.step, column.offset
    texts = [
        value for value in (column.lower, column.upper, *column.atoms) if isinstance(value, str)
    ]
    if texts:
        return f"{texts[0]!r} is no number of a column of kind {column.kind}"
    if column.categories:
        return f"a column of kind {column.kind} has no categories"
    if len(set(column.atoms)) < len(column.atoms):
        return "two of its atoms are the same"
    if step is None and column.kind != "continuous":
        return f"a column of kind {column.kind} needs a step"
    if step is not None and not (step > 0 and abs(offset) <= _FARTHEST * step):
        return f"no lattice has step {shown(step)} and offset {shown(offset)}"
    most = _TICKS if parse_dtype(column.dtype).is_signed_integer() else 2 * _TICKS
    if isinstance(offset, int) and not -_TICKS <= offset < most:
        return f"no whole number of its type {column.dtype} is offset = {shown(offset)}"
    if column.lower is not None and column.upper is not None and column.lower > column.upper:
        return f"its limits are empty: {shown(column.lower)} to {shown(column.upper)}"
    if column.is_temporal:
        return _times_wrong(column)
    return ""


def _times_wrong(column: Column) -> str:
    units = (MONTH, *TIME_UNITS)
    if column.unit not in units:
        return f"unit = {column.unit!r} is none of {', '.join(units)}"
    numbers = (column.step or 0, column.offset, *column.atoms, column.lower or 0, column.upper or 0)
    if not all(math.isfinite(number) and float(number).is_integer() for number in numbers):
        return "times are counted in whole units"
    if column.unit == MONTH:
        return ""
    ticks = ticks_per_unit(time_dtype(column), column.unit)
    if not ticks:
        return f"its type {column.dtype} has no {column.unit}"
    if not -_TICKS <= column.offset * ticks < _TICKS:
        return f"offset = {shown(column.offset)} is beyond all times"
    if (column.step or 0) * ticks > 2 * _TICKS:
        return f"step = {shown(column.step)} is longer than all times"
    return ""


def _write(column: Column) -> None:
    """Write what the column can hold, in its own form, and read its states back."""
    detail(column)
    if column.is_discrete:
        codes = np.arange(len(column.categories), dtype=np.int32)
        values = write_codes(codes, column)
        read, observed = read_codes(values, column, "")
        if not (observed.all() and np.array_equal(read, codes)):
            raise ValueError(f"its type {column.dtype} does not hold its categories")
    else:
        values = write_numbers(np.zeros(1), column)
    if isinstance(values.dtype, pl.Date | pl.Datetime | pl.Time):
        values.cast(pl.String)
    if column.written is not None:
        column.written.write(values)
