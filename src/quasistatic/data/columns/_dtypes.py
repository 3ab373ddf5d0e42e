"""Polars dtypes as text that fits into JSON, and back; string scans for exactly one reading per
text.
"""

import json
from typing import Any

import polars as pl

from quasistatic.data.columns.moments import NANOSECONDS
from quasistatic.errors import SchemaError

TICKS_PER_SECOND = {"ms": 10**3, "us": 10**6, "ns": 10**9}
"""Ticks of a second in each of the polars datetime units."""


def dtype_text(dtype: pl.DataType) -> str:
    """Text of a dtype: "Float64", "Enum([...])", "Datetime(us, UTC)", "Decimal(38, 2)", ..."""
    if isinstance(dtype, pl.Enum):
        return f"Enum({json.dumps(dtype.categories.to_list(), ensure_ascii=False)})"
    if isinstance(dtype, pl.Datetime):
        return (
            f"Datetime({dtype.time_unit})"
            if dtype.time_zone is None
            else f"Datetime({dtype.time_unit}, {dtype.time_zone})"
        )
    if isinstance(dtype, pl.Duration):
        return f"Duration({dtype.time_unit})"
    if isinstance(dtype, pl.Decimal):
        return f"Decimal({dtype.precision}, {dtype.scale})"
    return str(dtype.base_type()) if not dtype.is_nested() else str(dtype)


def parse_dtype(text: str) -> Any:
    """Inverse of `dtype_text` for the dtypes that a column of a schema can have.

    Raises:
        SchemaError: the text names no polars dtype.
    """
    name, _, inside = text.partition("(")
    inside = inside[:-1]
    try:
        if name == "Enum":
            return pl.Enum(json.loads(inside))
        if name == "Datetime":
            unit, _, zone = inside.partition(", ")
            return pl.Datetime(unit or "us", zone or None)  # type: ignore[arg-type]
        if name == "Duration":
            return pl.Duration(inside or "us")  # type: ignore[arg-type]
        if name == "Decimal":
            precision, scale = inside.split(", ")
            return pl.Decimal(int(precision), int(scale))
        dtype = getattr(pl, name)
        if inside or not (isinstance(dtype, type) and issubclass(dtype, pl.DataType)):
            raise ValueError(text)
        return dtype()
    except (AttributeError, ValueError, TypeError) as error:
        raise SchemaError(
            f"{text!r} is no column type", fix="restore the schema that `quasistatic fit` wrote"
        ) from error


def is_numeric(dtype: pl.DataType) -> bool:
    """Whether the dtype holds numbers (integers, floats or decimals)."""
    return dtype.is_numeric()


def is_text(dtype: pl.DataType) -> bool:
    """Whether the dtype holds strings, as such or as categories."""
    return isinstance(dtype, pl.String | pl.Categorical | pl.Enum)


def is_temporal(dtype: pl.DataType) -> bool:
    """Whether the dtype holds dates, date-times, times of day or durations."""
    return isinstance(dtype, pl.Date | pl.Datetime | pl.Time | pl.Duration)


def kind_of_times(dtype: pl.DataType) -> str:
    """The kind of a column of times: "datetime", "time" (of day) or "duration"."""
    if isinstance(dtype, pl.Duration):
        return "duration"
    return "time" if isinstance(dtype, pl.Time) else "datetime"


def integer_range(dtype: pl.DataType) -> tuple[int, int]:
    """Smallest and largest value of an integer dtype."""
    text = str(dtype)
    bits = int(text.removeprefix("U").removeprefix("Int"))
    return (0, 2**bits - 1) if text.startswith("U") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def ticks_per_unit(dtype: pl.DataType, unit: str) -> int:
    """Ticks (the dtype's physical integers) in one `unit` of `TIME_UNITS`; 0 where a tick is more
    than one of them.
    """
    if isinstance(dtype, pl.Date):
        return 1
    per_second = 10**9 if isinstance(dtype, pl.Time) else TICKS_PER_SECOND[dtype.time_unit]  # type: ignore[attr-defined]
    return NANOSECONDS[unit] * per_second // 10**9


TIME_UNITS = tuple(NANOSECONDS)
"""Units of a column of times, from the largest to the smallest."""
