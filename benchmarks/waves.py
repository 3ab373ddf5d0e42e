"""What Fourier features gain in the network of images. Prints a Markdown table.

    python benchmarks/waves.py [digits leaves] [--octaves 0 6] [--seed 0]

`digits`: the 1,797 handwritten digits of scikit-learn, 8 x 8 pixels. `leaves`: 6,000 patches of
dead leaves, 16 x 16 pixels, made by `reproduce`'s generator. A fifth of the images are test images.
Every model is fitted with the default options except `frequencies`; K is that of the test images,
which are not used in the fit, ± the standard error over the images; the gain is relative to the
first line of a set, image by image.
"""

import argparse
import math
import time

import numpy as np
from machine import describe
from sklearn.datasets import load_digits

from quasistatic import DiffusionDensity
from quasistatic.experiments.leaves import patches

SETS = {
    "digits": lambda seed: load_digits().images.astype(np.uint8),
    "leaves": lambda seed: patches(6000, 16, seed)[:, 0],
}


def main() -> None:
    """Parse, fit, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SETS)}")
    parser.add_argument("--octaves", nargs="*", type=int, default=[0, 6])
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(f"Machine: {describe()}; seed {arguments.seed}\n")
    print(
        "| images | octaves | K, bits per pixel | gain | fit s |\n|---|---|---|---|---|", flush=True
    )
    for name in arguments.names or SETS:
        stack = SETS[name](arguments.seed)
        order = np.random.default_rng(arguments.seed).permutation(len(stack))
        test, train = np.split(order, [len(stack) // 5])
        first = None
        for octaves in arguments.octaves:
            began = time.monotonic()
            model = DiffusionDensity(frequencies=octaves, random_state=arguments.seed).fit(
                stack[train]
            )
            seconds = time.monotonic() - began
            bits = model.score_samples(stack[test]) / math.log(2) / stack[0].size
            first = bits if first is None else first
            print(
                f"| {name} | {octaves} | {mean(bits)} | {mean(bits - first)} | {seconds:.0f} |",
                flush=True,
            )


def mean(x: np.ndarray) -> str:
    """With its standard error."""
    return f"{x.mean():.3f} ± {x.std(ddof=1) / math.sqrt(len(x)):.3f}"


if __name__ == "__main__":
    main()
