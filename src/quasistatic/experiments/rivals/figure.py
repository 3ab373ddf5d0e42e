"""Quality against seconds: one point a method, one panel for each kind of data."""

from pathlib import Path
from typing import Any

from quasistatic.experiments.figures.canvas import DATA, FAINT, MODEL, blank, save
from quasistatic.experiments.rivals.bench import Bench
from quasistatic.experiments.rivals.entry import Entry

_LEAST = 1e-3
"""Nats and seconds below it are drawn there: the axes are logarithmic."""
_LETTER, _LINE = 3.5, 6.5
"""Width of a letter and height of a line of the names, points."""
_Named = tuple[tuple[float, float], str]
"""A point and its name."""


def quality_against_seconds(benches: list[Bench], path: Path) -> None:
    """Nats below the truth (below the best where it is unknown) against the seconds of the fit.

    Args:
        benches: finished benches; those of the spin glass share a panel.
        path: path of the PNG file.
    """
    from matplotlib.ticker import NullFormatter

    panels: dict[str, list[Bench]] = {}
    for bench in benches:
        panels.setdefault(bench.name.removesuffix("-models"), []).append(bench)
    columns = min(2, len(panels))
    figure, axes = blank(-(-len(panels) // columns), columns, (4.6, 3.4))
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, (name, parts) in zip(axes.flat, panels.items(), strict=False):
        points = []
        for bench in parts:
            best = max(entry.log_p for entry in bench.entries)
            truth = best if bench.truth is None else bench.truth
            points += [_point(axis, entry, truth) for entry in bench.entries]
        axis.set(xscale="log", yscale="log", title=name)
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.yaxis.set_minor_formatter(NullFormatter())
        axis.margins(x=0.25, y=0.1)
        axis.set_xlabel("seconds of the fit", fontsize=8)
        below = "best" if parts[0].truth is None else "truth"
        axis.set_ylabel(f"nats per row below the {below}", fontsize=8)
        _name(axis, points)
    save(figure, path)


def _point(axis: Any, entry: Entry, truth: float) -> _Named:
    """One method; diffusion in the colour of the model."""
    at = max(entry.fit_seconds, _LEAST), max(truth - entry.log_p, _LEAST)
    axis.plot(*at, "o", color=MODEL if entry.method.startswith("diffusion") else DATA, markersize=4)
    return at, entry.method.removeprefix("restricted machine, ").split(",")[0]


def _name(axis: Any, points: list[_Named]) -> None:
    """Their names, from the highest down; one that would lie on another moves below it."""
    scale = 72 / axis.figure.dpi
    taken: list[tuple[float, float, float]] = []
    for at, name in sorted(points, key=lambda point: -point[0][1]):
        x, y = axis.transData.transform(at) * scale
        width, offset = len(name) * _LETTER, 2.0
        for left, right, other in sorted(taken, key=lambda box: -box[2]):
            if x < right and left < x + width and abs(y + offset - other) < _LINE:
                offset = other - _LINE - y
        taken.append((x, x + width, y + offset))
        axis.annotate(
            name, at, xytext=(4, offset), textcoords="offset points", fontsize=6, color=FAINT
        )
