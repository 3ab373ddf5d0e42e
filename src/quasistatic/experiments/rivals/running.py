"""Running the benches: numbers, tables and the figure into a folder."""

import json
import math
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from quasistatic.checkpoint import versions
from quasistatic.errors import OutputError, SettingError
from quasistatic.experiments.machine import machine
from quasistatic.experiments.markdown import markdown, number
from quasistatic.experiments.rivals import annealed, entry, normalisers
from quasistatic.experiments.rivals.bench import Bench, Stage
from quasistatic.experiments.rivals.benches import BENCHES
from quasistatic.experiments.rivals.figure import quality_against_seconds
from quasistatic.experiments.rivals.sizes import FULL, QUICK, Sizes
from quasistatic.experiments.written import write_file


def run(
    folder: Path,
    *,
    quick: bool,
    seed: int = 0,
    benches: Sequence[str] = (),
    force: bool = False,
    stage: Stage = lambda message: None,
    sizes: Sizes | None = None,
) -> dict[str, Any]:
    """Run the benches and write `metrics.json`, `results.md` and `quality.png`.

    Args:
        folder: folder for all output, created if absent.
        quick: whether to take the small sizes.
        seed: seed of everything (default 0).
        benches: names of the benches; empty (default): all.
        force: whether to write into a folder that is not empty (default False).
        stage: function called with a message before each piece of work.
        sizes: other sizes than the two; None (default) goes by `quick`.

    Raises:
        OutputError: the folder is not empty (and not `force`).
        SettingError: there is no bench of that name.
    """
    if unknown := [name for name in benches if name not in BENCHES]:
        raise SettingError(
            f"rivals has no variant {unknown[0]!r}", fix=f"choose among {', '.join(BENCHES)}"
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())) and not force:
        raise OutputError(
            "the folder holds something already",
            where=str(folder),
            fix="choose another one, or --force",
        )
    begun = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    chosen = sizes or (QUICK if quick else FULL)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # what did not converge is a column
        for name in benches or BENCHES:
            found.append(BENCHES[name](chosen, seed, stage))
            _write(folder, found, quick, seed, begun)
    quality_against_seconds(found, folder / "quality.png")
    return _write(folder, found, quick, seed, begun)


def results(found: Sequence[Bench]) -> str:
    """All tables as Markdown."""
    parts = []
    for bench in found:
        known = "" if bench.truth is None else f"; log p under the truth {bench.truth:.3f}"
        parts.append(f"### {bench.title}{known}\n\n{entry.table(bench.entries)}")
        if any(line.errors for line in bench.entries):
            parts.append(_errors(bench))
        if bench.log_z is not None and bench.claims:
            parts.append(normalisers.table(bench.claims, bench.log_z))
        if bench.annealed:
            parts.append(annealed.table(bench.annealed))
    return "\n".join(parts)


def _errors(bench: Bench) -> str:
    """Mean squared errors of couplings and correlations, beside those that are published."""
    head = ["method", "error of couplings", "of correlations", "of E x_i x_j"]
    if bench.published:
        head += ["ICML 2011: couplings", "correlations"]
    rows = []
    for line in bench.entries:
        values = [line.errors.get(name) for name in ("couplings", "correlations", "products")]
        if bench.published:
            values += bench.published.get(line.method, (None, None))
        rows.append([line.method, *(number(value, digits=4) for value in values)])
    return markdown(head, rows)


def _write(
    folder: Path, found: Sequence[Bench], quick: bool, seed: int, begun: float
) -> dict[str, Any]:
    metrics = {
        "experiment": "rivals",
        "quick": quick,
        "seed": seed,
        "versions": versions(),
        "machine": machine(),
        "units": "nats per row",
        "benches": {
            bench.name: {
                "title": bench.title,
                "truth": bench.truth,
                "log_z": bench.log_z,
                "entries": [line.to_json() for line in bench.entries],
                "claims": [claim.to_json() for claim in bench.claims],
                "annealed": [one.to_json() for one in bench.annealed],
            }
            for bench in found
        },
        "seconds": round(time.monotonic() - begun, 1),
    }
    write_file(folder / "results.md", results(found))
    text = json.dumps(_plain(metrics), indent=1, allow_nan=False) + "\n"
    write_file(folder / "metrics.json", text)
    return metrics


def _plain(value: Any) -> Any:
    """Values as JSON knows them: what is not finite becomes null."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
