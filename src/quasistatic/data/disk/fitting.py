"""A table to fit that is not held in memory."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from quasistatic.data.disk.files import is_held, is_large_text, open_table
from quasistatic.data.disk.table import DiskTable
from quasistatic.data.disk.text import text_on_disk

__all__ = ["table_on_disk"]


def table_on_disk(path: str | Path, folder: Path, missing: Sequence[str] = ()) -> DiskTable | None:
    """The table, if it is too large to be held in memory.

    Args:
        path: path of a file, of a folder of Parquet or Arrow files, or a pattern for their names.
        folder: folder for what is too large for memory.
        missing: cells of text that mean "missing", beside the usual ones (default none).

    Raises:
        DataError: files that are not of one table, or a damaged one.
    """
    if is_large_text(path):
        return text_on_disk(path, folder, missing)
    table = open_table(path)
    return None if table is None or is_held(table) else replace(table, scratch=folder)
