"""Pieces of SVG, and round numbers for an axis."""

import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

__all__ = ["WIDTH", "axis", "line", "picture", "polygon", "rect", "round_ticks", "short", "text"]

WIDTH = 340.0
"""Width of a picture in its own units; the page stretches it."""


def picture(parts: Iterable[str], height: float, alt: str, width: float = WIDTH) -> Markup:
    """A picture of its parts.

    Args:
        parts: pieces of SVG, drawn one over the other.
        height: height of the picture in its own units.
        alt: what it shows, in words.
        width: width of the picture in its own units (default `WIDTH`).
    """
    body = Markup("").join(Markup(part) for part in parts)
    return Markup(
        '<svg class="figure" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">{}</svg>'
    ).format(width, height, alt, body)


def rect(x: float, y: float, width: float, height: float, kind: str) -> Markup:
    """A rectangle; `kind` is its class in the style sheet."""
    return Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
        kind, x, y, max(width, 0.0), max(height, 0.0)
    )


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    """A line; `kind` is its class in the style sheet."""
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(
        kind, x1, y1, x2, y2
    )


def polygon(points: Sequence[tuple[float, float]], kind: str) -> Markup:
    """A closed shape; `kind` is its class in the style sheet."""
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return Markup('<polygon class="{}" points="{}"/>').format(kind, places)


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "label") -> Markup:
    """Words at a place; `anchor` is start, middle or end."""
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        kind, x, y, anchor, escape(words)
    )


def axis(ticks: Iterable[tuple[float, str]], y: float, width: float = WIDTH) -> list[Markup]:
    """Labels of a horizontal axis below a line; those at its ends stay within the picture.

    Args:
        ticks: places and their words.
        y: height of the line.
        width: width of the picture (default `WIDTH`).
    """
    parts = [line(0, y, width, y, "axis")]
    for x, words in ticks:
        reach = 3.3 * len(words)
        anchor = "start" if x < reach else "end" if x > width - reach else "middle"
        place = max(x, 0.0) if anchor == "start" else min(x, width)
        parts += [line(x, y, x, y + 4, "axis"), text(place, y + 16, words, anchor)]
    return parts


def round_ticks(low: float, high: float, most: int = 4) -> list[float]:
    """Round numbers between two, about as many as asked for.

    Example:
        >>> round_ticks(32.1, 59.6)
        [40.0, 50.0]
        >>> round_ticks(0.0, 1.0)
        [0.0, 0.5, 1.0]
    """
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return [low]
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(s * power for s in (1, 2, 5, 10, 20) if span / (s * power) <= most)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(k * step, 12) + 0.0 for k in range(first, last + 1)]


def short(value: float) -> str:
    """A number in few digits.

    Example:
        >>> short(4000.0), short(0.05), short(1234567.0)
        ('4000', '0.05', '1.235e+06')
    """
    return f"{value:.6g}" if value % 1 == 0 and abs(value) < 1e6 else f"{value:.4g}"
