"""Data for a model, a piece at a time; a table that is held in memory is one piece."""

from collections.abc import Iterator
from pathlib import Path

from quasistatic.data.arranged import read_like
from quasistatic.data.disk.delimited import text_pieces
from quasistatic.data.disk.files import is_held, is_large_text, open_table
from quasistatic.data.reading import read_as
from quasistatic.data.schema import Schema
from quasistatic.data.table import Table

__all__ = ["pieces_like"]


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
    if schema.layout is not None:
        yield read_like(schema, path)
    elif is_large_text(path):
        for piece in text_pieces(path):
            yield read_as(piece, schema)
    elif (table := open_table(path)) is None or (is_held(table) and Path(path).is_file()):
        yield read_like(schema, path)
    else:
        for piece in [table.held()] if is_held(table) else table.pieces():
            yield read_as(piece, schema)
