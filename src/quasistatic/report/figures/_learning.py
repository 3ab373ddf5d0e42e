"""The learning curve: the bound on held-out rows by the number of rows fitted on."""

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from quasistatic.fitting.learning_curve import LearningCurve
from quasistatic.report._wording import counted, nats
from quasistatic.report.figures._drawing import Picture, draw
from quasistatic.report.figures._style import REAL


def draw_learning(found: LearningCurve) -> Picture:
    """Bounds with their errors; each doubling of the rows is as wide."""

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.errorbar(
            found.rows, found.bounds, found.stderrs, color=REAL, marker="o", markersize=4, capsize=3
        )
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_locator(FixedLocator(found.rows))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(found.rows, [f"{n:,}" for n in found.rows])
        axes.set_xlabel("rows fitted on")
        axes.set_title("log p of held-out rows, nats a row")
        axes.locator_params(axis="y", nbins=5)

    points = ", ".join(
        f"{nats(bound)} after {n:,}" for n, bound in zip(found.rows, found.bounds, strict=True)
    )
    alt = f"Learning curve: mean log p of {counted(found.held_out, 'held-out row')}: {points} rows."
    caption = (
        f"Mean log p, a lower side, of the same {counted(found.held_out, 'held-out row')} after"
        " fits on a quarter, a half and all of the training rows. The bars are standard errors over"
        " the held-out rows, which the three share: what a doubling gains is known more exactly."
    )
    return Picture(draw(paint, name="learning", alt=alt, height=240), caption)
