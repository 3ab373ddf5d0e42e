"""Figures of binary sequences: samples beside data, and one reverse trajectory per row of the
picture (the paper's figure 2).
"""

from pathlib import Path

import numpy as np

from quasistatic.experiments.figures.canvas import blank, save, save_animation
from quasistatic.experiments.paths import reverse_states
from quasistatic.model import DiffusionModel
from quasistatic.typing import Key

SHOWN = 40


def samples_beside_data(data: np.ndarray, samples: dict[str, np.ndarray], path: Path) -> None:
    """Sequences as rows of pixels, black for 1: data (repeated at random), then every model."""
    figure, axes = blank(1, 1 + len(samples), (2.4, 3.6))
    rows = np.random.default_rng(0).integers(0, len(data), SHOWN)
    for axis, (name, values) in zip(axes[0], [("data", data[rows]), *samples.items()], strict=True):
        axis.imshow(
            1 - values[:SHOWN], cmap="gray", vmin=0, vmax=1, interpolation="nearest", aspect="auto"
        )
        axis.set(xticks=[0, 5, 10, 15], yticks=[], title=name)
        axis.set_xlabel("bin", fontsize=8)
    axes[0, 0].set_ylabel(f"{SHOWN} sequences")
    save(figure, path)


def trajectories(model: DiffusionModel, strip: Path, animation: Path, *, key: Key) -> None:
    """The same reverse trajectories at six times, and as an animated GIF."""
    T = model.trajectory_length
    shown = sorted({round(T * f) for f in np.linspace(1, 0, 41)}, reverse=True)
    states = reverse_states(model, SHOWN, shown, key=key)
    chosen = np.linspace(0, len(shown) - 1, 6).round().astype(int)
    figure, axes = blank(1, len(chosen), (1.7, 3.4))
    for axis, index in zip(axes[0], chosen, strict=True):
        axis.imshow(
            1 - states[index], cmap="gray", vmin=0, vmax=1, interpolation="nearest", aspect="auto"
        )
        axis.set(xticks=[], yticks=[])
        axis.set_title(f"t = {shown[index]}", fontsize=10)
    save(figure, strip)
    frames = [np.kron((255 * (1 - x)).astype(np.uint8), np.ones((6, 12), np.uint8)) for x in states]
    save_animation(
        [np.repeat(frame[..., None], 3, axis=-1) for frame in frames], animation, milliseconds=100
    )
