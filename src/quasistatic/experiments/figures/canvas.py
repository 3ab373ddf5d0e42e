"""A blank figure in the style of all others, and its way to a file."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from quasistatic.errors import SettingError
from quasistatic.experiments.written import write_file

DATA, MODEL, FAINT = "#1f4e79", "#c0504d", "#8c8c8c"
"""Colours: of data, of the model, of what is there for comparison."""


def blank(
    rows: int, columns: int, size: tuple[float, float], **options: Any
) -> tuple[Any, np.ndarray]:
    """A figure and its axes `[rows, columns]`; `size` of one panel in inches.

    Raises:
        SettingError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError as error:
        raise SettingError(
            "figures need matplotlib", fix="pip install 'quasistatic[experiments]'"
        ) from error
    layout = ConstrainedLayoutEngine(wspace=0.06, hspace=0.04)
    figure = Figure(figsize=(size[0] * columns, size[1] * rows), layout=layout)
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
    return figure, axes


def save(figure: Any, path: Path) -> None:
    """PNG, 150 dots per inch."""
    content = io.BytesIO()
    figure.savefig(content, dpi=150)
    write_file(path, content.getvalue())


def pixels_of(figure: Any) -> np.ndarray:
    """The figure as uint8 `[H, W, 3]`."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()


def save_animation(
    frames: Sequence[np.ndarray], path: Path, *, milliseconds: int = 80, hold: int = 1500
) -> None:
    """An animated GIF of uint8 frames `[H, W, 3]` or `[H, W]`; the last one stays for `hold`
    milliseconds.
    """
    from PIL import Image

    images = [
        Image.fromarray(frame).convert("P", palette=Image.Palette.ADAPTIVE, colors=64)
        for frame in frames
    ]
    durations = [milliseconds] * (len(images) - 1) + [hold]
    content = io.BytesIO()
    images[0].save(
        content,
        "GIF",
        save_all=True,
        append_images=images[1:],
        duration=durations,
        loop=0,
        optimize=True,
    )
    write_file(path, content.getvalue())
