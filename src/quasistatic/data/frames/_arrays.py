"""NumPy arrays in and out, and columns of Python objects, the last resort of frames and arrays."""

from typing import Any

import numpy as np
import polars as pl

from quasistatic.data.frames.container import ArrayContainer, Container, RecordsContainer
from quasistatic.errors import DataError


def read(array: np.ndarray, source: str) -> tuple[pl.DataFrame, str, Container]:
    """Polars frame, source and container of a 2-D array `[rows, columns]` or of a 1-D structured
    array.

    Raises:
        DataError: another number of dimensions, complex numbers, or cells that are no numbers or
            strings.
    """
    if array.dtype.names is not None and array.ndim == 1:
        columns = {name: _array_column(name, array[name], source) for name in array.dtype.names}
        fields = tuple(tuple(item) for item in array.dtype.descr)
        return pl.DataFrame(columns), source, RecordsContainer(fields)
    if array.ndim != 2:
        fix = (
            "reshape your data: array.reshape(-1, 1) for one column, array.reshape(1, -1) for"
            " one row"
        )
        raise DataError(
            f"expected a 2-D array, got {array.ndim}-D with shape {array.shape}",
            where=source,
            fix=fix,
        )
    if array.shape[1] == 0:
        raise DataError(
            f"0 feature(s) (shape={array.shape}) while a minimum of 1 is required", where=source
        )
    columns = {f"x{j}": _array_column(f"x{j}", array[:, j], source) for j in range(array.shape[1])}
    return pl.DataFrame(columns), source, ArrayContainer(array.dtype.str)


def _array_column(name: str, values: np.ndarray, source: str) -> pl.Series:
    if values.dtype.kind == "c":
        raise DataError(
            "Complex data not supported",
            where=f"{source}, column {name!r}",
            fix="give real and imaginary parts as two columns",
        )
    if values.dtype.kind in "biuf" and values.dtype.itemsize <= 8:
        native = values.astype(values.dtype.newbyteorder("="))
        return pl.Series(name, native.astype(np.float32) if native.dtype == np.float16 else native)
    if values.dtype.kind == "f":
        return pl.Series(name, values.astype(np.float64))
    if values.dtype.kind in "Mm":
        if np.datetime_data(values.dtype)[0] not in ("D", "ms", "us", "ns"):
            values = values.astype(f"{values.dtype.kind}8[us]")
        return pl.Series(name, values)
    try:
        cells = values.tolist()
    except (SystemError, ValueError) as error:  # text with numbers that are no characters
        raise DataError(
            f"its cells cannot be read ({error})",
            where=f"{source}, column {name!r}",
            fix="write the array again",
        ) from error
    return object_column(name, cells, source)


def write(frame: pl.DataFrame, container: ArrayContainer | RecordsContainer) -> np.ndarray:
    """An array of the dtype of the container; of its fields those that the frame has."""
    if isinstance(container, RecordsContainer):
        dtype = np.dtype([item for item in container.fields if item[0] in frame.columns])
        array = np.empty(frame.height, dtype)
        for name in dtype.names or ():
            array[name] = _to_values(frame[name], dtype[name])
        return array
    dtype = np.dtype(container.dtype)
    if container.layout is not None:  # all of one dtype; missing cells make floats of integers
        return container.layout.arrange(frame.to_numpy())
    if dtype.kind in "OU":
        return np.array([frame[name].to_list() for name in frame.columns], dtype=object).T.astype(
            dtype
        )
    return np.stack([_to_values(frame[name], dtype) for name in frame.columns], axis=1).astype(
        dtype, copy=False
    )


def _to_values(series: pl.Series, dtype: np.dtype) -> np.ndarray:
    values = series.to_numpy() if dtype.kind != "O" else np.array(series.to_list(), dtype=object)
    if dtype.kind in "iub" and series.null_count():
        # an integer array cannot say "missing"; NaN survives in the next wider kind only
        return values.astype(np.float64)
    return values.astype(dtype)


_REFUSED = (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError)
"""What polars says of cells that are no column."""


def object_column(name: str, values: list[Any], source: str) -> pl.Series:
    """A column of Python objects; None and NaN are missing.

    Raises:
        DataError: the objects are not all of one type that a column can have.
    """
    cells = [None if _is_missing(value) else value for value in values]
    try:
        return pl.Series(name, cells, strict=True)
    except (*_REFUSED, pl.exceptions.PanicException) as error:
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
