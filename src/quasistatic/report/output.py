"""The page to a file."""

from pathlib import Path

from quasistatic.data.output import check_output, write_whole

KINDS = (".html", ".htm")
"""Endings of a page: a name of another kind is more likely a table that should not be replaced."""


def check_page(path: str | Path, force: bool = False) -> Path:
    """Refuse, before any work, a path that `write_page` would refuse.

    Raises:
        OutputError: another ending, a folder, a missing or write-protected parent folder, or a file
            that exists.
    """
    return check_output(path, force, KINDS)


def write_page(text: str, path: str | Path, force: bool = False) -> None:
    """Write the page, whole or not at all.

    Raises:
        OutputError: as `check_page`, or the disk is full.
    """
    write_whole(check_page(path, force), lambda file: file.write(text.encode()), force, KINDS)
