"""Weights of rows: frequencies. A row of weight 2 is two rows, in every respect."""

from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import polars as pl

from quasistatic.data.columns.alternatives import Schemas
from quasistatic.data.disk.table import DiskTable
from quasistatic.data.schema import LeftOut
from quasistatic.data.table import Table
from quasistatic.data.text.names import resolve
from quasistatic.errors import DataError, SchemaError

__all__ = ["as_weights", "repeated", "with_weights_left_out", "without_weights"]

_MOST = 2**31
_Rows = TypeVar("_Rows", Table, DiskTable)


def as_weights(weights: Any, n_rows: int, where: str) -> np.ndarray:
    """Weights as float64 `[N]`.

    Args:
        weights: weights of the rows, not negative, not all 0.
        n_rows: number N of rows.
        where: name of the table, for messages.

    Raises:
        DataError: another number of weights, negative ones, or none that is positive.
    """
    try:
        values = np.asarray(weights, np.float64)
    except (TypeError, ValueError) as error:
        raise DataError("the weights are no numbers", where=where) from error
    if values.shape != (n_rows,):
        shape = " x ".join(map(str, values.shape))
        raise DataError(f"{shape} weights of {n_rows} rows: give one for each row", where=where)
    bad = ~np.isfinite(values) | (values < 0)
    if bad.any():
        raise DataError(
            f"{np.count_nonzero(bad)} weight(s) are negative or no numbers",
            where=f"{where}, row {int(np.argmax(bad)) + 1}",
            fix="give a number of rows; 0 leaves a row out",
        )
    if not values.any():
        raise DataError("all weights are zero: no row is left", where=where)
    if not values.sum() < _MOST:
        raise DataError(f"the weights add up to {values.sum():g} rows", where=where)
    return values


def repeated(table: _Rows, weights: Any, seed: int) -> _Rows:
    """The table in which a row of weight w stands w times.

    Where not all weights are whole numbers they are brought to a mean of 1, and a row stands
    `floor` or `ceil` times as often, w times on average (systematic draws).

    Args:
        table: table of N rows.
        weights: weights of the rows; None leaves the table as it is.
        seed: seed of the draws.

    Raises:
        DataError: as `as_weights`.
    """
    if weights is None:
        return table
    values = as_weights(weights, len(table), table.source)
    if np.any(values != np.rint(values)):
        values = values * (len(values) / values.sum())
        start = np.random.default_rng(seed).random()
        ends = np.floor(np.cumsum(values) + start)
        counts = np.diff(np.r_[0.0, ends])
    else:
        counts = values
    rows = np.repeat(np.arange(len(table)), counts.astype(np.int64))
    found = table.take(rows)
    return found if isinstance(found, DiskTable) else replace(found, numbers=rows)


def with_weights_left_out(schemas: Schemas, name: str) -> Schemas:
    """The schemas of a table in which the column of weights may stand, though it is not modelled.

    Args:
        schemas: schemas of the table without that column.
        name: name of the column.
    """
    left_out = LeftOut(name, "weights of the rows")
    options = (replace(s, left_out=(*s.left_out, left_out)) for s in schemas.options)
    return replace(schemas, options=tuple(options))


def without_weights(table: _Rows, name: str) -> tuple[_Rows, np.ndarray]:
    """The table without a column of weights, and these.

    Args:
        table: table of N rows.
        name: name of the column.

    Raises:
        SchemaError: no such column.
        DataError: as `as_weights`; a missing weight.
    """
    column = resolve(name, table.names)
    if column is None:
        raise SchemaError(
            f"the table has no column {name!r} of weights",
            where=table.source,
            fix=f"its columns are {', '.join(map(repr, table.names[:20]))}",
        )
    series = table.holding(column).frame[column].cast(pl.Float64, strict=False)
    where = f"{table.source}, column {column!r}"
    weights = as_weights(series.fill_null(float("nan")).to_numpy(), len(table), where)
    if isinstance(table, DiskTable):
        return replace(table, frame=table.frame.drop(column)), weights
    rest = table.with_values(table.frame.drop(column))
    if rest.text is not None:
        text = rest.text
        written = {n: form for n, form in text.written.items() if n != column}
        choices = {n: forms for n, forms in text.choices.items() if n != column}
        rest = replace(rest, text=replace(text, written=written, choices=choices))
    return rest, weights
