"""Speed of training, scoring and sampling, and the whole `fit` from the shell. Prints Markdown
tables.

    python benchmarks/throughput.py [--rows 10000]

The training step is compared with the machine's own float32 matmul rate, measured in turn with it
(pairs, median of the ratios): FLOPs are counted as 6 per weight and row (forward 2, backward 4),
which leaves out everything that is no matrix product.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from machine import describe, matmul_rate

from quasistatic import load
from quasistatic.assemble import assemble
from quasistatic.config import ModelConfig, TrainConfig
from quasistatic.data.cells import Cells
from quasistatic.train._step import run_steps
from quasistatic.train.state import initial_state, learning_shares, time_probabilities, trainable

BATCH, STEPS = 512, 100


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000)
    arguments = parser.parse_args()
    print(f"Machine: {describe()}\n")
    training_step()
    whole_commands(arguments.rows)


def mixed_table(n_rows: int, seed: int = 0) -> pl.DataFrame:
    """Ten dependent columns: five numbers (two rounded, one count), two binary and three
    categorical ones.
    """
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 4, n_rows)
    age = np.clip(rng.normal(30 + 8 * group, 10, n_rows), 0, 99).round()
    income = np.exp(rng.normal(10 + 0.01 * age, 0.4, n_rows))
    height = rng.normal(170 + 3 * (group % 2), 8, n_rows).round(1)
    return pl.DataFrame(
        {
            "age": age.astype(int),
            "income": income,
            "height": height,
            "weight": rng.normal(0.9 * (height - 100), 9).round(1),
            "visits": rng.poisson(1 + group),
            "smoker": rng.random(n_rows) < 0.1 + 0.15 * group,
            "member": np.where(rng.random(n_rows) < 1 / (1 + np.exp(-(age - 40) / 8)), "yes", "no"),
            "group": np.array(list("abcd"))[group],
            "region": rng.choice(["north", "south", "east", "west", "centre"], n_rows),
            "product": np.array(["p", "q", "r"])[(group + rng.integers(0, 2, n_rows)) % 3],
        }
    )


def training_step() -> None:
    """One jitted scan of steps at width 256, batch 512, beside the matmul rate."""
    print(
        "| block | weights | ms/step | rows/s | GFLOP/s | of the matmul rate |\n"
        "|---|---|---|---|---|---|"
    )
    two = [np.array([0.5, 0.5])]
    tables = {
        "10 numbers": (10, 0, 64),
        "5 numbers, 5 binary": (5, 5, 64),
        "100 binary": (0, 100, 100),
    }
    for name, (n_continuous, n_discrete, length) in tables.items():
        config = ModelConfig(length, width=256, depth=2, dropout=0.1)
        model = assemble(
            config, np.full(n_continuous, 0.01), two * n_discrete, key=jax.random.key(0)
        )
        run, weights = stepper(model, n_continuous, n_discrete)
        run()
        pairs = []
        for _ in range(5):
            rate = matmul_rate(BATCH, 256)
            began = time.perf_counter()
            run()
            pairs.append(((time.perf_counter() - began) / STEPS, rate))
        seconds = statistics.median(s for s, _ in pairs)
        share = statistics.median(6 * weights * BATCH / s / rate for s, rate in pairs)
        flops = 6 * weights * BATCH / seconds / 1e9
        print(
            f"| {name} | {weights} | {seconds * 1e3:.2f} | {BATCH / seconds:.0f} | {flops:.0f} | "
            f"{share:.0%} |",
            flush=True,
        )
    print()


def stepper(model, n_continuous: int, n_discrete: int):
    """A function that runs STEPS steps, and the number of weights in matrices."""
    rng, n = np.random.default_rng(0), 4096
    blocks = []
    if n_continuous:
        shape = (n, n_continuous)
        blocks.append(
            Cells(
                rng.normal(size=shape).astype(np.float32),
                np.ones(shape, bool),
                np.full(shape, 0.01, np.float32),
            )
        )
    if n_discrete:
        shape = (n, n_discrete)
        blocks.append(Cells(rng.integers(0, 2, shape).astype(np.int32), np.ones(shape, bool)))
    rows = tuple(blocks)
    config = TrainConfig(first_step_share=0.1 if n_continuous else None)
    state = initial_state(model, config)
    static = eqx.filter(model, trainable(model), inverse=True)
    probabilities = time_probabilities(model.trajectory_length, config.first_step_share)
    numbers = rng.integers(0, n, (STEPS, BATCH))
    batches = jax.tree.map(lambda x: jnp.asarray(x[numbers]), rows)
    carry = state.parameters, state.average, state.optimiser
    first = jnp.asarray(0, jnp.int32)
    rates = jax.tree.map(jnp.asarray, learning_shares(model, fixed_schedule=False))

    def run() -> None:
        result = run_steps(
            carry, static, batches, probabilities, first, rates, config, key=jax.random.key(0)
        )
        jax.block_until_ready(result)

    matrices = [
        x.size for x in jax.tree.leaves(eqx.filter(model.network, eqx.is_array)) if x.ndim == 2
    ]
    return run, sum(matrices)


def with_holes(table: pl.DataFrame, share: float, seed: int = 1) -> pl.DataFrame:
    """The table with a share of its cells missing."""
    there = np.random.default_rng(seed).random(table.shape) >= share
    return table.with_columns(
        pl.when(pl.Series(there[:, j])).then(pl.col(name)).alias(name)
        for j, name in enumerate(table.columns)
    )


def whole_commands(n_rows: int) -> None:
    """`fit`, `score`, `sample` and `impute` as a person runs them, compilation included, with an
    empty compilation cache for `fit`.
    """
    print(
        f"{n_rows} rows x 10 mixed columns, default options\n\n"
        "| command | seconds | peak memory, GB |\n|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, data, holes, out = (
            str(folder / part) for part in ("model", "table.csv", "holes.csv", "out.csv")
        )
        table = mixed_table(n_rows)
        table.write_csv(data)
        with_holes(table, 0.1).write_csv(holes)
        commands = {
            "fit": ["fit", data, "-o", model, "--quiet"],
            "score": ["score", model, data, "-o", out, "--force"],
            "score --method ais --trajectories 16": [
                *(
                    "score",
                    model,
                    data,
                    "-o",
                    out,
                    "--force",
                    "--method",
                    "ais",
                    "--trajectories",
                    "16",
                )
            ],
            f"sample -n {n_rows}": ["sample", model, "-n", str(n_rows), "-o", out, "--force"],
            "impute -m 5, 10 % holes": ["impute", model, holes, "-o", out, "-m", "5", "--force"],
            "--help": ["--help"],
        }
        environment = {"XDG_CACHE_HOME": str(folder / "cache"), "PATH": "", "HOME": str(folder)}
        for title, words in commands.items():
            began = time.monotonic()
            subprocess.run(
                [sys.executable, "-m", "quasistatic", *words],
                check=True,
                capture_output=True,
                env=environment,
            )
            seconds = time.monotonic() - began
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
            print(f"| `{title}` | {seconds:.1f} | {peak:.2f} (highest so far) |", flush=True)
        bound = load(model).manifest_["validation_bound_nats"]
    print(f"\nValidation bound {bound:.3f} nats per row.")


if __name__ == "__main__":
    main()
