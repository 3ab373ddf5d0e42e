"""A table's identity: a hash of its content, whatever the container it came in."""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
import polars as pl

from quasistatic.data.columns._dtypes import dtype_text, is_text
from quasistatic.data.disk.table import AnyTable

__all__ = ["fingerprint"]


_ROWS = 2**16
_UInt128 = getattr(pl, "UInt128", pl.Int128)  # newer than the oldest polars


def fingerprint(table: AnyTable) -> str:
    """SHA-256 (hex) of the column names, dtypes and values, in their order.

    Strings and categories count as the same dtype, NaN and null as the same missing value, so that
    a file and the frame made of it agree.
    """
    digest = hashlib.sha256()
    for name in table.names:
        series = table.holding(name).frame[name]
        text = is_text(series.dtype) or series.dtype.is_nested()
        header = f"{series.name}\0{'String' if text else dtype_text(series.dtype)}\0{len(series)}\0"
        digest.update(header.encode())
        digest.update(np.packbits(series.is_null().to_numpy()).tobytes())
        for part in _value_bytes(series):
            digest.update(part)
    return digest.hexdigest()


def _slices(series: pl.Series) -> Iterator[pl.Series]:
    """A few cells at a time: Python's texts take much more memory than polars'."""
    return (series[begin : begin + _ROWS] for begin in range(0, len(series), _ROWS))


def _value_bytes(series: pl.Series) -> Iterable[bytes]:
    """The values as bytes, missing ones as zeros."""
    if series.dtype == pl.Null:
        return []
    if series.dtype.is_nested():
        return [repr(series.to_list()).encode()]
    if series.dtype == pl.Object:
        return [repr([type(value).__name__ for value in series.to_list()]).encode()]
    if isinstance(series.dtype, pl.Binary):
        cells = series.fill_null(b"").to_list()
        return [np.array([len(cell) for cell in cells]).tobytes(), b"".join(cells)]
    if is_text(series.dtype) or isinstance(series.dtype, pl.Decimal | pl.Int128 | _UInt128):
        strings = series.cast(pl.String, strict=False).fill_null("")
        texts = ("".join(part.to_list()).encode() for part in _slices(strings))
        return chain([strings.str.len_bytes().to_numpy().tobytes()], texts)
    values = series.to_physical().fill_null(0).to_numpy()
    # -0.0 and 0.0 are one value, as they are one cell of the model
    return [np.ascontiguousarray(values + 0 if values.dtype.kind == "f" else values).tobytes()]
