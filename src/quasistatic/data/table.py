"""A table: a polars frame, where it came from, and what it takes to give back the same kind of
object.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from quasistatic.data.frames import _arrays as arrays
from quasistatic.data.frames import _arrow as arrow_frames
from quasistatic.data.frames import _pandas as pandas_frames
from quasistatic.data.frames.container import (
    ArrayContainer,
    ArrowContainer,
    Container,
    FrameContainer,
    PandasContainer,
    RecordsContainer,
)
from quasistatic.data.layout import Layout
from quasistatic.data.text.cells import TextCells
from quasistatic.errors import DataError

__all__ = ["IN_MEMORY", "Table", "from_array", "from_frame", "to_native"]


IN_MEMORY = "the table"
"""`Table.source` of a table that is no file."""


@dataclass(frozen=True)
class Table:
    """Rows and columns, with NaN as null.

    Args:
        frame: frame of the data.
        source: path of the file, or `IN_MEMORY` (default); named in errors.
        container: what `to_native` needs: the kind of object, the dtypes there, and the layout of
            images and sequences.
        text: cells of the file that the frame was read from, if it was one of text (default None);
            written files then have their form.
        notes: what a person should know of how the file was read, one line each (default none).
        origin: index and attributes of the pandas frame that the rows came in; None (default) if
            they came in none.
        numbers: numbers of the rows in what they were taken from, where weights repeat them; None
            (default) for their own.
    """

    frame: pl.DataFrame
    source: str = IN_MEMORY
    container: Container = field(default_factory=FrameContainer)
    text: TextCells | None = None
    notes: tuple[str, ...] = ()
    origin: tuple[Any, dict[Any, Any]] | None = field(default=None, compare=False)
    numbers: np.ndarray | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        floats = [name for name, dtype in self.frame.schema.items() if dtype.is_float()]
        if floats:
            frame = self.frame.with_columns(pl.col(floats).fill_nan(None))
            object.__setattr__(self, "frame", frame)

    def __len__(self) -> int:
        return self.frame.height

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return self.frame.columns

    @property
    def layout(self) -> Layout | None:
        """How the columns are arranged, if they are pixels or places of a sequence."""
        return self.container.layout

    def whole(self, names: Iterable[str]) -> np.ndarray:
        """Rows without a missing cell in some columns, bool `[N]`.

        Args:
            names: names of the columns; those that the table does not have say nothing.
        """
        given = set(self.frame.columns)
        holes = pl.any_horizontal(pl.col([name for name in names if name in given]).is_null())
        return ~self.frame.select(holes).to_series().to_numpy()

    def holding(self, name: str) -> "Table":
        """A table in memory with a column of this one: itself.

        Args:
            name: name of the column.
        """
        del name
        return self

    def held(self) -> "Table":
        """The table in memory: itself."""
        return self

    def pieces(self) -> Iterator["Table"]:
        """The rows in their order, a part at a time: all at once."""
        yield self

    def take(self, indices: np.ndarray) -> "Table":
        """The rows `indices`, in that order."""
        rows = np.asarray(indices)
        text = None if self.text is None else self.text.take(rows)
        origin = None if self.origin is None else (self.origin[0][rows], self.origin[1])
        numbers = None if self.numbers is None else self.numbers[rows]
        return replace(self, frame=self.frame[rows], text=text, origin=origin, numbers=numbers)

    def with_values(self, frame: pl.DataFrame) -> "Table":
        """The table with other values; cells of text whose value is the same stay as they are.

        Args:
            frame: frame of the new values, with the same rows.
        """
        text = None if self.text is None else self.text.with_values(self.frame, frame)
        return replace(self, frame=frame, text=text)


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
        return Table(obj.collect(), container=FrameContainer("polars-lazy"))
    if isinstance(obj, pl.DataFrame):
        return Table(obj)
    module = type(obj).__module__.partition(".")[0]
    if module == "pandas":
        return Table(*pandas_frames.read(obj), origin=(obj.index, dict(obj.attrs)))
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
    return Table(eager.to_polars(), container=FrameContainer(str(eager.implementation).lower()))


def from_array(array: np.ndarray, source: str = IN_MEMORY) -> Table:
    """A table of a 2-D array `[rows, columns]` or of a 1-D structured array.

    Args:
        array: array of numbers, strings, dates or objects.
        source: path of the file that it came from (default `IN_MEMORY`).

    Raises:
        DataError: another number of dimensions, complex numbers, or cells that are no numbers or
            strings.
    """
    return Table(*arrays.read(array, source))


def to_native(frame: pl.DataFrame, like: Table | Container) -> Any:
    """`frame` as the kind of object that `like` was made of, with its dtypes and category orders.

    Args:
        frame: decoded rows; columns unknown to the container keep their polars dtype's natural
            counterpart.
        like: table, or its `container` (as stored in a schema), whose kind of object is made; the
            rows of a table of a pandas frame get back its index and attributes.

    Raises:
        DataError: the library of that kind of frame is not installed.
    """
    container = like.container if isinstance(like, Table) else like
    backend: Any = container.backend
    try:
        match container:
            case ArrayContainer() | RecordsContainer():
                return arrays.write(frame, container)
            case PandasContainer():
                native = pandas_frames.write(frame, container)
                origin = like.origin if isinstance(like, Table) else None
                if origin is not None and len(origin[0]) == len(native):
                    native.index = origin[0]
                    native.attrs |= origin[1]
                return native
            case ArrowContainer():
                return arrow_frames.write(frame, container)
            case FrameContainer("polars"):
                return frame
            case FrameContainer("polars-lazy"):
                return frame.lazy()
            case _:
                columns = {name: frame[name].to_list() for name in frame.columns}
                return nw.from_dict(columns, backend=backend).to_native()
    except ImportError as error:
        raise DataError(
            f"the model was fitted on a {backend} table but {backend} is missing",
            fix=f"pip install {backend} pyarrow",
        ) from error
