"""Tables from ten thousand rows to ten million: peak memory, seconds of each pass, rows a second.

    python benchmarks/scale.py [--rows 10000 100000 1000000] [--steps 200] [--law] [--processes 1 2]

A table has 20 mixed columns and lies in Parquet files of half a million rows. Every command is a
process of its own; its peak is the largest resident memory that Linux has seen of it (`VmHWM`),
files that it maps included, and of several processes the sum. `--law` fits 100,000 rows held in
memory and on the disk and compares the two model folders byte by byte. Prints Markdown tables.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from machine import describe
from safetensors.numpy import load_file

SHARD = 500_000
ON_DISK = "import quasistatic.data.disk.files as f; f.MOST_HELD = 1; "
PASSES = """
import json, sys, time
from quasistatic.data.columns.alternatives import infer_schemas
from quasistatic.data.disk.files import open_table
from quasistatic.data.fingerprint import fingerprint
from quasistatic.data.fitted_codec import fit_and_encode
table, seconds = open_table(sys.argv[1]), []
for work in (infer_schemas, fingerprint, lambda t: fit_and_encode(t, schemas.first)):
    began = time.perf_counter()
    found = work(table)
    schemas = found if work is infer_schemas else schemas
    seconds.append(time.perf_counter() - began)
print(json.dumps(seconds))
"""


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--law", action="store_true")
    parser.add_argument("--processes", type=int, nargs="*", default=[])
    arguments = parser.parse_args()
    print(f"Machine: {describe()}\n")
    with tempfile.TemporaryDirectory() as folder:
        if arguments.rows:
            sizes(Path(folder), arguments.rows, arguments.steps)
        if arguments.law:
            law(Path(folder), arguments.steps)
        if arguments.processes:
            processes(Path(folder), arguments.processes, arguments.steps)


def piece(n_rows: int, seed: int) -> pl.DataFrame:
    """Twenty dependent columns: six densities, one of them with holes, four rounded numbers, three
    counts, five categories, two yes or no.
    """
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n_rows, 4))
    colours = np.array(["red", "green", "blue", "white", "black"])
    columns: dict[str, np.ndarray] = {}
    for j in range(6):
        columns[f"x{j}"] = base[:, j % 4] * (1 + j) + rng.normal(size=n_rows) * 0.5
    for j in range(4):
        columns[f"r{j}"] = np.round(base[:, j] * 10 + rng.normal(size=n_rows), 1)
    for j in range(3):
        columns[f"i{j}"] = np.floor(np.exp(base[:, j] + 1)).astype(np.int64)
    for j in range(5):
        level = base[:, j % 4] + 0.3 * rng.normal(size=n_rows) + 2.5
        columns[f"c{j}"] = colours[np.clip(level, 0, 4).astype(int)]
    for j in range(2):
        columns[f"b{j}"] = base[:, j] + rng.normal(size=n_rows) > 0
    there = pl.Series(rng.random(n_rows) > 0.02)
    return pl.DataFrame(columns).with_columns(pl.when(there).then(pl.col("x5")).alias("x5"))


def table(folder: Path, n_rows: int) -> Path:
    """The table of so many rows, in a folder of files."""
    path = folder / f"table-{n_rows}"
    path.mkdir(exist_ok=True)
    for number, begin in enumerate(range(0, n_rows, SHARD)):
        rows = piece(min(SHARD, n_rows - begin), number)
        rows.write_parquet(path / f"part-{number:04d}.parquet")
    return path


def run(*arguments: object, before: str = "") -> tuple[dict, float, float]:
    """A command of `quasistatic` with `--json`: its values, its seconds and its peak in MB."""
    code = f"{before}from quasistatic.cli import main; main()"
    command = [sys.executable, "-c", code, *map(str, arguments), "--json", "--quiet"]
    if "--processes" in command:  # each of them is `python -m quasistatic`
        command[1:3] = ["-m", "quasistatic"]
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.DEVNULL)
        peaks: dict[str, int] = {}
        while process.poll() is None:
            for number in [str(process.pid), *children(process.pid)]:
                peaks[number] = max(peaks.get(number, 0), peak(number))
            time.sleep(0.1)
        said.seek(0)
        values = json.loads(said.read())
    return values, time.perf_counter() - began, sum(peaks.values()) / 1024


def children(process: int) -> list[str]:
    """The processes that a process has started."""
    try:
        return Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return []


def peak(process: str) -> int:
    """The largest resident memory of a process so far, kB."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def sizes(folder: Path, all_rows: list[int], steps: int) -> None:
    """Fit, score and sample by number of rows."""
    print(
        "| rows | schema, s | fingerprint, s | encode, s | fit, s | MB | bound, nats |"
        " score, rows/s | MB | sample, rows/s | MB |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    for n in all_rows:
        data, model = table(folder, n), folder / f"model-{n}"
        passes = json.loads(
            subprocess.run(
                [sys.executable, "-c", PASSES, str(data)],
                stdout=subprocess.PIPE,
                check=True,
            ).stdout
        )
        how = ("--model", "diffusion", "--max-steps", steps)
        fitted, seconds, megabytes = run("fit", data, "-o", model, *how)
        cells = [f"{n:,}", *(f"{s:.1f}" for s in passes), f"{seconds:.0f}", f"{megabytes:.0f}"]
        cells.append(f"{fitted['validation_bound']:.3f}")
        for command in (("score", model, data), ("sample", model, "-n", n)):
            how = (*command, "-o", folder / "out.parquet", "--force")
            run(*how)  # compiles: the second run finds the programs in the cache
            _, seconds, megabytes = run(*how)
            cells += [f"{n / seconds:,.0f}", f"{megabytes:.0f}"]
        print(f"| {' | '.join(cells)} |", flush=True)
    print()


def law(folder: Path, steps: int) -> None:
    """The model folders of one table, held in memory and on the disk."""
    data = table(folder, 100_000)
    how = ("--model", "diffusion", "--max-steps", steps)
    run("fit", data, "-o", folder / "held", *how)
    run("fit", data, "-o", folder / "disk", *how, before=ON_DISK)
    names = sorted(path.name for path in (folder / "held").iterdir())
    same = all(
        (folder / "held" / n).read_bytes() == (folder / "disk" / n).read_bytes() for n in names
    )
    words = "the same bytes" if same else "DIFFERENT"
    print(f"100,000 rows held in memory and on the disk: {words} ({', '.join(names)})\n")


def processes(folder: Path, numbers: list[int], steps: int) -> None:
    """Steps a second by number of processes, from two fits of which one has more steps."""
    data = table(folder, 100_000)
    print("| processes | steps/s | MB, all together | bytes exchanged a step and process |")
    print("|---|---|---|---|")
    for n in numbers:
        seconds = []
        for times in (1, 3):
            how = ("--model", "diffusion", "--max-steps", times * steps, "--processes", n)
            _, took, megabytes = run("fit", data, "-o", folder / f"p{n}-{times}", *how)
            seconds.append(took)
        arrays = load_file(folder / f"p{n}-1" / "model.safetensors")
        weights = sum(x.size for x in arrays.values())
        exchanged = (
            2 * (n - 1) / n * 4 * weights
        )  # each sends and gets as much: a ring's all-reduce
        rate = 2 * steps / (seconds[1] - seconds[0])
        print(f"| {n} | {rate:.1f} | {megabytes:.0f} | {exchanged:,.0f} |", flush=True)
    print()


if __name__ == "__main__":
    main()
