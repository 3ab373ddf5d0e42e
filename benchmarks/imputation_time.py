r"""A lower bound on the time of ForestDiffusion on the tables of `imputation.py`, beside the time
of `quasistatic`. Prints a Markdown table.

    QUASISTATIC_DATA=... python benchmarks/imputation_time.py [NAMES] \
        [--columns forest-diffusion quasistatic]

CPU seconds of one process, so that other work on the machine does not count; seed 0.

ForestDiffusion trains 100 trees a column for each of 50 noise levels, one level after the other, in
the same way. Measured are two levels (of little and of much noise), minus their time with one tree;
25 times that is the training without its preparation. It imputes by RePaint, ten rounds, five
times; measured is one imputation with trees that were trained on one draw of noise instead of a
hundred, and so are no deeper. Both are lower bounds. `quasistatic`: fit, five draws and point
imputation, including compilation.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from density import load_mixed
from holes import with_holes
from imputation import IMPUTATIONS, codes, ours
from machine import describe

LEVELS, MEASURED, TREES = 50, 2, 100


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*")
    parser.add_argument("--columns", nargs="*", choices=tuple(MEASURES), default=list(MEASURES))
    arguments = parser.parse_args()
    folder = Path(os.environ["QUASISTATIC_DATA"]) / "fd27"
    names = arguments.names or sorted(path.stem for path in folder.glob("*.npz"))
    print(f"Machine: {describe()}\n")
    measures = {title: m for column in arguments.columns for title, m in MEASURES[column].items()}
    print(
        f"| table | rows x columns | {' | '.join(measures)} |\n|---|---|{'---|' * len(measures)}",
        flush=True,
    )
    sums = np.zeros(len(measures))
    for name in names:
        _, _, holed = with_holes(load_mixed(folder / f"{name}.npz"), 0)
        found = [measure(holed) for measure in measures.values()]
        sums += found
        show(name, f"{len(holed)} x {holed.width}", found)
    show("sum", "", sums.tolist())


def show(name: str, size: str, seconds: list[float]) -> None:
    """A line."""
    print(f"| {name} | {size} | {' | '.join(f'{s:.0f}' for s in seconds)} |", flush=True)


def training(holed: pl.DataFrame) -> float:
    """Of ForestDiffusion."""
    several = processor_seconds(lambda: forest(holed, n_t=MEASURED, n_estimators=TREES))
    one = processor_seconds(lambda: forest(holed, n_t=MEASURED, n_estimators=1))
    return (several - one) * LEVELS / MEASURED


def filling(holed: pl.DataFrame) -> float:
    """Of ForestDiffusion."""
    model = forest(holed, n_t=LEVELS, n_estimators=TREES, duplicate_K=1)
    return IMPUTATIONS * processor_seconds(lambda: model.impute(k=1, repaint=True, r=10, j=0.1))


def forest(holed: pl.DataFrame, **settings: int) -> Any:
    """ForestDiffusion's model, trained."""
    from ForestDiffusion import ForestDiffusionModel

    x, categories = codes(holed)
    several = [j for j in categories if holed[:, j].dtype.categories.len() > 2]
    binary = [j for j in categories if j not in several]
    return ForestDiffusionModel(
        x,
        diffusion_type="vp",
        cat_indexes=several,
        bin_indexes=binary,
        n_jobs=1,
        seed=0,
        **settings,
    )


def processor_seconds(work: Callable[[], object]) -> float:
    """Of this process, all threads together."""
    began = time.process_time()
    work()
    return time.process_time() - began


MEASURES: dict[str, dict[str, Callable[[pl.DataFrame], float]]] = {
    "forest-diffusion": {"ForestDiffusion's training": training, "its filling": filling},
    "quasistatic": {"quasistatic": lambda holed: processor_seconds(lambda: ours(holed, 0))},
}

if __name__ == "__main__":
    main()
