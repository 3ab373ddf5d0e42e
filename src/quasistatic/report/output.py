"""The page to a file, and what must be there before work begins."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from quasistatic.data.output import check_output, write_whole
from quasistatic.errors import SettingError

__all__ = ["check_page", "require_libraries", "write_page"]


_KINDS = (".html", ".htm")
"""Endings of a page: a name of another kind is more likely a table that should not be replaced."""
_NEEDED = ("jinja2", "matplotlib")


def require_libraries(
    what: str = "a report", needed: Sequence[str] = _NEEDED, extra: str = "report"
) -> None:
    """Refuse to begin without the libraries of an extra.

    Args:
        what: words for what needs them (default "a report").
        needed: names of the libraries (default those that the report is drawn with).
        extra: name of the extra that brings them (default "report").

    Raises:
        SettingError: one is missing.
    """
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise SettingError(
            f"{what} needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'}"
            " not installed",
            where=extra,
            fix=f'pip install "quasistatic[{extra}]"',
        )


def check_page(path: str | Path, force: bool = False) -> Path:
    """Refuse, before any work, a path that `write_page` would refuse.

    Raises:
        OutputError: another ending, a folder, a missing or write-protected parent folder, or a file
            that exists.
    """
    return check_output(path, force, _KINDS)


def write_page(text: str, path: str | Path, force: bool = False) -> None:
    """Write the page, whole or not at all.

    Raises:
        OutputError: as `check_page`, or the disk is full.
    """
    write_whole(check_page(path, force), lambda file: file.write(text.encode()), force, _KINDS)
