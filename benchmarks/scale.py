"""Tables from ten thousand rows to ten million: peak memory, seconds of each pass, rows a second.

    python benchmarks/scale.py --output scale.json [--rows 10000 100000 1000000] [--law]
        [--processes 1 2] [--parts] [--steps 200] [--answered 262144]

A table has 20 mixed columns and lies in Parquet files of half a million rows. Every command is a
process of its own. Its peak is the largest resident memory that Linux has seen of it (`VmHWM`),
files that it maps included; of several processes it is the largest sum of their proportional shares
(`Pss`), in which a page that they share counts once. Scores and samples are of `--answered` rows at
most, and their rows a second are those of the whole command less the seconds of one of 64 rows.
`--law` fits 100,000 rows held in memory and on the disk and compares the two model folders byte by
byte; `--parts` tells where the seconds of a score go.

Each number is kept in the file `--output` as soon as it is there, and the tables and models in a
folder beside it: the same command goes on where it was interrupted, and measures nothing twice.
Prints Markdown tables.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from machine import describe
from safetensors.numpy import load_file

SHARD, FEW = 500_000, 64
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
PARTS = """
import json, resource, sys, tempfile
import numpy as np
from quasistatic import load
from quasistatic.bound import evaluate_terms
from quasistatic.data.disk.pieces import pieces_like
from quasistatic.posterior.query import evidence_of_rows
from quasistatic.rows import row_checksums
density = load(sys.argv[1])
fitted, seconds = density.fitted_, {}
def timed(name, work):
    use = lambda: sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    began = use()
    found = work()
    seconds[name] = use() - began
    return found
table = timed("reading", lambda: next(pieces_like(density.schema_, sys.argv[2])))
encoded = timed("encoding", lambda: fitted.encode(table))
whole, holed = (encoded.take(np.flatnonzero(x)).rows for x in (encoded.whole, ~encoded.whole))
timed("identities", lambda: row_checksums(encoded.rows))
how = {"repetitions": 2, "key": fitted.key(0)}
evaluate_terms(fitted.model, encoded.take(np.arange(1024)).rows, **how)  # compiles
timed("K of whole rows", lambda: evaluate_terms(fitted.model, whole, **how))
how = {"particles": 16, "key": fitted.key(0)}
evidence_of_rows(fitted.model, holed, **how)
timed("evidence of rows with holes", lambda: evidence_of_rows(fitted.model, holed, **how))
with tempfile.NamedTemporaryFile(suffix=".csv") as file:
    timed("writing", lambda: table.frame.select("x0", "x1").write_csv(file.name))
print(json.dumps({"rows": len(encoded), "holed": len(holed[0].value), "seconds": seconds}))
"""


class Kept:
    """Numbers in a file of JSON, each measured once.

    Args:
        path: path of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.values: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def measured(self, name: str, measure: Callable[[], Any]) -> Any:
        """The value of that name, measured if it is not there."""
        if name not in self.values:
            print(f"... {name}", file=sys.stderr, flush=True)
            self.values[name] = measure()
            part = self.path.with_suffix(".part")
            part.write_text(json.dumps(self.values, indent=1))
            part.replace(self.path)
        return self.values[name]


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=Path("scale.json"))
    parser.add_argument("--rows", type=int, nargs="*", default=[])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--answered", type=int, default=2**18)
    parser.add_argument("--law", action="store_true")
    parser.add_argument("--parts", action="store_true")
    parser.add_argument("--processes", type=int, nargs="*", default=[])
    arguments = parser.parse_args()
    kept, folder = Kept(arguments.output), arguments.output.with_suffix(".data")
    folder.mkdir(exist_ok=True)
    print(f"Machine: {kept.measured('machine', describe)}\n")
    how = kept, folder, arguments.steps
    if arguments.rows:
        sizes(*how, arguments.rows, arguments.answered)
    if arguments.law:
        law(*how)
    if arguments.parts:
        parts(*how)
    if arguments.processes:
        processes(*how, arguments.processes, arguments.answered)


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
    """The table of so many rows, in a folder of files; those that are there are kept."""
    path = folder / f"table-{n_rows}"
    path.mkdir(exist_ok=True)
    for number, begin in enumerate(range(0, n_rows, SHARD)):
        shard = path / f"part-{number:04d}.parquet"
        if not shard.exists():
            rows = piece(min(SHARD, n_rows - begin), number)
            rows.write_parquet(shard.with_suffix(".new"))
            shard.with_suffix(".new").replace(shard)
    return path


def run(*arguments: object, before: str = "") -> tuple[dict, float, float]:
    """A command of `quasistatic` with `--json`: its values, its seconds and its peak in MB."""
    code = f"{before}from quasistatic.cli import main; main()"
    command = [sys.executable, "-c", code, *map(str, arguments), "--json", "--quiet"]
    several = "--processes" in command and command[command.index("--processes") + 1] != "1"
    if several:  # each of them is `python -m quasistatic`
        command[1:3] = ["-m", "quasistatic"]
    began, most = time.perf_counter(), 0
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            own = str(process.pid)
            most = max(
                most,
                sum(memory(number, "smaps_rollup", "Pss:") for number in [own, *children(own)])
                if several
                else memory(own, "status", "VmHWM:"),
            )
            time.sleep(0.3 if several else 0.1)
        seconds = time.perf_counter() - began
        said.seek(0)
        return json.loads(said.read()), seconds, most / 1024


def children(process: str) -> list[str]:
    """The processes that a process has started."""
    try:
        return Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return []


