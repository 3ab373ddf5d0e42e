"""How the cells of a delimited text are separated."""

import re
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from quasistatic.data.text._records import BLANKS, widths_of
from quasistatic.records import Within

_SEPARATORS = ",;\t|"
_HINT = re.compile(r'"?sep=(.|\\t)"?[ ]*\r?(?:\n|\Z)', re.IGNORECASE)
_SAMPLE = 1 << 16
"""Characters of the text that the separator is looked for in."""
_LEAST_LINES = 3
"""Lines that are looked at, however long they are."""


@dataclass(frozen=True)
class Dialect:
    """The form of a delimited file, beside that of its cells.

    Args:
        separator: character between the cells; a blank stands for runs of blanks, empty for a file
            of one column (default a comma).
        line_end: characters at the end of a line (default a line feed).
        marked: whether the file begins with a byte-order mark (default False).
        hinted: whether its first line is `sep=` and the separator (default False).
        quoted: whether quotation marks stand around every name in the header (default False).
        closed: whether the last line has a line end, too (default True).
    """

    separator: Annotated[str, Within(0, 1)] = ","
    line_end: Annotated[str, Within(1, 2)] = "\n"
    marked: bool = False
    hinted: bool = False
    quoted: bool = False
    closed: bool = True

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types; `Dialect(**...)` gives back an equal one."""
        return asdict(self)


def find_dialect(text: str, marked: bool, separator: str | None) -> tuple[Dialect, str]:
    """The dialect of a text, and the text without a `sep=` line.

    Args:
        text: text of the file.
        marked: whether it began with a byte-order mark.
        separator: the separator; None finds it.
    """
    hint = _HINT.match(text)
    if hint:
        text = text[hint.end() :]
        separator = "\t" if hint[1] == "\\t" else hint[1]
    line_end = "\r\n" if "\r\n" in text[:_SAMPLE] else "\n"
    if separator is None or (hint is None and separator not in text):
        separator = find_separator(text)
    return Dialect(separator, line_end, marked, bool(hint)), text


def find_separator(text: str) -> str:
    """The separator that splits the first lines alike, into most cells; else the one that splits
    the header most; else runs of blanks, where they split every line alike; else none (empty).
    """
    sample = _whole_lines(text)
    widths = {mark: widths_of(sample, mark) for mark in _SEPARATORS if mark in sample}
    header = {mark: found[0] for mark, found in widths.items() if found[0] > 1}
    alike = {mark: width for mark, width in header.items() if _are_alike(widths[mark])}
    if alike or header:
        return max(alike or header, key=lambda mark: header[mark])
    blanks = widths_of(sample, BLANKS)
    if len(blanks) > 1 and blanks[0] > 1 and _are_alike(blanks):
        return BLANKS
    # a title above the header, say: the rows tell, and the header will be said to be short
    below = {mark: found[1:] for mark, found in widths.items() if len(found) > 1}
    return next((mark for mark, rows in below.items() if rows[0] > 1 and len({*rows}) == 1), "")


def _whole_lines(text: str) -> str:
    if len(text) <= _SAMPLE:
        return text
    end = text.rfind("\n", 0, _SAMPLE)
    for _ in range(_LEAST_LINES):
        if text.count("\n", 0, max(end, 0)) >= _LEAST_LINES or end == len(text):
            break
        end = text.find("\n", end + 1) if text.find("\n", end + 1) >= 0 else len(text)
    return text[:end]


def _are_alike(widths: list[int]) -> bool:
    """Whether all lines have as many cells as the first, or all one more, as row names and
    separators at the end of each line make them.
    """
    return len({*widths[1:]}) < 2 and all(w - widths[0] in (0, 1) for w in widths[1:])
