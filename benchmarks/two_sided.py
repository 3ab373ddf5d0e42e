"""How far apart lower and upper bound are, what fewer steps cost, and what resampling gains. Prints
Markdown tables.

    python benchmarks/two_sided.py swiss-roll
    QUASISTATIC_DATA=... python benchmarks/two_sided.py nltcs jester steps smc

`swiss-roll`: sandwich at T = 40 and K at T = 1000 against the exact entropy. `nltcs`, `jester`: the
certificate with 64 trajectories. `steps`: the bound on best sub-schedules of T = 1000 beside evenly
spaced ones, and the time; for the Swiss roll also a model that was trained with a tenth of the
steps. `smc`: sequential Monte Carlo against independent trajectories at equal and at half the
network evaluations (jester). Everything is fitted on training rows; test rows are scored once.
"""

import argparse
import math
import os
import time
from functools import lru_cache, partial
from pathlib import Path

import jax
import numpy as np
from machine import describe

from quasistatic import DiffusionDensity, load
from quasistatic.bound import evaluate_terms
from quasistatic.data.cells import EncodedTable
from quasistatic.data.table import from_frame
from quasistatic.experiments import spiral
from quasistatic.fitted.likelihood import mean_and_stderr
from quasistatic.model import DiffusionModel, thin

SEED = 0
SWISS_ROLL = {
    "column_transform": "affine",
    "width": 128,
    "depth": 3,
    "dropout": 0.0,
    "frequencies": 0,
    "max_steps": 12_000,
    "patience": 120,
}
DRAWS = 8
STEPS = (1000, 200, 100, 50, 20, 10)
BITS = 1 / math.log(2)


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="+", choices=tuple(PARTS))
    parser.add_argument(
        "--models",
        type=Path,
        metavar="DIR",
        help="models that `density.py --save DIR` kept, not to fit them again",
    )
    arguments = parser.parse_args()
    print(f"Machine: {describe()}; seed {SEED}\n", flush=True)
    for part in arguments.parts:
        PARTS[part](arguments.models)
        print(flush=True)


def show(*rows: dict[str, str]) -> None:
    """A Markdown table."""
    print("| " + " | ".join(rows[0]) + " |\n|" + "---|" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join(row.values()) + " |", flush=True)


def number(value: float, stderr: float | None = None) -> str:
    """Four digits, with the standard error."""
    return f"{value:.4f}" if stderr is None else f"{value:.4f} ± {stderr:.4f}"


@lru_cache
def roll(trajectory_length: int) -> DiffusionDensity:
    """A model of 50,000 rows of the Swiss roll."""
    settings = SWISS_ROLL | {"trajectory_length": trajectory_length}
    return DiffusionDensity(random_state=SEED, **settings).fit(spiral.sample(50_000, seed=1))


@lru_cache
def binary(name: str) -> dict[str, np.ndarray]:
    """One of the twenty data sets."""
    archive = np.load(Path(os.environ["QUASISTATIC_DATA"]) / "debd" / f"{name}.npz")
    return {
        k: np.unpackbits(archive[k], axis=1)[:, : int(archive["n_vars"])]
        for k in ("train", "valid", "test")
    }


@lru_cache
def fitted(name: str, models: Path | None) -> DiffusionDensity:
    """A model of one of them, the documented preset."""
    if models is not None and (models / name).is_dir():
        return load(models / name)
    data = binary(name)
    rows = np.concatenate([data["train"], data["valid"]])
    return DiffusionDensity(preset="thorough", random_state=SEED).fit(rows)


def swiss_roll(_: Path | None) -> None:
    """Bits per row, 2,000 test rows."""
    test = spiral.sample(2000, seed=2)
    truth = BITS * np.mean(spiral.log_density(test))
    found = roll(40).log_likelihood(test, "sandwich", 64)
    long = roll(1000).log_likelihood(test)
    certificate = roll(40).certify(n=1000, trajectories=64)
    show(
        {
            "Swiss roll, bits": "T = 40",
            "-H": number(spiral.NEGATIVE_ENTROPY_BITS),
            "mean log p of the data on these rows": number(truth),
            "K": number(BITS * roll(40).log_likelihood(test).mean),
            "lower": number(BITS * found.mean, BITS * found.mean_stderr),
            "upper (asymptotic)": number(BITS * np.mean(found.upper)),
            "width": number(BITS * found.gap[0], BITS * found.gap[1]),
            "certificate's gap": number(BITS * certificate.gap, BITS * certificate.gap_stderr),
            "K, T = 1000": number(BITS * long.mean, BITS * long.mean_stderr),
        }
    )


