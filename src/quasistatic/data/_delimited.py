"""CSV and TSV files: every cell is read as text first, so that nothing is lost before its type is
known.
"""

import csv
import io
from pathlib import Path

import numpy as np
import polars as pl

from quasistatic.data.columns._text_dtypes import typed
from quasistatic.errors import DataError

MISSING = ["", "NA", "NaN", "nan", "null", "NULL", "N/A", "n/a", "<NA>", "#N/A"]
"""Cells that mean "missing"."""
_SEPARATORS = ",;\t|"


def read_delimited(path: Path, separator: str | None = None) -> pl.DataFrame:
    """The table of a delimited text file with a header.

    Args:
        path: path of the file, in UTF-8 (or UTF-16 with a byte-order mark).
        separator: character between the fields; None (default) finds it in the header out of comma,
            semicolon, tab and bar.

    Raises:
        DataError: empty, no rows, wrong encoding, ragged or unclosed rows, two columns of one name.
    """
    data = _utf8(path)
    if not data.strip():
        raise DataError(
            "the file is empty", where=str(path), fix="give a file with a header line and rows"
        )
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
    separator = separator or _find_separator(text.readline())
    text.seek(0)
    header, blank = _check_rows(text, separator, path)
    frame = pl.read_csv(
        data, separator=separator, infer_schema=False, has_header=False, null_values=MISSING
    )
    if frame.width != len(header) or frame.height != len(blank) + 1:
        raise DataError(
            "the rows cannot be told apart",
            where=str(path),
            fix="check the quotation marks and line ends",
        )
    frame = frame[1:].filter(pl.Series(~blank))
    frame.columns = header
    return pl.DataFrame(
        {series.name: typed(series, decimal_comma=separator == ";") for series in frame}
    )


def _utf8(path: Path) -> bytes:
    """The file's bytes as UTF-8 without a byte-order mark."""
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16").encode()
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")  # the line ends of old Macs
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"byte {error.start + 1} (0x{data[error.start]:02x}) is no UTF-8",
            where=f"{path}, line {line}",
            fix=(
                f"convert the file to UTF-8, for example: iconv -f LATIN1 -t UTF-8 {path.name} >"
                " utf8.csv"
            ),
        ) from error
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise DataError(
            "there is a zero byte: this is no text file",
            where=f"{path}, line {line}",
            fix="give a CSV file in UTF-8",
        )
    return data


def _find_separator(line: str) -> str:
    """The separator that splits the header most; a comma when none does."""
    return max(_SEPARATORS, key=lambda mark: len(next(csv.reader([line], delimiter=mark), [])))


def _check_rows(text: io.TextIOWrapper, separator: str, path: Path) -> tuple[list[str], np.ndarray]:
    """The header, and which of the lines below are blank and hold no row; each other row has as
    many cells as the header.

    A blank line of a one-column file is a missing cell, except at the end.
    """
    reader = csv.reader(text, delimiter=separator, strict=True)
    blank: list[bool] = []
    row_start = 1
    try:
        header = next(reader)
        _check_header(header, path)
        width = len(header)
        row_start = reader.line_num + 1
        for row in reader:
            if row and len(row) != width:
                raise DataError(
                    f"{len(row)} cells where the header has {width}",
                    where=f"{path}, line {row_start}",
                    fix=(
                        "add or remove separators, or put quotation marks around a cell that"
                        " contains one"
                    ),
                )
            blank.append(not row)
            row_start = reader.line_num + 1
    except csv.Error as error:
        fix = "check the quotation marks: one may not be closed"
        raise DataError(
            f"cannot be read as CSV ({error})", where=f"{path}, line {row_start}", fix=fix
        ) from error
    mask = np.array(blank, dtype=bool)
    if width == 1 and len(mask):
        filled = np.flatnonzero(~mask)
        mask[: filled[-1] if len(filled) else 0] = False
    if mask.all():
        raise DataError(
            "there is a header, but no rows", where=str(path), fix="give at least two rows"
        )
    return header, mask


def _check_header(header: list[str], path: Path) -> None:
    seen: dict[str, int] = {}
    for position, name in enumerate(header, start=1):
        if name in seen:
            raise DataError(
                f"column name {name!r} occurs twice (columns {seen[name]} and {position})",
                where=f"{path}, line 1",
                fix="rename one of them",
            )
        seen[name] = position
