"""What an accelerator makes of it: steps a second, rows scored a second, and the share of the
device's own matmul rate. Runs on whatever device JAX has; nothing in the package asks for one.

    python benchmarks/accelerator.py [--rows 200000]

The training step is that of `throughput.py`. Prints Markdown.
"""

import argparse
import time

import jax
import numpy as np
from machine import describe
from scale import piece
from throughput import training_step

from quasistatic import DiffusionDensity


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=200_000)
    arguments = parser.parse_args()
    device = jax.devices()[0]
    print(f"Device: {device.platform}, {device.device_kind}; host: {describe()}\n")
    training_step()
    print("| rows scored | rows/s, first time | rows/s | mean, nats |\n|---|---|---|---|")
    density = DiffusionDensity(model="diffusion", max_steps=100, random_state=0)
    density.fit(piece(20_000, 0))
    rows, rates = piece(arguments.rows, 1), []
    for _ in range(2):
        began = time.perf_counter()
        found = density.score_samples(rows)
        rates.append(len(found) / (time.perf_counter() - began))
    print(f"| {len(found):,} | {rates[0]:,.0f} | {rates[1]:,.0f} | {np.mean(found):.3f} |")


if __name__ == "__main__":
    main()