def certificate(name: str, models: Path | None) -> None:
    """Nats per row, 500 generated rows."""
    model, began = fitted(name, models), time.monotonic()
    found = model.certify(n=500, trajectories=64)
    show(
        {
            "certificate": name,
            "lower": number(found.lower),
            "Bennett": number(found.log_likelihood, found.log_likelihood_stderr),
            "upper": number(found.upper),
            "gap, nats": number(found.gap, found.gap_stderr),
            "Crooks' slope": number(found.crooks_slope, found.crooks_stderr),
            "ESS of 64": f"{found.ess:.1f}",
            "s": f"{time.monotonic() - began:.0f}",
        }
    )


def steps(_: Path | None) -> None:
    """K on sub-schedules of T = 1000: nltcs with the binomial kernel, and the Swiss roll."""
    data = binary("nltcs")
    rows = np.concatenate([data["train"], data["valid"]])
    bits = DiffusionDensity(
        preset="thorough", trajectory_length=1000, discrete_kernel="binomial", random_state=SEED
    )
    for name, model, test in (
        ("nltcs, binomial kernel, nats", bits.fit(rows), data["test"][:2000]),
        ("Swiss roll, nats", roll(1000), spiral.sample(2000, seed=2)),
    ):
        encoded, T = model.fitted_.encode(from_frame(test)), model.model_.trajectory_length
        whole, seconds = bound(model.model_, encoded)
        show(*[sub_schedule(name, model, encoded, n, whole, seconds) for n in STEPS if n < T])
        print(f"\nAll T = {T} steps: {number(*mean_and_stderr(whole))}\n", flush=True)
    trained, _ = bound(roll(100).model_, roll(100).fitted_.encode(from_frame(test)))
    print(f"Swiss roll, a model trained with T = 100: {number(*mean_and_stderr(trained))}")


def bound(model: DiffusionModel, encoded: EncodedTable) -> tuple[np.ndarray, float]:
    """K of every row, nats, and the seconds it took, without compilation; equal rows get noise of
    their own.
    """
    for repetitions in (1, DRAWS):  # once to compile
        began = time.monotonic()
        terms = evaluate_terms(
            model,
            encoded.rows,
            repetitions=repetitions,
            key=jax.random.key(SEED),
            identity=np.arange(len(encoded)),
        )
        seconds = time.monotonic() - began
    return terms.total.mean(axis=1) + encoded.log_volume, seconds


def sub_schedule(
    name: str,
    model: DiffusionDensity,
    encoded: EncodedTable,
    n: int,
    whole: np.ndarray,
    whole_seconds: float,
) -> dict[str, str]:
    """K and its time on the best and on the evenly spaced n of T steps, beside those of all T."""
    T = model.model_.trajectory_length
    found, seconds = bound(thin(model.model_, model.sub_schedule(n)), encoded)
    even, _ = bound(
        thin(model.model_, np.unique(np.round(np.linspace(T / n, T, n)).astype(int))), encoded
    )
    lost, error = mean_and_stderr(whole - found)
    size = abs(np.mean(whole))
    return {
        name: str(n),
        "K, best steps": number(*mean_and_stderr(found)),
        "K, even steps": number(float(np.mean(even))),
        "lost of K": f"{lost / size:.2%} ± {error / size:.2%}",
        "times faster": f"{whole_seconds / seconds:.1f}",
    }


def smc(models: Path | None) -> None:
    """Lower bounds of 500 test rows of jester; the network evaluations are trajectories x T."""
    model, test = fitted("jester", models), binary("jester")["test"][:500]
    baseline = model.log_likelihood(test, "ais", 64).lower
    rows = []
    for method, n in (("ais", 16), ("smc", 16), ("ais", 32), ("smc", 32), ("ais", 64), ("smc", 64)):
        found = model.log_likelihood(test, method, n, random_state=1)
        rows.append(
            {
                "jester": method,
                "trajectories": str(n),
                "lower, nats": number(found.mean, found.mean_stderr),
                "minus AIS-64 (other noise)": number(*mean_and_stderr(found.lower - baseline)),
                "mean stderr of a row": number(float(np.mean(found.stderr))),
            }
        )
    show(*rows)


PARTS = {
    "swiss-roll": swiss_roll,
    "nltcs": partial(certificate, "nltcs"),
    "jester": partial(certificate, "jester"),
    "steps": steps,
    "smc": smc,
}

if __name__ == "__main__":
    main()
