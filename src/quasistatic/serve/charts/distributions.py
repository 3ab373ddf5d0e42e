"""Distributions: of one cell given the others of its row, and of a column, real against sampled."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from quasistatic.data.schema import Column
from quasistatic.serve.charts.canvas import WIDTH, axis, line, picture, rect, text
from quasistatic.serve.values import bins_of, place_text, ticks_of

__all__ = ["Told", "bars", "cell_of_numbers", "compared_bars", "compared_numbers", "share_text"]

_HEIGHT, _BAR = 72.0, 22.0
_NAME = 12
"""Letters of a category beside its bar."""


class Told(NamedTuple):
    """A distribution in a picture and in words.

    Args:
        svg: picture.
        mode: most probable value.
        interval: where 90 % of the probability lies.
    """

    svg: Markup
    mode: str
    interval: str


def share_text(share: float) -> str:
    """A share in per cent, for people."""
    return f"{100 * share:.0f} %" if share >= 0.01 or share == 0 else "< 1 %"


def cell_of_numbers(value: np.ndarray, column: Column) -> Told:
    """The distribution of a cell of numbers.

    Args:
        value: draws of the cell, coordinates `[n]`.
        column: column of the cell.
    """
    bins = bins_of(value, column)
    shares, edges = bins.shares(value), bins.edges
    low, high = np.quantile(value, (0.05, 0.95), method="nearest")
    peak = int(np.argmax(_smooth(shares)))
    mode = (edges[peak] + edges[peak + 1]) / 2
    x = (edges - edges[0]) / (edges[-1] - edges[0]) * WIDTH
    scale = _HEIGHT / max(float(shares.max()), 1e-9)
    parts = []
    for i, share in enumerate(shares):
        inside = low <= edges[i + 1] and edges[i] <= high
        kind = "bar mode" if i == peak else "bar" if inside else "bar tail"
        parts.append(
            rect(x[i] + 0.5, _HEIGHT - scale * share, x[i + 1] - x[i] - 1, scale * share, kind)
        )
    words = Told(
        Markup(""),
        place_text(column, np.rint(mode) if column.has_lattice else mode),
        f"{place_text(column, float(low))} to {place_text(column, float(high))}",
    )
    alt = f"{column.name}: most probably {words.mode}, 90 % between {words.interval}"
    parts += axis(ticks_of(column, edges[0], edges[-1], WIDTH), _HEIGHT)
    return words._replace(svg=picture(parts, _HEIGHT + 20, alt))


def _smooth(shares: np.ndarray) -> np.ndarray:
    """Neighbours weigh in, so that the peak is no chance of the draws."""
    return np.convolve(shares, (0.25, 0.5, 0.25))[1:-1]


def bars(shares: np.ndarray, names: Sequence[str], column: str) -> Told:
    """The distribution of a cell of states: the ten most probable, and the rest in one bar.

    Args:
        shares: probability of each state.
        names: the states.
        column: name of the column.
    """
    order = [int(i) for i in np.argsort(-shares, kind="stable")]
    needed = int(np.searchsorted(np.cumsum(shares[order]), 0.9 - 1e-9)) + 1
    shown = order[: 10 if len(order) > 11 else 11]
    lines = [(names[i], float(shares[i])) for i in shown]
    if len(shown) < len(order):
        lines.append((f"{len(order) - len(shown)} others", float(1 - shares[shown].sum())))
    parts: list[Markup] = []
    for place, (name, share) in enumerate(lines):
        y = place * _BAR
        kind = "bar mode" if place == 0 else "bar" if place < needed else "bar tail"
        parts += [
            text(0, y + 15, _shortened(name)),
            rect(100, y + 4, 190 * share, 14, kind),
            text(WIDTH, y + 15, share_text(share), "end"),
        ]
    mode, within = names[order[0]], ", ".join(names[i] for i in order[: min(needed, 6)])
    alt = f"{column}: " + ", ".join(f"{name} {share_text(share)}" for name, share in lines)
    return Told(picture(parts, len(lines) * _BAR, alt), mode, within)


def compared_numbers(real: np.ndarray | None, sampled: np.ndarray, column: Column) -> Markup:
    """Real cells, filled, behind the outline of sampled ones.

    Args:
        real: coordinates of the real cells; None without a table.
        sampled: coordinates of sampled cells.
        column: column of numbers.
    """
    both = sampled if real is None else np.concatenate([real, sampled])
    bins = bins_of(both, column)
    heights = bins.shares(sampled)
    behind = None if real is None or not len(real) else bins.shares(real)
    most = max(float(heights.max()), 0.0 if behind is None else float(behind.max()), 1e-9)
    x = (bins.edges - bins.edges[0]) / (bins.edges[-1] - bins.edges[0]) * WIDTH
    tall = 110.0
    parts: list[Markup] = []
    if behind is not None:
        parts += [
            rect(x[i], tall - tall * s / most, x[i + 1] - x[i], tall * s / most, "real")
            for i, s in enumerate(behind)
        ]
    y = tall - tall * heights / most
    before = tall
    for i in range(len(heights)):
        parts.append(line(x[i], before, x[i], y[i], "sampled"))
        parts.append(line(x[i], y[i], x[i + 1], y[i], "sampled"))
        before = y[i]
    parts.append(line(x[-1], before, x[-1], tall, "sampled"))
    parts += axis(ticks_of(column, bins.edges[0], bins.edges[-1], WIDTH), tall)
    alt = f"Distribution of {column.name}, {_who(behind is not None)}; {_apart(behind, heights)}"
    return picture(parts, tall + 20, alt)


def compared_bars(
    real: np.ndarray | None, sampled: np.ndarray, names: Sequence[str], column: str
) -> Markup:
    """Shares of states, real above sampled.

    Args:
        real: share of each state among the real cells; None without a table.
        sampled: share of each state among sampled cells.
        names: the states.
        column: name of the column.
    """
    order = [int(i) for i in np.argsort(-(sampled if real is None else real), kind="stable")[:12]]
    most = max(float(sampled.max()), 0.0 if real is None else float(real.max()), 1e-9)
    parts: list[Markup] = []
    step = 34.0
    for place, i in enumerate(order):
        y = place * step
        parts.append(text(0, y + 19, _shortened(names[i])))
        if real is not None:
            parts.append(rect(100, y + 4, 190 * float(real[i]) / most, 10, "real"))
        parts.append(rect(100, y + 16, 190 * float(sampled[i]) / most, 10, "sampled-bar"))
        parts.append(text(WIDTH, y + 19, share_text(float(sampled[i])), "end"))
    alt = f"Shares of {column}, {_who(real is not None)}; {_apart(real, sampled)}"
    return picture(parts, len(order) * step, alt)


def _who(real: bool) -> str:
    return "real rows filled and sampled rows outlined" if real else "sampled rows"


def _apart(real: np.ndarray | None, sampled: np.ndarray) -> str:
    if real is None:
        return "there are no real rows"
    return f"{share_text(0.5 * float(np.abs(real - sampled).sum()))} of the rows differ"


def _shortened(name: str) -> str:
    return name if len(name) <= _NAME + 1 else name[:_NAME] + "…"
