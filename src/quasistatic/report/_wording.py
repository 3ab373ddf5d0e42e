"""Numbers and names as a reader sees them."""

import math
import re
import unicodedata
from typing import Any

_DIRECTIONS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(text: Any) -> str:
    r"""Text on one line, without control characters and without marks that turn the direction of
    what follows.

    Example:
        >>> plain("a\x00b\n  c")
        'a�b c'
    """
    words = " ".join(_DIRECTIONS.sub("", str(text)).split())
    return "".join(
        "\ufffd" if unicodedata.category(c) in ("Cc", "Cs") or c in "\ufffe\uffff" else c
        for c in words
    )


def shortened(text: Any, most: int) -> str:
    """`plain` text of at most so many characters, the end replaced by an ellipsis.

    Example:
        >>> shortened("flipper_length_mm", 8)
        'flipper…'
    """
    whole = plain(text)
    return whole if len(whole) <= most else whole[: most - 1].rstrip() + "…"


def pinched(text: Any, most: int) -> str:
    """`plain` text of at most so many characters, its middle replaced by an ellipsis: names often
    differ at their ends.

    Example:
        >>> pinched("customer segment 12", 11)
        'custo…nt 12'
    """
    whole = plain(text)
    if len(whole) <= most:
        return whole
    head = most // 2
    return f"{whole[:head].rstrip()}…{whole[head + 1 - most :].lstrip()}"


def nats(value: float, stderr: float | None = None) -> str:
    """A number of nats, two digits of its standard error and as many digits itself.

    Example:
        >>> nats(-18.97472, 0.0908), nats(-18.97472), nats(-1e-9), nats(float("nan"))
        ('-18.975 ± 0.091', '-18.975', '0.000', 'unknown')
    """
    if not math.isfinite(value):
        return "unknown"
    if stderr is None or not math.isfinite(stderr):
        return f"{round(value, 3) + 0.0:.3f}"  # -0.0 + 0.0 is 0.0
    digits = 3 if stderr <= 0 else min(max(1 - math.floor(math.log10(stderr)), 0), 6)
    return f"{round(value, digits) + 0.0:.{digits}f} ± {stderr:.{digits}f}"


def short_number(value: float) -> str:
    """Four significant digits, without an exponent where that stays short.

    Example:
        >>> short_number(0.0000), short_number(1234.56), short_number(-2.5e-7)
        ('0', '1235', '-2.5e-07')
    """
    if not math.isfinite(value):
        return "unknown"
    return f"{value:.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.4g}"


def percent(share: float) -> str:
    """A share in percent, with a digit after the point below ten percent.

    Example:
        >>> percent(0.0341), percent(0.5), percent(0.0)
        ('3.4 %', '50 %', '0 %')
    """
    value = 100 * share
    return f"{value:.1f} %" if 0.05 <= value < 9.95 else f"{value:.0f} %"


def cell(value: Any) -> str:
    """A cell of a table: numbers that were not rounded get six digits.

    Example:
        >>> cell(-0.8025825932402635), cell(38.6), cell(None), cell(True)
        ('-0.802583', '38.6', '', 'True')
    """
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) and len(repr(value)) > 10 else plain(value)


def counted(n: int, noun: str, plural: str = "") -> str:
    """A number and its noun.

    Example:
        >>> counted(1, "row"), counted(12345, "row")
        ('1 row', '12,345 rows')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"
