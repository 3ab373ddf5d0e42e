"""Figures over the steps of the trajectory: the entropy corridor, and schedules side by side; and
training curves.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.data.cells import Cells
from quasistatic.distribution import Normal
from quasistatic.experiments.experiment import Trained
from quasistatic.experiments.figures.canvas import DATA, FAINT, MODEL, blank, save
from quasistatic.model import DiffusionModel
from quasistatic.rows import iterate_rows
from quasistatic.thermodynamics.corridor import Corridor, row_corridor
from quasistatic.typing import Array, Key

COLOURS = (MODEL, FAINT, DATA, "#6a994e", "#8e6bb0")


def corridor(model: DiffusionModel, rows: Cells, path: Path, *, key: Key, chunk: int = 64) -> None:
    """Entropy of the reverse steps between its bounds (24), nats per column, without t = 1 where
    the lower bound is arbitrary.
    """
    parts = [
        jax.tree.map(lambda x: x.mean(axis=(0, 1)), draw)
        for draw in iterate_rows(row_corridor, model, (rows,), 1, key=key, chunk=chunk)
    ]
    n_columns = rows.value.shape[1]
    mean = Corridor(
        *(
            np.mean([np.asarray(getattr(part, name)) for part in parts], axis=0)[1:, 0]
            for name in Corridor._fields
        )
    )
    t = np.arange(2, model.trajectory_length + 1)
    figure, axes = blank(1, 2, (3.6, 2.8))
    lower, learned, upper = (x / n_columns for x in (mean.lower, mean.learned, mean.upper))
    axes[0, 0].fill_between(
        t, lower, upper, color=DATA, alpha=0.15, linewidth=0, label="corridor (24)"
    )
    axes[0, 0].plot(t, learned, color=MODEL, linewidth=1.3, label="reverse step")
    axes[0, 0].set(xlabel="t", ylabel="entropy, nats per column")
    axes[0, 0].legend(fontsize=8, frameon=False)
    place = (learned - lower) / np.maximum(upper - lower, 1e-12)
    axes[0, 1].plot(t, place, color=MODEL, linewidth=1.3)
    axes[0, 1].axhspan(0, 1, color=DATA, alpha=0.15, linewidth=0)
    axes[0, 1].set(
        xlabel="t", ylabel="place in the corridor", ylim=(-0.15, 1.15), yticks=[0, 0.5, 1]
    )
    save(figure, path)


def schedules(models: dict[str, DiffusionModel], path: Path) -> None:
    """alpha_bar_t and beta_t of every model's first column."""
    figure, axes = blank(1, 2, (3.6, 2.8))
    for (name, model), colour in zip(models.items(), COLOURS, strict=False):
        t = np.arange(1, model.trajectory_length + 1)
        log_signal, log_beta = _rates(model, jnp.asarray(t))
        axes[0, 0].plot(t, np.exp(log_signal), color=colour, label=name, linewidth=1.3)
        axes[0, 1].plot(t, np.exp(log_beta), color=colour, label=name, linewidth=1.3)
    axes[0, 0].set(xlabel="t", ylabel=r"$\bar\alpha_t$, signal left", ylim=(-0.03, 1.03))
    axes[0, 1].set(xlabel="t", ylabel=r"$\beta_t$, diffusion rate", yscale="log")
    axes[0, 0].legend(fontsize=8, frameon=False)
    save(figure, path)


def _rates(model: DiffusionModel, t: Array) -> tuple[Array, Array]:
    """log alpha_bar_t and log beta_t of the first column, from the distributions themselves."""
    block = model.forward.blocks[0]
    one = jnp.ones(block.n_columns)

    def at(s: Array) -> tuple[Array, Array]:
        marginal, kernel = block.marginal(one, s), block.kernel(one, s)
        assert isinstance(marginal, Normal)
        assert isinstance(kernel, Normal)
        return 2.0 * jnp.log(marginal.mean[0]), kernel.log_variance[0]

    return jax.vmap(at)(t)


def training(
    trained: tuple[Trained, ...],
    bits_per_nat: float,
    offset_nats: float,
    units: str,
    path: Path,
    *,
    over: Literal["step", "minutes"] = "step",
    levels: Mapping[str, float] | None = None,
) -> None:
    """The bound while training: of the validation rows, or of the training batches where there are
    none.

    Args:
        trained: trained models, a curve each.
        bits_per_nat: factor from nats per row to `units`.
        offset_nats: constant added before the conversion, nats per row.
        units: unit of the axis.
        path: path of the PNG file.
        over: quantity on the horizontal axis, training steps (default) or minutes since training
            began.
        levels: published values by name, a dotted line each.
    """
    figure, axes = blank(1, 1, (4.4, 3.0))
    axis = axes[0, 0]
    for item, colour in zip(trained, COLOURS, strict=False):
        place = [event[over] for event in item.history]
        bound = [
            event["valid_nats"] if np.isfinite(event["valid_nats"]) else event["train_nats"]
            for event in item.history
        ]
        axis.plot(
            place,
            (np.array(bound) + offset_nats) * bits_per_nat,
            color=colour,
            label=item.variant.name,
            linewidth=1.3,
        )
    for name, level in (levels or {}).items():
        axis.axhline(level, color=FAINT, linewidth=0.7, linestyle=":")
        axis.annotate(
            name,
            (1, level),
            (2, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            fontsize=6,
            va="center",
            color=FAINT,
        )
    if over == "minutes":
        axis.set_xlim(left=0.0)
    axis.set(
        xlabel={"step": "training step", "minutes": "minutes of training"}[over],
        ylabel=f"K, {units}",
    )
    axis.legend(fontsize=8, frameon=False)
    save(figure, path)
