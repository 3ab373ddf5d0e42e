"""Work in both directions, and Crooks' relation held against it."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from quasistatic.report._wording import nats
from quasistatic.report.figures._drawing import Picture, draw
from quasistatic.report.figures._style import INK, MUTED, REAL, SAMPLED, THIRD
from quasistatic.thermodynamics.bennett import bennett
from quasistatic.thermodynamics.crooks import Slope, work_histogram
from quasistatic.thermodynamics.work import Work

BINS = 32
GROUPS = 7
SMALLEST_GROUP = 5.0
"""Reversals expected in a group of trajectories, so that its error bar means something."""


def draw_work(work: Work) -> Picture:
    """Histograms of W - dF of forward and reverse trajectories, dF of each row by Bennett's
    acceptance ratio.
    """
    free_energy = bennett(work.forward, work.reverse[:, None])[0]
    forward, reverse = work.forward - free_energy[:, None], work.reverse - free_energy
    low, high = np.quantile(np.concatenate([forward.ravel(), reverse]), (0.0005, 0.9995))
    found = work_histogram(np.clip(forward, low, high), np.clip(reverse, low, high), BINS)
    dissipated = float(np.mean(forward))

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.stairs(
            found.forward / forward.size,
            found.edges,
            fill=True,
            color=REAL,
            alpha=0.5,
            linewidth=0,
            label="forward",
        )
        axes.stairs(
            found.reverse / reverse.size, found.edges, color=SAMPLED, linewidth=2, label="reverse"
        )
        axes.axvline(0, color=MUTED, linewidth=1)
        axes.set_xlabel("W − ΔF, nats")
        axes.set_title("share of trajectories")
        axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.3g} %")
        axes.locator_params(nbins=5)
        figure.legend(loc="outside upper left", ncols=2)

    alt = (
        "Histograms of the work of forward and reverse trajectories; forward ones dissipate"
        f" {nats(dissipated)} nats on average."
    )
    caption = (
        "Work W = -log w of trajectories of the model's own rows, minus the row's free energy ΔF ="
        f" -log p. Forward ones lie to the right (they dissipate {nats(dissipated)} nats on"
        " average), reverse ones to the left; the histograms cross at 0. The closer together they"
        " are, the tighter are the bounds. Values far out are counted in the outermost bins."
    )
    return Picture(
        draw(paint, name="work", alt=alt, height=240), caption, "Work in both directions"
    )


def draw_crooks(work: Work, slope: Slope) -> Picture:
    """How often a trajectory is the one that generated its row: as Crooks' relation predicts, and
    as counted.
    """
    predicted, counted, stderr = reversal_odds(work)

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        seen = np.concatenate([predicted, counted[counted > 0]])
        low, high = 0.6 * float(seen.min()), min(1.6 * float(seen.max()), 1.1)
        axes.plot(
            [low, high],
            [low, high],
            color=MUTED,
            linewidth=1.2,
            linestyle="--",
            label="Crooks' relation",
        )
        axes.set(xscale="log", yscale="log")
        axes.errorbar(
            predicted,
            np.maximum(counted, low),
            yerr=[np.minimum(stderr, 0.95 * np.maximum(counted, low)), stderr],
            fmt="o",
            color=THIRD,
            ecolor=INK,
            elinewidth=1,
            markersize=6,
            label="counted",
        )
        axes.set(xlim=(low, high), ylim=(low, high))
        ticks = _logarithmic_ticks(low, high)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(FixedLocator(ticks))
            axis.set_major_formatter(lambda share, _: f"{100 * share:.3g} %")
            axis.set_minor_locator(NullLocator())
        axes.set_xlabel("predicted chance to be the reverse one")
        axes.set_title("found")
        figure.legend(loc="outside upper left", ncols=2)

    value = nats(slope.value, slope.stderr)
    alt = (
        "Crooks check: chance to be the reverse trajectory, predicted against found in"
        f" {len(predicted)} groups; slope {value}."
    )
    caption = (
        f"Among the {work.forward.shape[1] + 1} trajectories of a row, Crooks' relation says by"
        " their work which one generated it. Points on the dashed line: weights, bridges and"
        f" sampler fit together. Its slope is {value} and should be 1."
    )
    return Picture(draw(paint, name="crooks", alt=alt, height=260), caption, "Crooks' relation")


def _logarithmic_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten within the range, or every other one where they are many."""
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    ticks = [
        digit * 10.0**decade
        for decade in decades
        for digit in (1, 2, 5)
        if low <= digit * 10.0**decade <= high
    ]
    return ticks if len(ticks) <= 5 else [tick for tick in ticks if f"{tick:e}".startswith("1")]


def reversal_odds(work: Work) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chance of a trajectory to be the reverse one: predicted, counted, and the standard error of
    the count, by groups.

    Given the weights of a row's trajectories, of which one generated it, that is the k-th with
    probability `w_k / sum_j w_j`: exact for any number of trajectories, without an estimate of the
    free energy. Trajectories are grouped by that probability.
    """
    log_weights = -np.concatenate([work.reverse[:, None], work.forward], axis=1)
    share = np.exp(log_weights - np.logaddexp.reduce(log_weights, axis=1, keepdims=True))
    order = np.argsort(share, axis=None, kind="stable")
    share, reverse = share.ravel()[order], (order % share.shape[1] == 0).astype(float)
    variance = share * (1 - share)
    groups = int(np.clip(variance.sum() / SMALLEST_GROUP, 1, GROUPS))
    # Groups of equal information, so that their error bars are alike.
    group = np.minimum((np.cumsum(variance) / variance.sum() * groups).astype(int), groups - 1)
    n = np.bincount(group, minlength=groups)
    predicted, found = (np.bincount(group, values, groups) / n for values in (share, reverse))
    return predicted, found, np.sqrt(np.bincount(group, variance, groups)) / n
