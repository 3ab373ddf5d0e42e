"""Quality against seconds: one point a method, one panel a bench."""

from pathlib import Path

from quasistatic.experiments.figures.canvas import DATA, FAINT, MODEL, blank, save
from quasistatic.experiments.rivals.benches import Bench


def quality_against_seconds(benches: list[Bench], path: Path) -> None:
    """Nats below the truth (below the best where it is unknown) against the seconds of the fit.

    Args:
        benches: finished benches.
        path: path of the PNG file.
    """
    figure, axes = blank(1, len(benches), (3.8, 3.4))
    for axis, bench in zip(axes[0], benches, strict=True):
        best = bench.truth
        if best is None:
            best = max(entry.log_p for entry in bench.entries)
        for entry in bench.entries:
            colour = MODEL if entry.method == "diffusion" else DATA
            gap = max(best - entry.log_p, 1e-3)
            axis.plot(max(entry.fit_seconds, 1e-3), gap, "o", color=colour, markersize=5)
            axis.annotate(
                entry.method.split(" (")[0].split(", ")[-1][:22],
                (max(entry.fit_seconds, 1e-3), gap),
                xytext=(4, 3), textcoords="offset points", fontsize=6, color=FAINT,
            )  # fmt: skip
        axis.set(xscale="log", yscale="log", title=bench.name)
        axis.set_xlabel("seconds of the fit", fontsize=8)
        below = "truth" if bench.truth is not None else "best"
        axis.set_ylabel(f"nats per row below the {below}", fontsize=8)
    save(figure, path)
