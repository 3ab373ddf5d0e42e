"""The entropy corridor (24) of the reverse steps with the learned entropy inside, block by
block.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from quasistatic.fitted.ledger import LedgerReport
from quasistatic.forward import (
    AbsorbingDiffusion,
    AbstractDiffusion,
    CategoricalDiffusion,
    ProductDiffusion,
)
from quasistatic.report.figures._drawing import Picture, draw
from quasistatic.report.figures._style import MUTED, REAL, SAMPLED

EVEN = 1e-4
"""Largest difference of two log-probabilities of an even pi."""

_UPPER = {
    "": (
        "The upper side is the entropy of the forward step: at the top, a step knows nothing beyond"
        " the noise, and above it, it is blunter than it need be. This side holds where noise adds"
        " entropy, as it does for even states and for numbers of at most unit variance in the"
        " model's scale."
    ),
    "absorbing": (
        "No upper side is drawn: it needs forward steps that add entropy, and an absorbing kernel"
        " ends in a certain state, all masks."
    ),
    "uneven": (
        "No upper side is drawn: it needs forward steps that add entropy, and this heat bath ends"
        " at uneven frequencies, which may have less of it than the rows."
    ),
}


def draw_corridors(found: LedgerReport, forward: ProductDiffusion) -> list[Picture]:
    """One picture a block: entropies of the steps t >= 2, above the lower side of the corridor."""
    pictures = [
        _draw(found, b, name, upper_side(block))
        for b, (name, block) in enumerate(zip(found.blocks, forward.blocks, strict=True))
    ]
    return [picture for picture in pictures if picture is not None]


def upper_side(block: AbstractDiffusion) -> str:
    """Why the upper side of the corridor does not hold for a block; empty where it does.

    It needs H(X_{t-1}) <= H(X_t), which an end of largest entropy guarantees: a uniform pi, or N(0,
    I) for columns of at most unit variance.
    """
    if isinstance(block, AbsorbingDiffusion):
        return "absorbing"
    if isinstance(block, CategoricalDiffusion):
        log_pi = np.asarray(block.log_pi)
        there = log_pi > -50  # the rest is padding
        uneven = [np.ptp(row[kept]) > EVEN for row, kept in zip(log_pi, there, strict=True)]
        return "uneven" if any(uneven) else ""
    return ""


def _draw(found: LedgerReport, b: int, name: str, broken: str) -> Picture | None:
    lower, learned, upper = (np.asarray(x)[1:, b] for x in found.steps.corridor[:3])
    if not len(lower):
        return None
    t = np.arange(2, len(lower) + 2)
    # Where there is a corridor, the entropies themselves span far more than it is wide.
    base = np.zeros_like(lower) if broken else lower

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        if broken == "absorbing":
            _stems(axes, t, lower, learned)
        else:
            if broken:
                axes.plot(t, lower, color=REAL, linestyle="--", label="lower side")
            else:
                axes.fill_between(
                    t,
                    lower - base,
                    upper - base,
                    color=REAL,
                    alpha=0.3,
                    linewidth=0,
                    label="corridor",
                )
            axes.plot(t, learned - base, color=SAMPLED, label="learned")
        axes.axhline(0, color=MUTED, linewidth=0.8)
        axes.set_xlabel("step t")
        axes.set_title(
            "entropy of the reverse step, nats" if broken else "entropy above the lower side, nats"
        )
        axes.locator_params(axis="y", nbins=5)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        figure.legend(loc="outside upper left", ncols=2)

    above = float(np.sum(learned - lower))
    alt = (
        f"Entropy of the reverse steps of the {name}: together {_two_digits(above)} nats above the"
        " corridor's lower side."
    )
    span = f"{_two_digits(learned.min())} to {_two_digits(learned.max())} nats"
    caption = (
        f"Steps t = 2 to {t[-1]} of the {name}. The lower side is the entropy of a step that knows"
        f" the row. The learned entropy, {span}, lies {_two_digits(above)} nats above it in all: so"
        " much less sharp are steps that have to guess."
    )
    return Picture(
        draw(paint, name=f"corridor{b}", alt=alt, height=240),
        f"{caption} {_UPPER[broken]}",
        f"Block of {name}",
    )


def _two_digits(value: np.floating | float) -> str:
    return f"{round(float(value), 2) + 0.0:.2f}"  # -0.00 is 0.00


def _stems(axes: Axes, t: np.ndarray, lower: np.ndarray, learned: np.ndarray) -> None:
    """An absorbing column is uncertain only at the few steps that reveal it."""
    shown = (lower > 1e-6) | (learned > 1e-6)
    size = 5 if np.count_nonzero(shown) < 40 else 2
    axes.vlines(t[shown], lower[shown], learned[shown], color=SAMPLED, linewidth=1.5)
    axes.plot(t[shown], learned[shown], "o", markersize=size, color=SAMPLED, label="learned")
    axes.plot(t[shown], lower[shown], "D", markersize=size, color=REAL, label="lower side")
    axes.set_xlim(1, t[-1] + 0.5)
