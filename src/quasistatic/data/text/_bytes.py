"""The text of a file: unpacked, decoded, without the marks at its ends."""

import gzip
from pathlib import Path

import polars as pl

from quasistatic.data.door import parsing
from quasistatic.data.memory import available_bytes, refuse_bomb, require_bytes
from quasistatic.data.text._zstd import most_unpacked
from quasistatic.errors import DataError

PACKED = (".gz", ".zst")
"""Endings of files that are unpacked first."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_END_OF_FILE = b"\x1a"  # what CP/M and DOS wrote behind the last line
_COPIES = 3  # of a text, while its cells are found: its bytes, itself, and the cells
_PIECE = 2**24
_NEVER = "\x1e"  # a line end that no text has: polars then gives back the file as one cell


def unpacked_suffix(path: Path) -> str:
    """The ending of a file's name in small letters, without that of a packed file."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix in PACKED else suffix


def read_bytes(path: Path) -> bytes:
    """The file's bytes, unpacked.

    Raises:
        DataError: a packed file that is damaged, or more than there is memory for.
    """
    suffix = path.suffix.lower()
    if suffix not in PACKED:
        require_bytes(_COPIES * path.stat().st_size, where=str(path))
        return path.read_bytes()
    with parsing(path, f"{suffix} file", fix="pack the file again"):
        return _gunzip(path) if suffix == ".gz" else _unzstd(path)


def _gunzip(path: Path) -> bytes:
    pieces, length = [], 0
    with gzip.open(path) as file:
        while piece := file.read(_PIECE):
            pieces.append(piece)
            length += len(piece)
            _check_unpacked(path, length)
    return b"".join(pieces)


def _unzstd(path: Path) -> bytes:
    require_bytes(path.stat().st_size, where=str(path))
    packed = path.read_bytes()
    _check_unpacked(path, most_unpacked(packed))
    cells = pl.read_csv(
        packed,
        separator="\x1f",
        eol_char=_NEVER,
        quote_char=None,
        has_header=False,
        infer_schema=False,
    )
    return _NEVER.join(cells.to_series().fill_null("")).encode()


def _check_unpacked(path: Path, length: int) -> None:
    refuse_bomb(path, length)
    limit = available_bytes() // 4
    if length > limit:
        raise DataError(
            f"it unpacks to more than {limit / 2**30:.1f} GiB, a quarter of the memory left",
            where=str(path),
            fix="give a part of the table",
        )


def decoded(data: bytes, path: Path) -> tuple[str, bool]:
    """The text of bytes, and whether it had a byte-order mark in UTF-8.

    Args:
        data: bytes in UTF-8, or in UTF-16 with a byte-order mark.
        path: path of the file, for the message.

    Raises:
        DataError: another encoding, or a zero byte.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return _one_line_end(data.decode("utf-16").rstrip("\x1a")), False
        except UnicodeDecodeError as error:
            raise DataError(
                f"byte {error.start + 1} is no UTF-16, which the file's first two bytes announce",
                where=str(path),
                fix="save the file again, in UTF-8",
            ) from error
    marked = data.startswith(_BYTE_ORDER_MARK)
    data = data.removeprefix(_BYTE_ORDER_MARK)
    if _END_OF_FILE in data[-64:]:
        data = data.rstrip(b"\r\n").rstrip(_END_OF_FILE)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"byte {error.start + 1} (0x{data[error.start]:02x}) is no UTF-8",
            where=_line(data, error.start, path),
            fix=(
                f"convert the file to UTF-8, for example: iconv -f LATIN1 -t UTF-8 {path.name} >"
                " utf8.csv"
            ),
        ) from error
    if "\0" in text:
        raise DataError(
            "there is a zero byte: this is no text file",
            where=_line(data, data.index(0), path),
            fix="give a text file in UTF-8",
        )
    return _one_line_end(text), marked


def _line(data: bytes, place: int, path: Path) -> str:
    line = data.count(b"\n", 0, place) + 1
    return f"{path}, line {line}"


def _one_line_end(text: str) -> str:
    """The line ends of old Macs as those of today."""
    return text if "\n" in text else text.replace("\r", "\n")
