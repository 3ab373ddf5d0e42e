"""Data for a model, a piece at a time; a table that is held in memory is one piece."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from quasistatic.data.arranged import read_like
from quasistatic.data.disk import files
from quasistatic.data.disk.delimited import raw_pieces, table_of
from quasistatic.data.disk.files import is_held, is_large_text, open_table
from quasistatic.data.disk.records import array_pieces, json_pieces
from quasistatic.data.reading import read_as
from quasistatic.data.schema import Schema
from quasistatic.data.table import Table
from quasistatic.data.text.delimited import Delimited

__all__ = ["pieces_like", "unread_pieces"]

_RECORDS = {".jsonl": json_pieces, ".ndjson": json_pieces, ".npy": array_pieces}


def pieces_like(schema: Schema, path: str | Path) -> Iterator[Table]:
    """The rows of data for a model in their order; all at once where they are held in
    memory (`files.MOST_HELD`).

    Args:
        schema: schema of the model.
        path: path of the data: of a file, of a folder of Parquet or Arrow files, or a pattern for
            their names.

    Raises:
        DataError: as `read_like`; files that are not of one table, or change while they are read.
        SchemaError: cells that are written in another form than those of the model.
    """
    return (read() for read in unread_pieces(schema, path))


def unread_pieces(schema: Schema, path: str | Path) -> Iterator[Callable[[], Table]]:
    """The pieces of `pieces_like`, each read when it is called.

    Args:
        schema: schema of the model.
        path: path of the data.
    """
    if schema.layout is not None:
        yield partial(read_like, schema, path)
    elif is_large_text(path):
        for found, source in raw_pieces(path):
            yield partial(_read_text, found, source, schema)
    elif (pieces := _records_of(Path(path))) is not None:
        yield from (partial(_read, read, schema) for read in pieces)
    elif (table := open_table(path)) is None or (is_held(table) and Path(path).is_file()):
        yield partial(read_like, schema, path)
    else:
        for piece in [table.held()] if is_held(table) else table.pieces():
            yield partial(read_as, piece, schema)


def _records_of(path: Path) -> Iterator[Callable[[], Table]] | None:
    """The pieces of a large file of JSON lines or of a large array; None for others."""
    pieces = _RECORDS.get(path.suffix.lower())
    if pieces is None or not path.is_file() or path.stat().st_size <= files.MOST_HELD:
        return None
    return pieces(path)


def _read(read: Callable[[], Table], schema: Schema) -> Table:
    return read_as(read(), schema)


def _read_text(found: Delimited, source: str, schema: Schema) -> Table:
    return read_as(table_of(found, source), schema)
