"""Figures of two-dimensional data: forward, reverse and drift (the paper's figure 1), samples
beside data, and the animation.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.data.cells import Cells
from quasistatic.experiments.figures.canvas import (
    DATA,
    FAINT,
    MODEL,
    blank,
    pixels_of,
    save,
    save_animation,
)
from quasistatic.experiments.paths import drift, forward_states, reverse_states
from quasistatic.model import DiffusionModel
from quasistatic.typing import Key

EXTENT = 3.2
POINTS = 1500
GRID = 17


def _square(axis) -> None:
    axis.set(
        xlim=(-EXTENT, EXTENT),
        ylim=(-EXTENT, EXTENT),
        aspect="equal",
        xticks=[-2, 0, 2],
        yticks=[-2, 0, 2],
    )


def trajectory_panels(model: DiffusionModel, rows: Cells, path: Path, *, key: Key) -> None:
    """Three rows of panels at t = 0, T/2 and T: q(x_t), p(x_t), and the drift f_mu(x_t, t) -
    x_t.
    """
    T = model.trajectory_length
    steps = [0, T // 2, T]
    figure, axes = blank(3, 3, (2.4, 2.5))
    forward = forward_states(
        model, rows.take(slice(0, POINTS)), steps, key=jax.random.fold_in(key, 1)
    )
    reverse = reverse_states(model, POINTS, steps[::-1], key=jax.random.fold_in(key, 2))[::-1]
    for column, (t, before, after) in enumerate(zip(steps, forward, reverse, strict=True)):
        for axis, states, colour in (
            (axes[0, column], before, DATA),
            (axes[1, column], after, MODEL),
        ):
            axis.plot(*states.T, ".", markersize=1.6, color=colour, alpha=0.6, rasterized=True)
        axes[0, column].set_title(f"t = {t}" if t in (0, T) else f"t = {t} = T/2", fontsize=10)
        _field(axes[2, column], model, max(t, 1), np.concatenate([before, after]))
    for axis, label in zip(
        axes[:, 0], ("data, $q(x_t)$", "model, $p(x_t)$", "drift, $f_\\mu(x_t,t)-x_t$"), strict=True
    ):
        axis.set_ylabel(label, fontsize=10)
    for axis in axes.flat:
        _square(axis)
    axes[2, 0].set_title("t = 1", fontsize=9)
    save(figure, path)


def _field(axis, model: DiffusionModel, t: int, seen: np.ndarray) -> None:
    """Arrows on a grid where there is something to see, each as long as the axis allows: the
    longest is one cell.
    """
    side = np.linspace(-EXTENT * 0.94, EXTENT * 0.94, GRID)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2).astype(np.float32)
    near = (
        np.min(np.sum(np.square(grid[:, None] - seen[None]), axis=-1), axis=1)
        < (side[1] - side[0]) ** 2
    )
    grid = grid[near]
    arrows = np.asarray(drift(model, jnp.asarray(grid), jnp.asarray(t)))
    longest = np.quantile(np.linalg.norm(arrows, axis=1), 0.98)
    cell = side[1] - side[0]
    axis.quiver(
        *grid.T,
        *(arrows * cell / longest).T,
        angles="xy",
        scale_units="xy",
        scale=1.0,
        color=MODEL,
        width=0.005,
    )
    axis.text(
        0.02, 0.02, f"longest {longest:.2g}", transform=axis.transAxes, fontsize=7, color=FAINT
    )


def samples_beside_data(data: np.ndarray, samples: dict[str, np.ndarray], path: Path) -> None:
    """The data, then the samples of every model."""
    figure, axes = blank(1, 1 + len(samples), (2.8, 3.0))
    for axis, (name, states), colour in zip(
        axes[0], [("data", data), *samples.items()], [DATA] + [MODEL] * len(samples), strict=True
    ):
        axis.plot(*states[:POINTS].T, ".", markersize=1.8, color=colour, alpha=0.6)
        axis.set_title(name, fontsize=10)
        _square(axis)
    save(figure, path)


def reverse_animation(model: DiffusionModel, path: Path, *, key: Key, points: int = 800) -> None:
    """The reverse trajectory as an animated GIF, one frame a step."""
    steps = list(range(model.trajectory_length, -1, -1))
    frames = []
    figure, axes = blank(1, 1, (3.2, 3.4))
    axis = axes[0, 0]
    (dots,) = axis.plot([], [], ".", markersize=2, color=MODEL, alpha=0.7)
    _square(axis)
    for t, states in zip(steps, reverse_states(model, points, steps, key=key), strict=True):
        dots.set_data(*states.T)
        axis.set_title(f"reverse trajectory, t = {t}", fontsize=9)
        frames.append(pixels_of(figure))
    save_animation(frames, path)
