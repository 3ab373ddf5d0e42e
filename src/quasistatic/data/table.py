"""A table: a polars frame, where it came from, and what it takes to give back the same kind of
object.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from quasistatic.data.frames import arrow_frames, pandas_frames
from quasistatic.data.frames.objects import object_column
from quasistatic.data.layout import Layout, layout_in
from quasistatic.errors import DataError

IN_MEMORY = "the table"
"""`Table.source` of a table that is no file."""


@dataclass(frozen=True)
class Table:
    """Rows and columns, with NaN as null.

    Args:
        frame: the data.
        source: the file's path, or `IN_MEMORY`; named in errors.
        container: what `to_native` needs (JSON types): the backend, the dtype there (of each
            column), and the layout of images and sequences.
    """

    frame: pl.DataFrame
    source: str = IN_MEMORY
    container: dict[str, Any] = field(default_factory=lambda: {"backend": "polars"})

    def __post_init__(self) -> None:
        floats = [name for name, dtype in self.frame.schema.items() if dtype.is_float()]
        object.__setattr__(self, "frame", self.frame.with_columns(pl.col(floats).fill_nan(None)))

    def __len__(self) -> int:
        return self.frame.height

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return self.frame.columns

    @property
    def layout(self) -> Layout | None:
        """How the columns are arranged, if they are pixels or places of a sequence."""
        return layout_in(self.container)

    def take(self, indices: np.ndarray) -> "Table":
        """The rows `indices`, in that order."""
        return Table(self.frame[np.asarray(indices)], self.source, self.container)


def from_frame(obj: Any) -> Table:
    """A table of a pandas, polars (eager or lazy) or pyarrow frame, any other that narwhals knows,
    or a NumPy array.

    Columns of a 2-D array are called x0, x1, ...; those of a structured array by their fields.

    Raises:
        DataError: no table, a 1-D array, mixed types in a column, or two columns of one name.
    """
    if isinstance(obj, Table):
        return obj
    if isinstance(obj, np.ndarray):
        return from_array(obj)
    if isinstance(obj, pl.LazyFrame):
        return Table(obj.collect(), container={"backend": "polars-lazy"})
    if isinstance(obj, pl.DataFrame):
        return Table(obj)
    module = type(obj).__module__.partition(".")[0]
    if module == "pandas":
        return Table(*pandas_frames.read(obj))
    if module == "pyarrow":
        return Table(*arrow_frames.read(obj))
    return _from_narwhals(obj)


def _from_narwhals(obj: Any) -> Table:
    try:
        frame = nw.from_native(obj)
    except TypeError as error:
        raise DataError(
            f"{type(obj).__name__} is no table",
            fix="give a pandas, polars or pyarrow frame, a 2-D NumPy array, or the path of a file",
        ) from error
    eager = frame.collect() if isinstance(frame, nw.LazyFrame) else frame
    return Table(eager.to_polars(), container={"backend": str(eager.implementation).lower()})


def from_array(array: np.ndarray, source: str = IN_MEMORY) -> Table:
    """A table of a 2-D array `[rows, columns]` or of a 1-D structured array.

    Raises:
        DataError: another number of dimensions, complex numbers, or cells that are no numbers or
            strings.
    """
    container = {
        "backend": "numpy",
        "dtype": array.dtype.str if array.dtype.names is None else array.dtype.descr,
    }
    if array.dtype.names is not None and array.ndim == 1:
        columns = {name: _array_column(name, array[name], source) for name in array.dtype.names}
        return Table(pl.DataFrame(columns), source, container | {"structured": True})
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
    return Table(pl.DataFrame(columns), source, container)


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
    if values.dtype.kind == "M":
        return pl.Series(name, values)
    return object_column(name, values.tolist(), source)


def to_native(frame: pl.DataFrame, like: Table | Mapping[str, Any]) -> Any:
    """`frame` as the kind of object that `like` was made of, with its dtypes and category orders.

    Args:
        frame: decoded rows; columns unknown to the container keep their polars dtype's natural
            counterpart.
        like: a table, or its `container` (as stored in a schema).

    Raises:
        DataError: the library of that kind of frame is not installed.
    """
    container = like.container if isinstance(like, Table) else like
    backend = container["backend"]
    try:
        if backend == "polars":
            return frame
        if backend == "polars-lazy":
            return frame.lazy()
        if backend == "numpy":
            return _to_array(frame, container)
        if backend == "pandas":
            return pandas_frames.write(frame, container)
        if backend == "pyarrow":
            return arrow_frames.write(frame, container)
        columns = {name: frame[name].to_list() for name in frame.columns}
        return nw.from_dict(columns, backend=backend).to_native()
    except ImportError as error:
        raise DataError(
            f"the model was fitted on a {backend} table but {backend} is missing",
            fix=f"pip install {backend} pyarrow",
        ) from error


def _to_array(frame: pl.DataFrame, container: Mapping[str, Any]) -> np.ndarray:
    if container.get("structured"):
        dtype = np.dtype(
            [(name, text) for name, text in container["dtype"] if name in frame.columns]
        )
        array = np.empty(frame.height, dtype)
        for name in dtype.names or ():
            array[name] = _to_values(frame[name], dtype[name])
        return array
    dtype = np.dtype(container["dtype"])
    layout = layout_in(container)
    if layout is not None:  # all of one dtype; missing cells make floats of integers
        return layout.arrange(frame.to_numpy())
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
