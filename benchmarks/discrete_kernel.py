"""Which discrete kernel should be the default: likelihood of held-out training rows, and time.
Prints a Markdown table.

    QUASISTATIC_DATA=... python benchmarks/discrete_kernel.py [--trajectories 16]

Every kernel is fitted with default options on the same rows, and scored on rows that it did not
see: the published validation rows of the binary sets, a fifth of the training rows of `car` and
`congress`. Test rows are not touched.
"""

import argparse
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from density import figure, load_mixed
from machine import describe

from quasistatic import DiffusionDensity

KERNELS = ("absorbing", "binomial", "categorical")
ROWS = 2000
SEED = 0


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trajectories", type=int, default=16)
    parser.add_argument("--names", nargs="*", default=["nltcs", "plants", "car", "congress"])
    arguments = parser.parse_args()
    print(f"Machine: {describe()}; seed {SEED}\n")
    bound = f"AIS-{arguments.trajectories}"
    print(
        f"| set | kernel | T | K | {bound} | ESS | fit s | scoring s |\n"
        "|---|---|---|---|---|---|---|---|",
        flush=True,
    )
    for name in arguments.names:
        train, valid = split(name)
        for kernel in KERNELS:
            began = time.monotonic()
            model = DiffusionDensity(discrete_kernel=kernel, random_state=SEED).fit(train)
            fitted = time.monotonic()
            weighted = model.log_likelihood(
                valid, method="ais", trajectories=arguments.trajectories
            )
            scored = time.monotonic()
            bound = figure(model.log_likelihood(valid).lower)
            cells = [
                name,
                kernel,
                str(model.model_.trajectory_length),
                bound,
                figure(weighted.lower),
            ]
            cells += [
                f"{weighted.ess.mean():.1f}",
                f"{fitted - began:.0f}",
                f"{scored - fitted:.0f}",
            ]
            print("| " + " | ".join(cells) + " |", flush=True)


def split(name: str) -> tuple[Any, Any]:
    """Training and held-out rows."""
    folder = Path(os.environ["QUASISTATIC_DATA"])
    if (folder / "debd" / f"{name}.npz").exists():
        archive = np.load(folder / "debd" / f"{name}.npz")
        rows = [
            np.unpackbits(archive[k], axis=1)[:, : int(archive["n_vars"])]
            for k in ("train", "valid")
        ]
        return rows[0], rows[1][:ROWS]
    frame = load_mixed(folder / "fd27" / f"{name}.npz")
    order = np.random.default_rng(SEED).permutation(
        len(frame)
    )  # as in density.py, whose test rows come first
    _, valid, train = np.split(order, [len(frame) // 5, 2 * (len(frame) // 5)])
    return frame[train], frame[valid]


if __name__ == "__main__":
    main()
