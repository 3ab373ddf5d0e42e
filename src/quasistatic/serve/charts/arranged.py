"""An image or a sequence as a picture: coloured pixels, numbers as a line, states as tiles."""

from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup

from quasistatic.data.layout import Layout, are_images
from quasistatic.fitted.model import Fitted
from quasistatic.serve.charts.canvas import WIDTH, picture, rect

__all__ = ["Scale", "drawn_row"]

_TALL, _MARGIN = 120.0, 6.0


class Scale(NamedTuple):
    """What is drawn at the lower and the upper end, the same in all pictures of a model.

    Args:
        layout: arrangement of the D columns.
        low: value that is black, or at the bottom.
        high: value that is white, or at the top.
        discrete: whether values are states.
    """

    layout: Layout
    low: float
    high: float
    discrete: bool

    @classmethod
    def of(cls, fitted: Fitted) -> "Scale":
        """That of a model of images or sequences: the ends of its levels or states; of real numbers
        where 98 % of a normal distribution with their mean and variance lie.
        """
        layout, column = fitted.schema.layout, fitted.schema.columns[0]
        assert layout is not None, "a model of images or sequences"
        if column.is_discrete:
            states = [float(state) for state in column.categories]
            return cls(layout, min(states), max(states), True)
        if are_images(layout) and column.has_lattice:
            return cls(layout, 0.0, 255.0, False)
        ends = [transform.inverse(np.array([-2.33, 2.33])) for transform in fitted.codec.transforms]
        x = np.array(ends) * (column.step or 1.0) + (column.offset if column.has_lattice else 0.0)
        return cls(layout, float(x.min()), float(x.max()), False)


def drawn_row(values: np.ndarray, scale: Scale, alt: str) -> Markup:
    """The picture of a row.

    Args:
        values: values of the row, `[D]` in the units of the data; NaN where it is unknown.
        scale: what is black and what is white, or at the bottom and the top.
        alt: what it shows, in words.
    """
    if are_images(scale.layout):
        return _image(values.reshape(scale.layout.shape), scale, alt)
    return (_tiles if scale.discrete else _line)(values, scale, alt)


def _image(values: np.ndarray, scale: Scale, alt: str) -> Markup:
    """One path for each colour: runs of pixels along the lines."""
    share = (values - scale.low) / max(scale.high - scale.low, 1e-12)
    levels = np.clip(np.rint(255 * np.nan_to_num(share)), 0, 255).astype(np.uint32)
    red, green, blue = np.broadcast_to(levels, (3, *levels.shape[1:]))
    code = (red << 16) + (green << 8) + blue
    code = np.where(np.isnan(values).any(axis=0), np.uint32(1 << 24), code)
    height, width = code.shape
    runs: dict[int, list[str]] = {}
    for y, pixels in enumerate(code):
        ends = np.flatnonzero(np.r_[pixels[1:] != pixels[:-1], True]) + 1
        for begin, end in zip(np.r_[0, ends[:-1]], ends, strict=True):
            runs.setdefault(int(pixels[begin]), []).append(f"M{begin} {y}h{end - begin}v1H{begin}z")
    parts: list[Markup] = []
    for colour, pieces in sorted(runs.items()):
        if colour < 1 << 24:
            path = Markup('<path fill="#{}" d="{}"/>')
            parts.append(path.format(f"{colour:06x}", "".join(pieces)))
    group = Markup('<g shape-rendering="crispEdges">{}</g>').format(Markup("").join(parts))
    return picture([group], height, alt, width)


def _line(values: np.ndarray, scale: Scale, alt: str) -> Markup:
    """Numbers along the places, broken where they are unknown."""
    step = WIDTH / len(values)
    share = (values - scale.low) / max(scale.high - scale.low, 1e-12)
    y = _MARGIN + (_TALL - 2 * _MARGIN) * (1 - np.clip(share, -0.05, 1.05))
    parts: list[Any] = []
    known = np.flatnonzero(~np.isnan(values))
    for run in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1):
        points = [f"{step * (i + 0.5):.1f},{y[i]:.1f}" for i in run]
        if len(points) == 1:  # a line of one point is nothing
            parts.append(rect(step * run[0], float(y[run[0]]) - 1, step, 2, "place"))
        elif points:
            parts.append(
                Markup('<polyline class="sequence" points="{}"/>').format(" ".join(points))
            )
    return picture(parts, _TALL, alt)


def _tiles(values: np.ndarray, scale: Scale, alt: str) -> Markup:
    """States along the places, each at its height."""
    step, count = WIDTH / len(values), int(scale.high - scale.low) + 1
    tall = _TALL / count
    return picture(
        [
            rect(step * i, _TALL - tall * (value - scale.low + 1), step, tall, "place")
            for i, value in enumerate(values)
            if not np.isnan(value)
        ],
        _TALL,
        alt,
    )
