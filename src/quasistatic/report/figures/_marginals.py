"""Each column's distribution, real rows against sampled ones: steps for numbers, bars for
categories.
"""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from quasistatic.report._columns import Marginal
from quasistatic.report._wording import counted, percent, pinched, plain, shortened
from quasistatic.report.figures._drawing import Picture, draw
from quasistatic.report.figures._style import MUTED, REAL, SAMPLED

_LABEL = 15


def draw_marginal(found: Marginal, number: int) -> Picture:
    """The picture of one column; `number` is its place in the page."""
    paint = _bars(found) if found.labels else _steps(found)
    height = 34.0 + 30.0 * len(found.labels) if found.labels else 165.0
    what = "sampled rows" if found.real is None else "real and sampled rows"
    alt = f"Distribution of {shortened(found.column.name, 60)} in {what}." + (
        "" if found.real is None else f" {_apart(found)}"
    )
    return Picture(
        draw(paint, name=f"marginal{number}", alt=alt, height=height),
        " ".join(_remarks(found)),
        plain(found.column.name),
    )


def _steps(found: Marginal):
    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        bins = len(found.sampled)
        edges = np.arange(bins + 1.0)
        if found.real is not None:
            axes.stairs(found.real, edges, fill=True, color=REAL, alpha=0.5, linewidth=0)
        axes.stairs(found.sampled, edges, color=SAMPLED, linewidth=2)
        axes.set_xlim(-0.02 * bins, 1.02 * bins)
        axes.set_xticks([place for place, _ in found.ticks], [text for _, text in found.ticks])
        _align_ends(axes.get_xticklabels(), [place / bins for place, _ in found.ticks])
        _share_axis(axes.yaxis)

    return paint


def _bars(found: Marginal):
    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        place = np.arange(len(found.labels))
        if found.real is None:
            axes.barh(place, found.sampled, height=0.6, color=SAMPLED)
        else:
            axes.barh(place - 0.2, found.real, height=0.36, color=REAL, alpha=0.75)
            axes.barh(place + 0.2, found.sampled, height=0.36, color=SAMPLED)
        axes.set_yticks(place, [pinched(label, _LABEL) for label in found.labels])
        axes.set_ylim(len(place) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.grid(False, axis="y")
        axes.grid(True, axis="x")
        axes.set_xlim(left=0)
        _share_axis(axes.xaxis)

    return paint


def _share_axis(axis) -> None:
    axis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.3g} %"))
    axis.set_tick_params(color=MUTED)


def _align_ends(labels, places: list[float]) -> None:
    """Long labels at the ends of the axis are turned inwards."""
    for label, place in zip(labels, places, strict=True):
        if len(label.get_text()) > 6:
            label.set_horizontalalignment(
                "left" if place < 0.15 else "right" if place > 0.85 else "center"
            )


def _apart(found: Marginal) -> str:
    return (
        f"{percent(found.distance)} of the rows would have to move for the two to agree "
        f"({percent(found.chance)} by chance alone)."
    )


def _remarks(found: Marginal) -> list[str]:
    remarks = [] if found.real is None else [_apart(found)]
    if found.merged:
        remarks.append(f"The {found.merged} rarest categories share one bar.")
    if found.beyond:
        remarks.append(
            f"{counted(found.beyond, 'value')} beyond the axis"
            f" {'is' if found.beyond == 1 else 'are'} in the outermost bins."
        )
    if found.column.atoms:
        atoms = ", ".join(f"{atom:g}" for atom in found.column.atoms[:4])
        more = len(found.column.atoms) - 4
        remarks.append(f"Mass of its own at {atoms}" + (f" and {more} more." if more > 0 else "."))
    if found.missing:
        remarks.append(f"{counted(found.missing, 'missing cell')} left out.")
    return remarks
