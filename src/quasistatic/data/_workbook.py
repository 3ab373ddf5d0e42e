"""The first sheet with a table of an Excel workbook."""

from pathlib import Path
from typing import Any
from zipfile import ZipFile, is_zipfile

import polars as pl

from quasistatic.data.memory import require_bytes
from quasistatic.errors import DataError

EXTENSIONS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")


def read_workbook(path: Path) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The cells of the first sheet that has any, and what a person should know of the reading.

    Raises:
        DataError: the reader is not installed, no cell in it, or more than there is memory for.
    """
    fastexcel = _reader()
    if is_zipfile(path):
        with ZipFile(path) as archive:
            require_bytes(sum(item.file_size for item in archive.infolist()), where=str(path))
    book = fastexcel.read_excel(path.read_bytes())
    names = book.sheet_names
    sheets = [(name, book.load_sheet(name)) for name in names]
    filled = [(name, sheet) for name, sheet in sheets if sheet.total_height and sheet.width]
    if not filled:
        raise DataError("no sheet has rows", where=str(path), fix="give a header and rows")
    name, sheet = filled[0]
    frame = sheet.to_polars()
    notes = (f"sheet {name!r} is read, the first of {len(names)}",) if len(names) > 1 else ()
    return frame.select(_plain(series) for series in frame), notes


def _plain(series: pl.Series) -> pl.Series:
    """Whole numbers as integers and dates without a time as dates: Excel tells neither apart."""
    if series.dtype.is_float():
        whole = series.drop_nulls()
        if len(whole) and (whole == whole.round()).all() and whole.abs().max() < 2**53:  # type: ignore[operator]
            return series.cast(pl.Int64)
    if isinstance(series.dtype, pl.Datetime):
        days = series.dt.date()
        return days if (days.cast(series.dtype) == series).all() else series
    return series


def _reader() -> Any:
    try:
        import fastexcel
    except ImportError as error:
        raise DataError(
            "Excel files need the library fastexcel",
            fix="pip install 'quasistatic[excel]', or save the sheet as CSV",
        ) from error
    return fastexcel
