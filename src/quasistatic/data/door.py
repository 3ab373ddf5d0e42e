"""The one door that files come in by: whatever a parser raises becomes one located error.

Parsers of damaged files raise anything: NumPy's `TokenError` and `SystemError`, polars' panics,
Python's `RecursionError`. No list of them was ever complete.
"""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from quasistatic.data.panics import without_panics
from quasistatic.errors import DataError, QuasistaticError

__all__ = ["ordinary", "parsing"]

_LONGEST_REASON = 200


@contextmanager
def parsing(path: Path, kind: str, *, fix: str = "write the file again") -> Iterator[None]:
    """Within the `with` block an ordinary file is read; every failure is a `DataError` that names
    it.

    Args:
        path: path of the file.
        kind: kind of the file, for the message: "Parquet file", say.
        fix: what to do about a damaged one (default to write it again).

    Raises:
        DataError: no such file, no ordinary file, one that may not be read, or one that its parser
            refuses, in whatever way.
    """
    where = str(path)
    try:
        ordinary(path)
        broken = DataError(f"this is no intact {kind} (its parser gave up)", where=where, fix=fix)
        with without_panics(str(broken)):
            yield
    except QuasistaticError:
        raise
    except FileNotFoundError as error:
        raise DataError("there is no such file", where=where, fix="check the path") from error
    except MemoryError as error:
        raise DataError(
            "it asks for more memory than there is", where=where, fix="give a smaller file"
        ) from error
    except (Exception, pl.exceptions.PanicException) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise DataError(
                f"the file cannot be read ({error.strerror or error})", where=where
            ) from error
        raise DataError(
            f"this is no intact {kind} ({_reason(error)})", where=where, fix=fix
        ) from error


def ordinary(path: Path) -> None:
    """Refuse what is no ordinary file before it is opened: a pipe can keep its reader waiting for
    ever, and a device need not end.

    Args:
        path: path of the file, or of a link to it.

    Raises:
        DataError: a folder, a pipe, a device, a socket, or `-`.
        OSError: no such file.
    """
    if str(path) == "-":
        raise DataError(
            "standard input is not read: the ending of a file's name tells what kind it is",
            fix="write the table to a file first, `... > table.csv`",
        )
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise DataError("this is a folder", where=str(path), fix="give a file")
    if not stat.S_ISREG(mode):
        raise DataError(
            "this is no ordinary file, but a pipe or a device",
            where=str(path),
            fix="write the table to a file first, `... > table.csv`",
        )


def _reason(error: BaseException) -> str:
    """The first line of what a parser says, or else the name of its exception."""
    if isinstance(error, pl.exceptions.PanicException):
        return "its parser broke down"
    lines = str(error).splitlines()
    return lines[0][:_LONGEST_REASON] if lines and lines[0] else type(error).__name__
