"""The ledger: what each step costs, what it dissipates, and how much of the signal is left after
it.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from quasistatic.fitted.ledger import LedgerReport
from quasistatic.report._wording import nats, short_number
from quasistatic.report.figures._drawing import Picture, draw
from quasistatic.report.figures._style import INK, MUTED, REAL, SAMPLED, THIRD

LINES = {"numbers": (REAL, "-"), "states": (SAMPLED, "--")}
"""Colour and stroke of a block of columns."""


def draw_ledger(found: LedgerReport) -> Picture:
    """Three panels over the step t."""
    steps = found.steps
    cost, dissipation = steps.cost.mean[:-1], steps.dissipation.mean[:-1]
    t = np.arange(1, len(cost) + 1)

    def paint(figure: Figure) -> None:
        top, middle, bottom = figure.subplots(3, 1, sharex=True)
        clipped = _bars(top, t, cost, REAL)
        top.set_title(
            "cost of step t, nats" + (f" (t = 1: {short_number(cost[0])})" if clipped else "")
        )
        _bars(middle, t, dissipation, THIRD, error=steps.dissipation.stderr[:-1])
        middle.set_title("dissipation of step t, nats")
        for b, name in enumerate(found.blocks):
            colour, stroke = LINES[name] if len(found.blocks) > 1 else (REAL, "-")
            bottom.plot(
                t,
                steps.corridor.signal[:, b],
                stroke,
                color=colour,
                label=name,
                drawstyle="steps-mid",
            )
        bottom.set_title("signal left after step t")
        bottom.set_ylim(-0.04, 1.04)
        bottom.set_xlabel("step t: from the row (left) to noise (right)")
        if len(found.blocks) > 1:
            bottom.legend(loc="upper right", borderaxespad=0.1, labelspacing=0.2)
        for axes in (top, middle, bottom):
            axes.locator_params(axis="y", nbins=4)
        bottom.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))

    dearest = int(np.argmax(cost)) + 1
    alt = (
        f"Cost, dissipation and remaining signal of steps 1 to {len(cost)}. The dearest step is t ="
        f" {dearest}; the dissipation adds up to"
        f" {nats(steps.dissipation.total, steps.dissipation.total_stderr)} nats."
    )
    caption = (
        "Top: the terms of -K, whose sum is what the model needs to undo the trajectory. Middle:"
        " the part of it that more trajectories give back, with its standard error; it adds up to"
        " log p - K. Bottom: how much of the row is left. Cost where the signal falls is"
        " information; dissipation is loss."
    )
    return Picture(
        draw(paint, name="ledger", alt=alt, height=430), caption, "Step by step", tall=True
    )


def _bars(
    axes: Axes, t: np.ndarray, values: np.ndarray, colour: str, error: np.ndarray | None = None
) -> bool:
    """Bars of the steps; True if the first one is cut off because it towers over the others."""
    if len(t) < 60:
        axes.bar(t, values, width=0.8, color=colour, linewidth=0)
    else:  # one shape, for a thousand steps too
        axes.stairs(values, np.append(t, len(t) + 1) - 0.5, fill=True, color=colour, linewidth=0)
    axes.axhline(0, color=MUTED, linewidth=0.8)
    if error is not None and len(t) <= 100 and np.isfinite(error).all():
        axes.vlines(t, values - error, values + error, color=INK, linewidth=0.8)
    others = values[1:]
    if not len(others) or abs(values[0]) <= 2 * np.max(np.abs(others)):
        return False
    reach = float(np.max(np.abs(others))) or 1.0
    low = min(float(np.min(others)), 0.0) - (
        0.1 * reach if values[0] < 0 or others.min() < 0 else 0.0
    )
    axes.set_ylim(low, max(float(np.max(others)), 0.0) + 0.1 * reach)
    return True
