"""Two columns against each other: a point for each row."""

import numpy as np
from markupsafe import Markup

from quasistatic.data.schema import Column
from quasistatic.serve.charts.canvas import WIDTH, axis, line, picture, text
from quasistatic.serve.subject import labels
from quasistatic.serve.values import ticks_of

__all__ = ["Axis", "scatter"]

_LEFT, _TALL = 70.0, 210.0
_STATES = 12


class Axis:
    """A column as places on an axis of length 1.

    Args:
        column: column.
        values: cells that the axis has room for, as `values.numbers_of` gives them.
    """

    def __init__(self, column: Column, values: np.ndarray) -> None:
        self.column = column
        there = values[~np.isnan(values)]
        if column.is_discrete:
            self.low, self.high = -0.5, min(len(column.categories), _STATES) - 0.5
        else:
            ends = np.quantile(there, (0.002, 0.998)) if len(there) else np.zeros(2)
            reach = 0.04 * float(ends[1] - ends[0]) or 0.5
            self.low, self.high = float(ends[0]) - reach, float(ends[1]) + reach

    def places(self, values: np.ndarray, spread: np.ndarray) -> np.ndarray:
        """Places of cells; states are spread by chance, numbers are not."""
        jitter = 0.6 * spread if self.column.is_discrete else 0.0
        return (values + jitter - self.low) / (self.high - self.low)

    def ticks(self, length: float) -> list[tuple[float, str]]:
        """Places along an axis of a length, and their words."""
        if not self.column.is_discrete:
            return ticks_of(self.column, self.low, self.high, length)
        names = labels(self.column)[:_STATES]
        return [((i - self.low) / (self.high - self.low) * length, n) for i, n in enumerate(names)]


def scatter(x: Axis, y: Axis, points: tuple[np.ndarray, np.ndarray], kind: str, who: str) -> Markup:
    """A picture of points.

    Args:
        x: horizontal axis.
        y: vertical axis.
        points: cells of both columns.
        kind: class of the points, "real" or "sampled".
        who: whose rows they are, in words.
    """
    rng = np.random.default_rng(0)  # the same picture each time
    across = x.places(points[0], rng.uniform(-0.5, 0.5, len(points[0])))
    up = y.places(points[1], rng.uniform(-0.5, 0.5, len(points[1])))
    shown = (across >= 0) & (across <= 1) & (up >= 0) & (up <= 1)
    wide = WIDTH - _LEFT
    parts: list[Markup] = [line(_LEFT, 0, _LEFT, _TALL, "axis")]
    for place, words in y.ticks(_TALL):
        parts.append(text(_LEFT - 6, _TALL - place + 4, _short(words, 10), "end"))
    moved = [(_LEFT + place, _short(words, 9)) for place, words in x.ticks(wide)]
    parts += [line(_LEFT, _TALL, WIDTH, _TALL, "axis"), *axis(moved, _TALL)[1:]]
    dots = Markup("").join(
        Markup('<circle cx="{:.1f}" cy="{:.1f}" r="2.6"/>').format(
            _LEFT + wide * a, _TALL * (1 - b)
        )
        for a, b in zip(across[shown], up[shown], strict=True)
    )
    parts.append(Markup('<g class="dots {}">{}</g>').format(kind, dots))
    alt = f"{y.column.name} against {x.column.name}, {int(shown.sum())} {who}"
    return picture(parts, _TALL + 22, alt)


def _short(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"