def memory(process: str, file: str, name: str) -> int:
    """A line of what Linux says of the memory of a process, kB; 0 of one that has ended."""
    try:
        lines = Path(f"/proc/{process}/{file}").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def fitted(kept: Kept, folder: Path, n: int, steps: int) -> tuple[Path, tuple[dict, float, float]]:
    """The model of a table, and what fitting it took."""
    model = folder / f"model-{n}-{steps}"
    command = "fit", table(folder, n), "-o", model, "--model", "diffusion", "--max-steps", steps
    return model, kept.measured(f"fit, {n} rows, {steps} steps", lambda: run(*command, "--force"))


def sizes(kept: Kept, folder: Path, steps: int, all_rows: list[int], answered: int) -> None:
    """Fit, score and sample by number of rows."""
    print(
        f"Fits of {steps} steps; scores and samples of {answered:,} rows at most.\n\n"
        "| rows | schema, s | fingerprint, s | encode, s | fit, s | MB | bound, nats |"
        " score, rows/s | MB | sample, rows/s | MB |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    for n in all_rows:
        data = table(folder, n)
        code = [sys.executable, "-c", PASSES, str(data)]
        passes = kept.measured(f"passes, {n} rows", lambda code=code: printed(code))
        model, (values, seconds, megabytes) = fitted(kept, folder, n, steps)
        cells = [f"{n:,}", *(f"{s:.1f}" for s in passes), f"{seconds:.0f}", f"{megabytes:.0f}"]
        cells.append(f"{values['validation_bound']:.3f}")
        for name in ("score", "sample"):
            _, rate, megabytes = answers(kept, folder, name, model, min(n, answered))
            cells += [f"{rate:,.0f}", f"{megabytes:.0f}"]
        print(f"| {' | '.join(cells)} |", flush=True)
    print()


def answers(
    kept: Kept, folder: Path, name: str, model: Path, n: int, *options: object
) -> tuple[float, float, float]:
    """Seconds of a command of 64 rows, rows a second of one of n rows beyond them, and its MB."""

    def measure(rows: int) -> tuple[float, float]:
        given = [table(folder, rows)] if name == "score" else ["-n", rows]
        how = (name, model, *given, "-o", folder / "out.parquet", "--force", *options)
        _, seconds, megabytes = run(*how)
        return seconds, megabytes

    def both() -> tuple[float, float, float]:
        measure(min(n, 1024))  # compiles: the others find the programs in the cache
        begin, _ = measure(FEW)
        seconds, megabytes = measure(n)
        rate = n / (seconds - begin) if seconds > begin else float("nan")
        return begin, rate, megabytes

    words = " ".join(map(str, (name, model.name, f"{n} rows", *options)))
    return tuple(kept.measured(words, both))


def printed(command: list[str]) -> Any:
    """The JSON that a process prints."""
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def law(kept: Kept, folder: Path, steps: int) -> None:
    """The model folders of one table, held in memory and on the disk."""

    def compared() -> tuple[bool, list[str]]:
        data = table(folder, 100_000)
        how = ("--model", "diffusion", "--max-steps", steps, "--force")
        run("fit", data, "-o", folder / "held", *how)
        run("fit", data, "-o", folder / "disk", *how, before=ON_DISK)
        names = sorted(path.name for path in (folder / "held").iterdir())
        pairs = ([(folder / kind / n).read_bytes() for kind in ("held", "disk")] for n in names)
        return all(one == other for one, other in pairs), names

    same, names = kept.measured(f"law, {steps} steps", compared)
    words = "the same bytes" if same else "DIFFERENT"
    print(f"100,000 rows held in memory and on the disk: {words} ({', '.join(names)})\n")


def parts(kept: Kept, folder: Path, steps: int) -> None:
    """Where the seconds of a score go, a piece of 65,536 rows."""
    data, (model, _) = table(folder, 2**16), fitted(kept, folder, 100_000, steps)
    code = [sys.executable, "-c", PARTS, str(model), str(data)]
    found = kept.measured(f"parts, {steps} steps", lambda: printed(code))
    print(f"A score of {found['rows']:,} rows, {found['holed']:,} of them with holes\n")
    print("| part | seconds of a core | share |\n|---|---|---|")
    total = sum(found["seconds"].values())
    for name, seconds in found["seconds"].items():
        print(f"| {name} | {seconds:.2f} | {100 * seconds / total:.1f} % |")
    print()


def processes(kept: Kept, folder: Path, steps: int, numbers: list[int], answered: int) -> None:
    """Steps a second by number of processes, from two fits of which one has more steps; rows that
    are scored a second.
    """
    data, (scoring, _) = table(folder, 100_000), fitted(kept, folder, 100_000, steps)
    print(
        "| processes | steps/s | MB, all together | bytes exchanged a step and process |"
        f" score of {answered:,} rows, rows/s | MB, all together |\n|---|---|---|---|---|---|"
    )
    for n in numbers:
        seconds, megabytes = [], 0.0
        for times in (1, 3):
            how = ("--model", "diffusion", "--max-steps", times * steps, "--processes", n)
            model = folder / f"model-{n}-processes-{times}"
            _, took, megabytes = kept.measured(
                f"fit, {n} processes, {times * steps} steps",
                lambda how=how, model=model: run("fit", data, "-o", model, *how, "--force"),
            )
            seconds.append(took)
        arrays = load_file(folder / f"model-{n}-processes-1" / "model.safetensors")
        weights = sum(x.size for x in arrays.values())
        # Each sends and gets as much: a ring's all-reduce.
        exchanged = 2 * (n - 1) / n * 4 * weights
        rate = 2 * steps / (seconds[1] - seconds[0])
        _, scored, more = answers(kept, folder, "score", scoring, answered, "--processes", n)
        cells = [n, f"{rate:.1f}", f"{megabytes:.0f}", f"{exchanged:,.0f}"]
        cells += [f"{scored:,.0f}", f"{more:.0f}"]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
    print()


if __name__ == "__main__":
    main()
