"""Both sides of log p: row by row, their distance, and the scores of real rows beside those of the
model's own.
"""

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from quasistatic.fitted.likelihood import Likelihood
from quasistatic.report._wording import nats
from quasistatic.report.figures._drawing import Picture, draw
from quasistatic.report.figures._style import MUTED, REAL, SAMPLED

BINS = 30


def draw_sandwich(likelihood: Likelihood) -> Picture:
    """Lower and upper side of every scored row, sorted."""
    assert likelihood.upper is not None  # of the method "sandwich"
    order = np.argsort(likelihood.lower, kind="stable")
    lower, upper = likelihood.lower[order], likelihood.upper[order]
    place = np.arange(1, len(lower) + 1)

    def paint(figure: Figure) -> None:
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        if len(place) < 40:
            top.vlines(place, lower, upper, color=SAMPLED, linewidth=3)
            top.plot(place, upper, linestyle="", marker="_", color=SAMPLED, label="upper side")
            top.plot(
                place, lower, linestyle="", marker="o", markersize=4, color=REAL, label="lower side"
            )
        else:
            top.fill_between(
                place,
                lower,
                upper,
                color=SAMPLED,
                alpha=0.55,
                linewidth=0,
                label="up to the upper side",
            )
            top.plot(place, lower, color=REAL, label="lower side")
        top.set_title("log p, nats")
        bottom.plot(
            place,
            upper - lower,
            linestyle="",
            marker="o",
            markersize=3 if len(place) < 200 else 2,
            color=SAMPLED,
        )
        bottom.axhline(0, color=MUTED, linewidth=0.8)
        bottom.set_title("upper − lower side, nats")
        bottom.set_xlabel("rows, from the least likely")
        for axes in (top, bottom):
            axes.locator_params(nbins=5)
        figure.legend(loc="outside upper left", ncols=2)

    gap, stderr = likelihood.gap
    alt = (
        f"Lower and upper side of log p of {len(lower)} rows, sorted; mean distance"
        f" {nats(gap, stderr)} nats."
    )
    caption = (
        f"Both sides of each of {len(lower)} rows, sorted by the lower one. The mean distance is"
        f" {nats(gap, stderr)} nats. The upper side is asymptotic: above log p only in the limit of"
        " many trajectories, and of a single row it may be off."
    )
    return Picture(
        draw(paint, name="sandwich", alt=alt, height=330), caption, "Row by row", tall=True
    )


def draw_gaps(exact: np.ndarray, asymptotic: np.ndarray | None) -> Picture:
    """Histogram of upper - lower: of generated rows (a true upper side) and of real ones."""
    pool, edges = _bins(exact, asymptotic, 0.0, 0.99)
    paint = _histograms(edges, asymptotic, exact, "generated rows", "upper − lower side, nats")
    beyond = int(np.count_nonzero(pool > edges[-1]))
    alt = (
        "Histogram of the distance of the two sides; median of generated rows"
        f" {nats(float(np.median(exact)))} nats."
    )
    caption = (
        "How far the two sides of a row are apart. On rows that the model generated both are true"
        " bounds in expectation, so a single distance may fall below 0, but not their mean."
        + (" On real rows the upper side is asymptotic." if asymptotic is not None else "")
        + (f" {beyond} beyond the axis are in the last bin." if beyond else "")
    )
    return Picture(
        draw(paint, name="gaps", alt=alt, height=230), caption, "Distance of the two sides"
    )


def draw_scores(generated: np.ndarray, real: np.ndarray | None) -> Picture:
    """Histogram of the lower side: the model's own rows say what is usual."""
    pool, edges = _bins(generated, real, 0.005, 1.0)
    paint = _histograms(edges, real, generated, "sampled rows", "lower side of log p, nats")
    beyond = int(np.count_nonzero(pool < edges[0]))
    alt = f"Histogram of log p of sampled rows, mean {nats(float(generated.mean()))} nats"
    alt += "." if real is None else f", and of real rows, mean {nats(float(real.mean()))} nats."
    caption = (
        "The model's own rows show which scores are usual under it: real rows that are unusual lie"
        " to either side of them."
        if real is not None
        else "Scores of rows that the model drew itself: what is usual under it."
    ) + (f" {beyond} beyond the axis are in the first bin." if beyond else "")
    return Picture(draw(paint, name="scores", alt=alt, height=230), caption, "Scores")


def _bins(
    generated: np.ndarray, real: np.ndarray | None, first: float, last: float
) -> tuple[np.ndarray, np.ndarray]:
    """All values, and edges `[BINS + 1]` from one of their quantiles to another."""
    pool = generated if real is None else np.concatenate([generated, real])
    low, high = (float(q) for q in np.quantile(pool, (first, last)))
    return pool, np.linspace(low, high if high > low else low + 1, BINS + 1)


def _histograms(
    edges: np.ndarray, real: np.ndarray | None, generated: np.ndarray, label: str, what: str
) -> Callable[[Figure], None]:
    """A painter of the shares of generated rows, and of real ones behind them; those beyond the
    edges are in the outermost bins.

    Args:
        edges: edges of the bins, nats.
        real: values of real rows, nats; None if there are none.
        generated: values of generated rows, nats.
        label: name of the generated rows.
        what: name of the values.
    """

    def share(values: np.ndarray) -> np.ndarray:
        return np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] / len(values)

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        if real is not None:
            axes.stairs(
                share(real), edges, fill=True, color=REAL, alpha=0.5, linewidth=0, label="real rows"
            )
        axes.stairs(share(generated), edges, color=SAMPLED, linewidth=2, label=label)
        axes.set_xlabel(what)
        axes.set_title("share of rows")
        axes.locator_params(nbins=5)
        axes.yaxis.set_major_formatter(lambda part, _: f"{100 * part:.3g} %")
        if real is not None:
            figure.legend(loc="outside upper left", ncols=2)

    return paint
