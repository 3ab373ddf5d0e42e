"""Columns of Python objects: the last resort of frames and arrays."""

from typing import Any

import polars as pl

from quasistatic.errors import DataError


def object_column(name: str, values: list[Any], source: str) -> pl.Series:
    """A column of Python objects; None and NaN are missing.

    Raises:
        DataError: the objects are not all of one type that a column can have.
    """
    cells = [None if _is_missing(value) else value for value in values]
    try:
        return pl.Series(name, cells, strict=True)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        kinds = sorted({type(cell).__name__ for cell in cells if cell is not None})
        if set(kinds) <= {"int", "float", "bool", "float64", "int64"}:
            return pl.Series(name, [None if cell is None else float(cell) for cell in cells])
        raise DataError(
            f"the cells are of several types: {', '.join(kinds)}",
            where=f"{source}, column {name!r}",
            fix="make them all numbers or all strings",
        ) from error


def _is_missing(value: Any) -> bool:
    if isinstance(value, float):
        return value != value
    return value is None or type(value).__name__ in ("NAType", "NaTType")
