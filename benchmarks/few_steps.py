r"""How many steps and components a table needs: K and AIS-16 of held-out rows, seconds to fit and
to score, for every combination. Prints a Markdown table.

    QUASISTATIC_DATA=... python benchmarks/few_steps.py fd27 yeast concrete_compression \
        [--steps 8 16 64] [--components 1 16] [--max-steps 1000]
    QUASISTATIC_DATA=... python benchmarks/few_steps.py debd plants accidents --steps 16 0
    python benchmarks/few_steps.py digits binary grey --steps 8 16 [--images]

A step number of 0 is the default of the table. The rows are those that defaults may be chosen by:
of `fd27` a quarter of the training rows is held out (test rows are set aside as in `density.py`),
of `debd` the published validation rows, of scikit-learn's 8 x 8 `digits`, whose pixels are columns,
a fifth; but for those with a state that no training row has. One network each, without
ensemble; `mixture` is the model without a network, `U-Net` that of images, as which the digits are
fitted last, with the default steps and components; with `--images` they are fitted as images alone,
with every combination.
"""

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from density import load_mixed
from sklearn.datasets import load_digits

from quasistatic import DiffusionDensity
from quasistatic.data.layout import are_images

NETWORK = {"model": "diffusion", "members": 1}


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("suite", choices=("debd", "fd27", "digits"))
    parser.add_argument("names", nargs="+")
    parser.add_argument("--steps", nargs="*", type=int, default=[8, 16, 64])
    parser.add_argument("--components", nargs="*", type=int, default=[1, 16])
    parser.add_argument("--max-steps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", action="store_true", help="the digits as images alone")
    arguments = parser.parse_args()
    if arguments.images and arguments.suite != "digits":
        parser.error("--images is of the digits")
    headers = "table", "T", "components", "K", "AIS-16", "fit CPU s", "score CPU s, K"
    print("| " + " | ".join(headers) + " |\n|" + "---|" * len(headers), flush=True)
    for name in arguments.names:
        for rows, settings in measurements(name, arguments):
            row = name, *measured(*rows, settings, arguments.seed)
            print("| " + " | ".join(row) + " |", flush=True)


def measurements(name: str, arguments: argparse.Namespace) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Rows to train on, rows that are held out, and settings; the digits as images in the end, or
    alone.
    """
    if arguments.suite != "digits":
        path = Path(os.environ["QUASISTATIC_DATA"]) / arguments.suite / f"{name}.npz"
        rows = rows_of(path, arguments.seed)
        yield from ((rows, settings) for settings in combinations(arguments))
        return
    images = digits(name, arguments.seed)
    if arguments.images:
        yield from ((images, settings) for settings in of_networks(arguments))
        return
    columns = [stack.reshape(len(stack), -1) for stack in images]
    yield from ((columns, settings) for settings in combinations(arguments))
    yield images, NETWORK | {"max_steps": arguments.max_steps}


def digits(name: str, seed: int) -> list[np.ndarray]:
    """Images to train on and images that are held out: grey levels from 0 to 16, or two values."""
    stack = load_digits().images.astype(np.uint8)
    stack = {"grey": stack, "binary": (stack >= 8).astype(np.uint8)}[name]
    order = np.random.default_rng(seed).permutation(len(stack))
    train, held_out = stack[order[len(stack) // 5 :]], stack[order[: len(stack) // 5]]
    return [train, known_to(train, held_out)]


def known_to(train: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The rows without a state that no training row has."""
    constant = train.min(axis=0) == train.max(axis=0)
    return rows[np.all(rows[:, constant] == train[0, constant], axis=1)]


def combinations(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """The mixture alone, then the networks."""
    return [{"model": "mixture"}, *of_networks(arguments)]


def of_networks(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Every number of steps with every number of components."""
    network = NETWORK | {"max_steps": arguments.max_steps}
    return [
        network | {"trajectory_length": steps or None, "components": components}
        for steps in arguments.steps
        for components in arguments.components
    ]


def rows_of(path: Path, seed: int) -> tuple[Any, Any]:
    """Rows to train on and rows that are held out; no test row is among them."""
    if path.parent.name == "debd":
        archive = np.load(path)
        n = int(archive["n_vars"])
        train, valid = (np.unpackbits(archive[k], axis=1)[:, :n] for k in ("train", "valid"))
        return train, known_to(train, valid)
    frame = load_mixed(path)
    order = np.random.default_rng(seed).permutation(len(frame))
    known = frame[order[len(frame) // 5 :]]
    return known[len(known) // 4 :], known[: len(known) // 4]


def measured(train: Any, held_out: Any, settings: dict[str, Any], seed: int) -> tuple[str, ...]:
    """T, components, K and AIS-16 of the held-out rows, CPU seconds to fit and to score once more
    (programs are compiled by then).
    """
    began = time.process_time()
    density = DiffusionDensity(random_state=seed, **settings).fit(train)
    fitting = time.process_time() - began
    bound = density.log_likelihood(held_out)
    weighted = density.log_likelihood(held_out, method="ais", trajectories=16)
    began = time.process_time()
    density.log_likelihood(held_out, random_state=1)
    scoring = time.process_time() - began
    model = density.model_
    kind = "U-Net, " if are_images(density.schema_.layout) else ""
    return (
        str(model.trajectory_length),
        "mixture" if settings["model"] == "mixture" else f"{kind}{model.n_components}",
        f"{bound.mean:.3f} ± {bound.mean_stderr:.3f}",
        f"{weighted.mean:.3f} ± {weighted.mean_stderr:.3f}",
        f"{fitting:.0f}",
        f"{scoring:.1f}",
    )


if __name__ == "__main__":
    main()
