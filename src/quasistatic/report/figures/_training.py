"""The training curve: the bound on rows trained on and on held-out rows, by optimiser step."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from quasistatic.report._wording import nats
from quasistatic.report.figures._drawing import Picture, draw
from quasistatic.report.figures._style import INK, MUTED, REAL, SAMPLED


def training_curve(history: list[dict[str, Any]]) -> Picture | None:
    """The curve of a training history; None where nothing was recorded."""
    if not history:
        return None
    step, train, valid = (
        np.array([e[k] for e in history], float) for k in ("step", "train_nats", "valid_nats")
    )
    train, valid = (np.where(np.isfinite(values), values, np.nan) for values in (train, valid))
    if not np.isfinite(np.concatenate([train, valid])).any():
        return None
    at = int(np.nanargmax(valid)) if np.isfinite(valid).any() else len(step) - 1
    marker = "o" if len(step) < 12 else None

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.plot(
            step,
            train,
            color=SAMPLED,
            linestyle="--",
            marker=marker,
            markersize=4,
            label="trained on",
        )
        axes.plot(step, valid, color=REAL, marker=marker, markersize=4, label="held out")
        axes.axvline(step[at], color=MUTED, linewidth=1, linestyle=":")
        axes.plot(step[at], valid[at], "o", color=REAL, markeredgecolor=INK, markersize=8)
        axes.set_ylim(*_view(train, valid))
        axes.set_xlabel("optimiser step")
        axes.set_title("bound K, nats per row")
        axes.locator_params(axis="y", nbins=5)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
        figure.legend(loc="outside upper left", ncols=2)

    best = f"{nats(float(valid[at]))} at step {int(step[at])}"
    alt = f"Training curve: the bound on held-out rows over {len(step)} evaluations, best {best}."
    caption = (
        "The bound K, a lower side of log p, on the rows trained on and on held-out rows; higher"
        f" is better. The best on held-out rows, marked, is {best}. Where the dashed line goes on"
        " rising while the solid one falls, the model learns its rows by heart."
    )
    return Picture(draw(paint, name="training", alt=alt, height=240), caption)


def _view(train: np.ndarray, valid: np.ndarray) -> tuple[float, float]:
    """The range of the curves without the steep beginning: it may lie far below."""
    values = np.concatenate([train, valid])
    values = values[np.isfinite(values)]
    low, high = float(np.quantile(values, 0.05)), float(values.max())
    low = float(values.min()) if high - values.min() < 3 * (high - low) else low
    pad = 0.08 * (high - low) or 0.5
    return low - pad, high + pad
