"""How long ForestDiffusion trains on the tables of `imputation.py`, at least. Prints a Markdown table.

    QUASISTATIC_DATA=... python benchmarks/forest_diffusion_time.py [NAMES]

It trains 100 trees a column for each of 50 noise levels, one level after the other and each like any other. Measured are two
levels (of little and of much noise), less what they take with one tree; 25 times that is the training but for its preparation.
The filling after it (RePaint, ten rounds, five times) is left out as well, so that the figure is a lower bound. Seconds of a
processor, which other work on the machine does not count for; seed 0, one process.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
from density import load_mixed
from imputation import codes, with_holes
from machine import describe

LEVELS, MEASURED, TREES = 50, 2, 100


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    folder = Path(os.environ["QUASISTATIC_DATA"]) / "fd27"
    names = parser.parse_args().names or sorted(path.stem for path in folder.glob("*.npz"))
    print(f"Machine: {describe()}\n")
    print("| table | rows x columns | s a noise level | s of training |\n|---|---|---|---|", flush=True)
    total = 0.0
    for name in names:
        _, _, holed = with_holes(load_mixed(folder / f"{name}.npz"), 0)
        x, categories = codes(holed)
        several = [j for j in categories if holed[:, j].dtype.categories.len() > 2]
        level = (seconds(x, several, categories, TREES) - seconds(x, several, categories, 1)) / MEASURED
        total += LEVELS * level
        print(f"| {name} | {len(x)} x {x.shape[1]} | {level:.2f} | {LEVELS * level:.0f} |", flush=True)
    print(f"| sum | | | {total:.0f} |")


def seconds(x: np.ndarray, several: list[int], categories: list[int], trees: int) -> float:
    """Of the processor, for a training on `MEASURED` noise levels."""
    from ForestDiffusion import ForestDiffusionModel

    binary = [j for j in categories if j not in several]
    began = time.process_time()
    ForestDiffusionModel(
        x,
        diffusion_type="vp",
        cat_indexes=several,
        bin_indexes=binary,
        n_t=MEASURED,
        n_estimators=trees,
        n_jobs=1,
        seed=0,
    )
    return time.process_time() - began


if __name__ == "__main__":
    main()
