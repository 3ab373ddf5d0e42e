"""pyarrow tables in and out; pyarrow is imported only when the user's object already is one, or a
model gives one back.
"""

import base64
import importlib
from collections.abc import Sequence
from typing import Any

import polars as pl

from quasistatic.data.frames.container import ArrowContainer
from quasistatic.errors import DataError

_SOURCE = "the pyarrow table"


def read(obj: Any) -> tuple[pl.DataFrame, str, ArrowContainer]:
    """Polars frame, source and container of a `pyarrow.Table` or `RecordBatch`.

    The container holds the Arrow schema, and the order of every dictionary.

    Raises:
        DataError: no table, or two columns of one name.
    """
    pyarrow = importlib.import_module("pyarrow")
    table = pyarrow.Table.from_batches([obj]) if isinstance(obj, pyarrow.RecordBatch) else obj
    if not isinstance(table, pyarrow.Table):
        raise DataError(f"pyarrow.{type(obj).__name__} is no table", fix="give a pyarrow.Table")
    names = table.column_names
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise DataError(
            f"column {twice[0]!r} occurs more than once", where=_SOURCE, fix="rename the columns"
        )
    series, categories = [], {}
    for name, column in zip(names, table.columns, strict=True):
        if pyarrow.types.is_dictionary(column.type):
            column = column.unify_dictionaries() if column.num_chunks > 1 else column
            order = column.chunk(0).dictionary.to_pylist() if column.num_chunks else []
            categories[name] = tuple(
                value if isinstance(value, bool | int | float | str) else str(value)
                for value in order
            )
            if len({str(value) for value in order}) < len(order):
                raise DataError(
                    "two categories read the same",
                    where=f"{_SOURCE}, column {name!r}",
                    fix="rename one of them",
                )
            cells = [None if cell is None else str(cell) for cell in column.to_pylist()]
            series.append(pl.Series(name, cells, dtype=pl.Enum([str(value) for value in order])))
        else:
            series.append(pl.from_arrow(column).alias(name))  # type: ignore[union-attr]
    encoded = _schema_text(table.schema)
    frame = pl.DataFrame({column.name: column for column in series})
    return frame, _SOURCE, ArrowContainer(encoded, categories)


def write(frame: pl.DataFrame, container: ArrowContainer) -> Any:
    """A `pyarrow.Table` with the types, metadata and dictionary orders of the container."""
    pyarrow = importlib.import_module("pyarrow")
    schema = _parse_schema(container.schema)
    arrays, fields = [], []
    for name in frame.columns:
        index = schema.get_field_index(name)
        if index < 0:
            array = frame[name].to_arrow()
            arrays.append(array)
            fields.append(pyarrow.field(name, array.type))
            continue
        kind = schema.field(index)
        if name in container.categories:
            arrays.append(_dictionary(pyarrow, frame[name], kind.type, container.categories[name]))
        else:
            arrays.append(frame[name].to_arrow().cast(kind.type))
        fields.append(kind)
    return pyarrow.Table.from_arrays(
        arrays, schema=pyarrow.schema(fields, metadata=schema.metadata)
    )


def _dictionary(pyarrow: Any, series: pl.Series, kind: Any, categories: Sequence[Any]) -> Any:
    codes = {str(value): code for code, value in enumerate(categories)}
    indices = [None if cell is None else codes[cell] for cell in series.cast(pl.String).to_list()]
    values = pyarrow.array(list(categories), type=kind.value_type)
    return pyarrow.DictionaryArray.from_arrays(
        pyarrow.array(indices, type=kind.index_type), values, ordered=kind.ordered
    )


def _schema_text(schema: Any) -> str:
    return base64.b64encode(schema.serialize().to_pybytes()).decode("ascii")


def _parse_schema(text: str) -> Any:
    pyarrow = importlib.import_module("pyarrow")
    importlib.import_module("pyarrow.ipc")
    return pyarrow.ipc.read_schema(pyarrow.BufferReader(base64.b64decode(text)))


def type_text(kind: Any) -> str:
    """Text of an Arrow type, exact."""
    pyarrow = importlib.import_module("pyarrow")
    return _schema_text(pyarrow.schema([pyarrow.field("", kind)]))


def parse_type(text: str) -> Any:
    """Inverse of `type_text`."""
    return _parse_schema(text).field(0).type
