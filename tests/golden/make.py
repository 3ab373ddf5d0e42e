"""Numbers of three small stored models, to be the same after every change of the code.

    python tests/golden/make.py            # compare with golden.json, print what differs
    python tests/golden/make.py --write    # write golden.json anew
    python tests/golden/make.py --fit      # fit and store the three models anew, too

The models are stored (a mixed table, a binary table, images of digits), so that training plays no
part; everything is asked through `quasistatic.load` and public methods. Sampled cells are kept as
column means and as a checksum; the checksum is of the machine that wrote it (another processor
rounds differently), and only reported."""

import argparse
import hashlib
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

HERE = Path(__file__).resolve().parent
TABLES = ("mixed", "binary", "digits")
TOLERANCE = 1e-5
"""Of a number, relative to its size where that is over 1."""


def penguins() -> pl.DataFrame:
    """The example table, with its holes."""
    return pl.read_csv(HERE.parents[1] / "examples" / "penguins.csv", null_values="NA")


def bits() -> pl.DataFrame:
    """Eight answers that hang together."""
    rng = np.random.default_rng(20150309)
    person = rng.integers(0, 3, 200)
    yes = rng.random((3, 8))[person] > rng.random((200, 8))
    return pl.DataFrame({f"q{i}": yes[:, i].astype(int) for i in range(8)})


def digits() -> np.ndarray:
    """Grey images, uint8 [N, 8, 8]."""
    from sklearn.datasets import load_digits

    return (load_digits().images[:200] * 15).astype(np.uint8)


def table(name: str) -> Any:
    """The rows that a model was fitted on."""
    return {"mixed": penguins, "binary": bits, "digits": digits}[name]()


def fit_models() -> None:
    """Fit and store the three models."""
    from quasistatic import DiffusionDensity

    small = {
        "width": 16,
        "depth": 1,
        "members": 1,
        "components": 1,
        "dropout": 0.0,
        "random_state": 0,
        "max_minutes": 2.9,
    }
    settings = {
        "mixed": {"trajectory_length": 16, "max_steps": 200, "frequencies": 2},
        "binary": {"max_steps": 200},
        "digits": {"trajectory_length": 8, "max_steps": 40, "width": 8, "frequencies": 0},
    }
    for name in TABLES:
        density = DiffusionDensity(**(small | settings[name])).fit(table(name))
        density.save(HERE / name, force=True)


def numbers_of(name: str, *, every: bool = True) -> dict[str, Any]:
    """Name of a quantity -> a list of numbers, or a checksum; without `every` the posteriors of the
    mixed table, each a long program to compile, are left out but for one."""
    from quasistatic import between, load

    density = load(HERE / name)
    rows = table(name)[:12]
    found: dict[str, Any] = {}
    for method, n in ("bound", 2), ("ais", 4), ("smc", 16), ("sandwich", 8):
        if name == "mixed" and method == "sandwich":
            continue  # it refuses holes
        r = density.log_likelihood(rows, method=method, trajectories=n)
        found[f"{method}: lower"] = r.lower
        if method != "bound":
            found[f"{method}: ess"] = r.ess
        if r.upper is not None:
            found[f"{method}: upper"] = r.upper
        for term, values in r.terms.items():
            found[f"{method}: {term}"] = values
    if name == "mixed":
        whole = rows.drop_nulls()
        r = density.log_likelihood(whole, method="bound", trajectories=2)
        found |= {f"whole rows, bound: {term}": values for term, values in r.terms.items()}
        given = {"species": "Adelie", "bill_length_mm": between(35, 40)}
        found["condition"] = _condition(density.condition(given))
    if name == "mixed" and every:
        r = density.log_likelihood(whole, method="smc", trajectories=16, steps=8)
        found |= {"whole rows, smc in 8 steps: lower": r.lower}
        found["posterior"] = _condition(density.posterior(lambda row: -0.001 * row["body_mass_g"]))
        found["product"] = _condition(density.product(density, trajectories=4))
        noisy = density.denoise(whole, {"body_mass_g": 100.0}, n_draws=16, particles=16)
        found["denoised"] = noisy["body_mass_g"].to_numpy()
        filled = density.impute(rows, n_imputations=2, particles=16)
        found["imputed"] = np.stack([f["body_mass_g"].to_numpy() for f in filled])
    if name == "binary":
        found["condition"] = _condition(density.condition({"q0": 1, "q1": [0, 1]}))
    certificate = density.certify(n=16, trajectories=4)
    found["certificate"] = [
        certificate.lower,
        certificate.upper,
        certificate.log_likelihood,
        certificate.ess,
    ]
    ledger = density.ledger(rows.drop_nulls() if name == "mixed" else rows, trajectories=4)
    found["ledger: cost"] = ledger.steps.cost.mean
    found["ledger: dissipation"] = ledger.steps.dissipation.mean
    return {k: np.asarray(v, np.float64).ravel().tolist() for k, v in found.items()} | _samples(
        density
    )


def _condition(conditioned: Any) -> list[float]:
    conditioned.sample(8, random_state=0, particles=16)
    return [conditioned.log_evidence, conditioned.stderr, conditioned.ess]


def _samples(density: Any) -> dict[str, Any]:
    drawn = density.sample(64, random_state=1)
    if isinstance(drawn, pl.DataFrame):
        drawn = drawn.with_columns(pl.col(pl.String).rank("dense"))
        drawn = drawn.select(pl.all().cast(pl.Float64)).to_numpy()
    content = np.ascontiguousarray(drawn, np.float64)
    return {
        "samples: means": content.reshape(64, -1).mean(axis=0).tolist(),
        "samples: checksum": hashlib.sha256(content.tobytes()).hexdigest(),
    }


def difference(stored: Any, found: Any) -> float:
    """The largest difference of two lists of numbers, relative where they are over 1; 0 or infinity
    of two texts."""
    if isinstance(stored, str):
        return 0.0 if stored == found else float("inf")
    a, b = np.asarray(stored, np.float64), np.asarray(found, np.float64)
    if a.shape != b.shape or not np.array_equal(np.isnan(a), np.isnan(b)):
        return float("inf")
    return float(np.nanmax(np.abs(a - b) / np.maximum(np.abs(a), 1.0), initial=0.0))


def stored_numbers() -> dict[str, dict[str, Any]]:
    """What `golden.json` holds."""
    return json.loads((HERE / "golden.json").read_text(encoding="utf-8"))


def main() -> int:
    """Compare, or write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="write golden.json")
    parser.add_argument("--fit", action="store_true", help="fit and store the models anew")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.fit:
        fit_models()
    found = {name: numbers_of(name) for name in TABLES}
    if options.write or options.fit:
        (HERE / "golden.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        return 0
    failed = 0
    for name, quantities in stored_numbers().items():
        for quantity, values in quantities.items():
            off = difference(values, found[name].get(quantity))
            if off > TOLERANCE:
                print(f"{name}, {quantity}: off by {off:.2g}")
                failed += 1
    print(f"{failed} quantities differ by more than {TOLERANCE:g}")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
