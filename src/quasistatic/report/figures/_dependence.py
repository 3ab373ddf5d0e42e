"""How columns depend on each other: a matrix of normalised mutual information for real and one for
sampled rows.
"""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from quasistatic.report._association import Association
from quasistatic.report._wording import shortened
from quasistatic.report.figures._drawing import Picture, draw
from quasistatic.report.figures._style import INK, MUTED, REAL, SAMPLED, WIDTH

SHOWN = 12
"""Columns of a matrix at most: more have no room on a phone."""
_LABEL = 12
_MARGIN = 112.0
_STRONGEST = 0.6
"""Opacity of a full cell: the number on it must be legible."""


def draw_matrices(found: Association) -> list[Picture]:
    """The matrix of the real rows (if there are any) and that of the sampled ones, with the same
    first columns.
    """
    names = found.names[:SHOWN]
    pictures = []
    for kind, values, colour in (("real", found.real, REAL), ("sampled", found.sampled, SAMPLED)):
        if values is not None:
            kept = values[: len(names), : len(names)]
            cell = (WIDTH - _MARGIN) / len(names)
            svg = draw(
                _matrix(names, kept, colour),
                name=f"dependence-{kind}",
                alt=_alt(kind, names, kept),
                height=min(cell, 34.0) * len(names) + 30,
            )
            pictures.append(Picture(svg, "", f"{kind.capitalize()} rows"))
    return pictures


def _matrix(names: tuple[str, ...], values: np.ndarray, colour: str):
    size = len(names)

    def paint(figure: Figure) -> None:
        figure.set_layout_engine("none")
        axes = figure.add_subplot()
        height = figure.get_size_inches()[1] * 72
        axes.set_position(
            (_MARGIN / WIDTH, 4 / height, 1 - _MARGIN / WIDTH - 4 / WIDTH, (height - 30) / height)
        )
        for i in range(size):
            for j in range(size):
                if i == j or not np.isfinite(values[i, j]):
                    axes.add_patch(
                        Rectangle(
                            (j, i),
                            1,
                            1,
                            facecolor="none",
                            edgecolor=MUTED,
                            linewidth=0.4,
                            hatch="////" if i != j else None,
                        )
                    )
                    continue
                alpha = _STRONGEST * float(values[i, j])
                axes.add_patch(Rectangle((j, i), 1, 1, facecolor=colour, alpha=alpha, linewidth=0))
                axes.add_patch(
                    Rectangle((j, i), 1, 1, facecolor="none", edgecolor=MUTED, linewidth=0.4)
                )
                if size <= 9:
                    axes.text(
                        j + 0.5,
                        i + 0.54,
                        f"{100 * values[i, j]:.0f}",
                        color=INK,
                        ha="center",
                        va="center",
                    )
        axes.set(xlim=(0, size), ylim=(size, 0))
        axes.grid(False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, labelcolor=INK)
        axes.xaxis.tick_top()
        axes.set_xticks(np.arange(size) + 0.5, [str(j + 1) for j in range(size)])
        axes.set_yticks(
            np.arange(size) + 0.5,
            [f"{shortened(name, _LABEL)} {j + 1}" for j, name in enumerate(names)],
        )

    return paint


def _alt(kind: str, names: tuple[str, ...], values: np.ndarray) -> str:
    first, second = np.triu_indices(len(names), 1)
    strength = np.nan_to_num(values[first, second], nan=-1.0)
    strongest = [i for i in np.argsort(-strength, kind="stable")[:3] if strength[i] >= 0]
    pairs = "; ".join(
        f"{shortened(names[first[i]], 30)} and {shortened(names[second[i]], 30)}"
        f" {100 * strength[i]:.0f} %"
        for i in strongest
    )
    return (
        f"Matrix of the association of {len(names)} columns in {kind} rows. Strongest:"
        f" {pairs or 'none'}."
    )
