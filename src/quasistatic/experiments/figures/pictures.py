"""Figures of images: a grid of samples beside a grid of data, and the reverse trajectory as a strip
and as an animation.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from quasistatic.data.images.output import grid_of
from quasistatic.experiments.figures.canvas import blank, save, save_animation
from quasistatic.experiments.paths import reverse_states
from quasistatic.model import DiffusionModel
from quasistatic.typing import Key


def _show(axis, picture: np.ndarray, title: str) -> None:
    axis.imshow(picture, interpolation="nearest")
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
    axis.set_title(title, fontsize=10)


def samples_beside_data(
    data: np.ndarray, samples: dict[str, np.ndarray], path: Path, *, columns: int = 8
) -> None:
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
