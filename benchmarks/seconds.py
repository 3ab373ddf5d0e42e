r"""What a person waits for on a small table: every command from the shell, with an empty and with a
filled compilation cache, and the first and second question in one process. Prints Markdown tables.

    python benchmarks/seconds.py [TABLE.csv]

The table is that of the demo by default. Seconds are those of whole processes, Python's start
included; CPU seconds are summed over cores. Beside them scikit-learn's Gaussian mixture of the
numbers and, where it is installed, miceforest.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
from machine import describe

from quasistatic import DiffusionDensity, read_table

PENGUINS = Path(__file__).parent.parent / "examples" / "penguins.csv"


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", nargs="?", type=Path, default=PENGUINS)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(f"Machine: {describe()}\n")
    with tempfile.TemporaryDirectory() as name:
        from_the_shell(arguments.table.resolve(), Path(name), arguments.seed)
        in_one_process(arguments.table, arguments.seed)
    rivals(arguments.table, arguments.seed)


def from_the_shell(table: Path, folder: Path, seed: int) -> None:
    """Each command twice: what is compiled the first time is found in the cache the second time."""
    model, out, page = (str(folder / part) for part in ("model", "out.csv", "report.html"))
    commands = {
        "fit": ["fit", str(table), "-o", model, "--seed", str(seed)],
        "fit --model mixture": ["fit", str(table), "-o", f"{model}-m", "--model", "mixture"],
        "score": ["score", model, str(table), "-o", out],
        "score --method ais --stderr 0.1": [
            *("score", model, str(table), "-o", out, "--method", "ais", "--stderr", "0.1")
        ],
        "sample -n 1000": ["sample", model, "-n", "1000", "-o", out],
        "impute": ["impute", model, str(table), "-o", out],
        "report": ["report", model, str(table), "-o", page],
    }
    print("| command | cold s | cold CPU s | warm s | warm CPU s |\n|---|---|---|---|---|")
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    for title, words in commands.items():
        line = [sys.executable, "-m", "quasistatic", *words, "--force"]
        cold, warm = (timed(line, environment) for _ in range(2))
        print(f"| `{title}` | {cold} | {warm} |", flush=True)


def timed(line: list[str], environment: dict[str, str]) -> str:
    """Seconds and CPU seconds of a process."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(line, check=True, capture_output=True, env=environment)
    after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - began
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return f"{seconds:.1f} | {cpu:.1f}"


def in_one_process(table: Path, seed: int) -> None:
    """The first and the second time that a fitted model is asked, without a compilation cache."""
    os.environ["QUASISTATIC_CACHE"] = "off"
    rows = read_table(table)
    density = DiffusionDensity(random_state=seed)
    questions: dict[str, Callable[[], object]] = {
        "fit": lambda: density.fit(rows),
        "score_samples": lambda: density.score_samples(rows),
        "sample(1000)": lambda: density.sample(1000),
        "impute": lambda: density.impute(rows),
    }
    print("\n| in one process, no cache | first, CPU s | second, CPU s |\n|---|---|---|")
    for title, ask in questions.items():
        times = []
        for _ in range(1 if title == "fit" else 2):
            began = time.process_time()
            ask()
            times.append(f"{time.process_time() - began:.1f}")
        print(
            f"| `{title}` | {' | '.join(times if len(times) == 2 else [*times, ''])} |", flush=True
        )


def rivals(table: Path, seed: int) -> None:
    """CPU seconds of other packages on the same rows."""
    from sklearn.mixture import GaussianMixture

    frame = pl.read_csv(table, null_values=["NA", ""])
    numbers = frame.select(pl.selectors.numeric()).drop_nulls().to_numpy().astype(float)
    numbers = (numbers - numbers.mean(axis=0)) / (numbers.std(axis=0) + 1e-12)
    began = time.process_time()
    for components in (1, 2, 3, 5, 10):
        GaussianMixture(components, n_init=3, random_state=seed).fit(numbers)
    spent = time.process_time() - began
    print("\n| rival | CPU s |\n|---|---|")
    print(f"| Gaussian mixtures of the numbers, 1 to 10 components, fit | {spent:.1f} |")
    try:
        import miceforest  # pyright: ignore[reportMissingImports]
    except ImportError:
        print("| miceforest (not installed) | |")
        return
    holed = frame.select(pl.selectors.numeric()).to_pandas()
    began = time.process_time()
    miceforest.ImputationKernel(holed, num_datasets=5, random_state=seed).mice(5)
    print(f"| miceforest, numbers, 5 data sets, 5 iterations | {time.process_time() - began:.1f} |")


if __name__ == "__main__":
    main()
