"""Figures of images: a grid of samples beside a grid of data, and the reverse trajectory as a strip and as an animation."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from quasistatic.experiments.figures.canvas import blank, save, save_animation
from quasistatic.experiments.paths import reverse_states
from quasistatic.model import DiffusionModel
from quasistatic.typing import Key

GAP = 2


def grid_of(images: np.ndarray, columns: int, *, fill: int = 255) -> np.ndarray:
    """Images `[N, C, H, W]` as one picture `[rows, columns, 3]`, uint8, row by row, a white gap between them.

    Example:
        >>> grid_of(np.zeros((3, 1, 4, 4), np.uint8), 2).shape
        (10, 10, 3)
    """
    images = np.broadcast_to(images, (len(images), 3, *images.shape[2:]))
    n, _, height, width = images.shape
    rows = -(-n // columns)
    canvas = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), fill, np.uint8)
    for number, image in enumerate(images):
        y, x = (number // columns) * (height + GAP), (number % columns) * (width + GAP)
        canvas[y : y + height, x : x + width] = np.moveaxis(image, 0, -1)
    return canvas


def _show(axis, picture: np.ndarray, title: str) -> None:
    axis.imshow(picture, interpolation="nearest")
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
    axis.set_title(title, fontsize=10)


def samples_beside_data(data: np.ndarray, samples: dict[str, np.ndarray], path: Path, *, columns: int = 8) -> None:
    """uint8 images `[N, C, H, W]`: the data's grid, then that of every model."""
    figure, axes = blank(1, 1 + len(samples), (3.2, 3.4))
    for axis, (name, images) in zip(axes[0], [("data", data), *samples.items()], strict=True):
        _show(axis, grid_of(images, columns), name)
    save(figure, path)


def reverse_pictures(
    model: DiffusionModel,
    decode: Callable[[np.ndarray], np.ndarray],
    strip: Path,
    animation: Path,
    *,
    key: Key,
    n: int = 16,
    frames: int = 24,
) -> None:
    """Reverse trajectories: a few times side by side, and `frames` times as an animated GIF."""
    T = model.trajectory_length
    shown = sorted({round(T * f**1.5) for f in np.linspace(1, 0, frames)}, reverse=True)
    pictures = [decode(states) for states in reverse_states(model, n, shown, key=key)]
    chosen = np.unique(np.linspace(0, len(shown) - 1, 6).round().astype(int))
    figure, axes = blank(1, len(chosen), (1.9, 2.1))
    for axis, index in zip(axes[0], chosen, strict=True):
        _show(axis, grid_of(pictures[index], 4), f"t = {shown[index]}")
    save(figure, strip)
    large = [np.kron(grid_of(p, 4), np.ones((3, 3, 1), np.uint8)) for p in pictures]
    save_animation(large, animation, milliseconds=120)
