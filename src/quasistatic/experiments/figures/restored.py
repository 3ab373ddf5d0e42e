"""Figures of images that were damaged and restored: a row for each image, a column for each way."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from quasistatic.experiments.figures.canvas import MODEL, blank, save

HOLE = (192, 80, 77)
"""Colour of what is not there: `MODEL`."""


def restored_images(
    pictures: Mapping[str, np.ndarray],
    path: Path,
    *,
    notes: Sequence[str] = (),
    hole: np.ndarray | None = None,
    empty: Sequence[str] = (),
) -> None:
    """Images side by side.

    Args:
        pictures: images, uint8 `[N, C, H, W]`, by the title of their column.
        path: path of the PNG file.
        notes: texts left of each row, one for each image.
        hole: missing pixels, bool `[H, W]`, one rectangle; its edge is drawn on every picture.
        empty: titles of the columns in which the rectangle is painted over.
    """
    n = len(next(iter(pictures.values())))
    figure, axes = blank(n, len(pictures), (1.6, 1.6))
    for column, (title, images) in enumerate(pictures.items()):
        for axis, image in zip(axes[:, column], images, strict=True):
            seen = np.moveaxis(np.broadcast_to(image, (3, *image.shape[1:])), 0, -1).copy()
            if hole is not None and title in empty:
                seen[hole] = HOLE
            axis.imshow(seen, interpolation="nearest")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            if hole is not None:
                _outline(axis, hole)
        axes[0, column].set_title(title, fontsize=9)
    for axis, note in zip(axes[:, 0], notes, strict=False):
        axis.set_ylabel(note, fontsize=6)
    save(figure, path)


def _outline(axis, hole: np.ndarray) -> None:
    y, x = (np.flatnonzero(hole.any(axis=a)) for a in (1, 0))
    left, right, top, bottom = x[0] - 0.5, x[-1] + 0.5, y[0] - 0.5, y[-1] + 0.5
    axis.plot(
        [left, right, right, left, left],
        [top, top, bottom, bottom, top],
        color=MODEL,
        linewidth=0.7,
    )
