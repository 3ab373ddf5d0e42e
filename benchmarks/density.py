r"""Test log-likelihood beside published figures and baselines. Prints a Markdown table.

    QUASISTATIC_DATA=... python benchmarks/density.py debd nltcs plants \
        [--preset thorough] [--trajectories 64]
    QUASISTATIC_DATA=... python benchmarks/density.py fd27 [NAMES]

Where `zuko` is installed, tables of numbers alone get a neural spline flow beside the mixtures
(`spline_flow.py`); where `arfpy` is, every mixed table gets an adversarial random forest
(`forde.py`).

Splits: `debd` as published (the model's own validation split is taken from the training rows and
the published validation rows are added to them); `fd27` 80/20 with the given seed. Test rows are
scored once.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import polars as pl

from quasistatic import DiffusionDensity

# Nats per row: Chow-Liu, ID-SPN 2014, HCLT-100 (from the papers that introduced them).
PUBLISHED = {
    "nltcs": (-6.76, -6.02, -6.00),
    "plants": (-16.52, -12.54, -12.68),
    "jester": (-58.23, -52.86, -52.82),
    "accidents": (-33.19, -26.98, -26.64),
    "dna": (-87.74, -81.21, -87.78),
    "kosarek": (-11.49, -10.60, -10.59),
    "book": (-37.83, -34.14, -34.34),
    "ad": (-16.89, -19.05, -18.40),
}
RIVALS = ("mixture", "gaussian", "flow", "forest", "independent")
"""Those of mixed tables."""


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("suite", choices=("debd", "fd27"))
    parser.add_argument("names", nargs="*")
    parser.add_argument("--preset", default="default")
    parser.add_argument("--trajectories", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--discrete-kernel", default="absorbing")
    parser.add_argument("--save", type=Path, metavar="DIR", help="keep the models in DIR/NAME")
    parser.add_argument(
        "--rivals",
        nargs="*",
        choices=RIVALS,
        default=RIVALS,
        help="of fd27, these alone (none after the bare word); all of them take minutes a table",
    )
    parser.add_argument(
        "--set",
        nargs="*",
        default=[],
        metavar="NAME=VALUE",
        help="other settings of DiffusionDensity",
    )
    arguments = parser.parse_args()
    folder = Path(os.environ["QUASISTATIC_DATA"]) / arguments.suite
    names = arguments.names or sorted(path.stem for path in folder.glob("*.npz"))
    settings = dict(item.split("=") for item in arguments.set)
    model = {
        name: float(value) if "." in value or "e-" in value else int(value)
        for name, value in settings.items()
    }
    model |= {
        "preset": arguments.preset,
        "discrete_kernel": arguments.discrete_kernel,
        "random_state": arguments.seed,
    }
    run = binary if arguments.suite == "debd" else mixed
    for i, name in enumerate(names):
        row = run(folder / f"{name}.npz", model, arguments)
        if i == 0:
            print("| " + " | ".join(row) + " |\n|" + "---|" * len(row), flush=True)
        print("| " + " | ".join(row.values()) + " |", flush=True)


def figure(values: np.ndarray) -> str:
    """Mean and its standard error over the rows."""
    return f"{values.mean():.3f} ± {values.std(ddof=1) / np.sqrt(len(values)):.3f}"


def scored(model: DiffusionDensity, test, trajectories: int) -> tuple[np.ndarray, dict[str, str]]:
    """K of the test rows, nats each; in the table, K and the importance-weighted bound."""
    began = time.monotonic()
    bound, weighted = (
        model.log_likelihood(test),
        model.log_likelihood(test, method="ais", trajectories=trajectories),
    )
    return bound.lower, {
        "K": f"{bound.mean:.3f} ± {bound.mean_stderr:.3f}",
        f"AIS-{trajectories}": f"{weighted.mean:.3f} ± {weighted.mean_stderr:.3f}",
        "ESS": f"{weighted.ess.mean():.1f}",
        "scoring s": f"{time.monotonic() - began:.0f}",
    }


def binary(path: Path, settings: dict, arguments: argparse.Namespace) -> dict[str, str]:
    """One of the twenty data sets."""
    archive = np.load(path)
    data = {
        k: np.unpackbits(archive[k], axis=1)[:, : int(archive["n_vars"])]
        for k in ("train", "valid", "test")
    }
    began = time.monotonic()
    rows = np.concatenate([data["train"], data["valid"]])
    model = DiffusionDensity(**settings).fit(rows)
    seconds = time.monotonic() - began
    if arguments.save is not None:
        model.save(arguments.save / path.stem, force=True)
    published = PUBLISHED[path.stem]
    return {
        "set": path.stem,
        **scored(model, data["test"], arguments.trajectories)[1],
        "valid K": f"{model.manifest_['validation_bound_nats']:.3f}",
        "steps": str(model.history_[-1]["step"]),
        "fit s": f"{seconds:.0f}",
        **{
            k: f"{v:.2f}"
            for k, v in zip(("Chow-Liu", "ID-SPN", "HCLT-100"), published, strict=True)
        },
    }


def mixed(path: Path, settings: dict, arguments: argparse.Namespace) -> dict[str, str]:
    """One of the mixed tables; X and y together are the row."""
    frame = load_mixed(path)
    order = np.random.default_rng(arguments.seed).permutation(len(frame))
    n_test = len(frame) // 5
    test, train = frame[order[:n_test]], frame[order[n_test:]]
    began = time.monotonic()
    model = DiffusionDensity(**settings).fit(train)
    seconds = time.monotonic() - began
    k, columns = scored(model, test, arguments.trajectories)
    result = {
        "table": path.stem,
        "rows x columns": f"{len(train)} x {train.width}",
        **columns,
        "valid K": f"{model.manifest_['validation_bound_nats']:.3f}",
        "steps": str(model.history_[-1]["step"]),
        "fit s": f"{seconds:.0f}",
    }
    return result | rivals(model, train, test, k, arguments)


def rivals(
    model: DiffusionDensity,
    train: pl.DataFrame,
    test: pl.DataFrame,
    k: np.ndarray,
    arguments: argparse.Namespace,
) -> dict[str, str]:
    """The wanted ones, on the same rows and with the same base measure; k is K of the test rows."""
    from baselines import independent, mixture, numbers
    from forde import forest_density
    from forde import is_installed as has_forest
    from mixed_mixture import mixed_mixture
    from spline_flow import is_installed, spline_flow

    codec, seed, wanted = model.fitted_.codec, arguments.seed, arguments.rivals
    discrete = np.array([c.is_discrete for c in codec.schema.columns if not c.constant])
    whole = numbers(codec, train), numbers(codec, test)
    n_valid = max(len(train) // 10, min(40, len(train) // 4))
    parts = [numbers(codec, part) for part in (train[n_valid:], train[:n_valid], test)]
    result: dict[str, str] = {}
    if "mixture" in wanted:
        values, chosen = mixed_mixture(*whole, discrete, seed)
        result |= {"mixed mixture": figure(values), "its size": chosen}
        result["K - mixed mixture"] = figure(k - values)
    if "gaussian" in wanted:
        values, chosen = mixture(*parts, seed)
        result |= {"Gaussian mixture": figure(values), "components": chosen}
    if "flow" in wanted:
        flow = chosen = ""
        if is_installed() and not discrete.any():
            values, chosen = spline_flow(*parts, seed)
            flow = figure(values)
        result |= {"spline flow": flow, "its settings": chosen}
    if "forest" in wanted and has_forest():
        values, chosen = forest_density(*whole, discrete, seed)
        result |= {"random forest": figure(values), "forest's settings": chosen}
        result["K - random forest"] = figure(k - values)
    if "independent" in wanted:
        result["independent"] = figure(independent(*parts, seed))
    return result


def load_mixed(path: Path) -> pl.DataFrame:
    """Columns of X with their kinds, and the target, rows with a test-time unseen category kept
    (categories are declared).
    """
    archive = np.load(path, allow_pickle=False)
    x, y = archive["X"], archive["y"]
    discrete = set(archive["bin_x"].tolist()) | set(archive["cat_x"].tolist())
    columns = {}
    for j in range(x.shape[1]):
        values = x[:, j]
        if j in discrete:
            values = pl.Series(values.astype(str), dtype=pl.Enum(sorted(set(values.astype(str)))))
        columns[f"x{j}"] = values
    categorical = (
        str(archive["ytype"]) not in ("continuous", "regression", "float")
        and len(np.unique(y)) <= 20
    )
    columns["y"] = (
        pl.Series(y.astype(str), dtype=pl.Enum(sorted(set(y.astype(str))))) if categorical else y
    )
    return pl.DataFrame(columns)


if __name__ == "__main__":
    main()
