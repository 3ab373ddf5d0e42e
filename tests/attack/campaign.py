"""The long attack: `make attack`, which prints what was tried and what broke.

    python -m attack.campaign [SIZE] [--seed SEED] [--only PART ...]

SIZE 1 (the default) takes some minutes on one core; everything grows with it. Parts are `files`,
`schemas`, `conditions`, `folders`, `fits`, `tables`, `kills` and `disks`. Every case has a
generator of its own, which the seed, the name of the attack and the number of the case make again:
what breaks is printed with the number of its first case, and the least input belongs into
`finds.py`.
"""

import argparse
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from attack import conditions, folders, readers, schemas, torture

GOOD = {"read", "refused", "used", "loaded", "kept"}
PARTS = ("kills", "disks", "files", "schemas", "conditions", "folders", "fits", "tables")
SLOW_SECONDS, LARGEST_GIB = 10.0, 2.0
Case = Callable[[random.Random], str]
REPOSITORY = Path(__file__).parents[2]


class Tally:
    """What became of the cases of an attack, which is printed at its end.

    Args:
        name: name of the attack.
    """

    def __init__(self, name: str) -> None:
        self.name, self.slowest = name, 0.0
        self.found: Counter[str] = Counter()
        self._first: dict[str, int] = {}
        self._start = time.monotonic()

    def add(self, what: str, seconds: float) -> None:
        """Count a case.

        Args:
            what: what became of it.
            seconds: time that it took.
        """
        self._first.setdefault(what, self.found.total())
        self.found[what] += 1
        self.slowest = max(self.slowest, seconds)

    def printed(self) -> int:
        """Print the counts; the number of kinds of broken things."""
        broken = {
            what: {"times": count, "first": self._first[what]}
            for what, count in self.found.items()
            if what not in GOOD
        }
        result = {
            "tried": self.found.total(),
            **{what: self.found[what] for what in sorted(GOOD) if self.found[what]},
            "broken": broken,
            "hangs": int(self.slowest > SLOW_SECONDS),
            "slowest_s": round(self.slowest, 2),
            "seconds": round(time.monotonic() - self._start, 1),
        }
        print(f"{self.name:24s} {json.dumps(result)}", flush=True)
        return len(broken) + result["hangs"]


def tried(name: str, case: Case, number: int, seed: int) -> Tally:
    """Run the cases of an attack one after the other.

    Args:
        name: name of the attack.
        case: function that makes a case from a generator, and gives its outcome.
        number: number of cases.
        seed: seed of the generators.
    """
    tally = Tally(name)
    for i in range(number):
        begun = time.monotonic()
        signal.alarm(int(6 * SLOW_SECONDS))
        what = case(random.Random(f"{seed} {name} {i}"))
        signal.alarm(0)
        tally.add(what, time.monotonic() - begun)
    return tally


def tried_apart(ending: str, number: int, seed: int, base: Path) -> Tally:
    """Read mutated files in processes of their own: where a parser ends one with an error, as a
    user would see it, another goes on.

    Args:
        ending: ending of the files.
        number: number of cases.
        seed: seed of the changes.
        base: empty folder to work in.
    """
    tally = Tally(f"files {ending}")
    while (first := tally.found.total()) < number:
        limits = map(str, (seed, first, number))
        with tempfile.TemporaryFile("w+") as words:
            process = subprocess.Popen(
                [sys.executable, "-m", "attack.readers", ending, *limits, str(base)],
                stdout=subprocess.PIPE,
                stderr=words,
                text=True,
            )
            _listen(process, tally)
            code = process.wait()
            words.seek(0)
            said = words.read()
        if tally.found.total() < number:
            refused = code == 2 and said.startswith("Error: ")
            tally.add("refused" if refused else f"exit code {code}: {said[-80:]}", 0)
    return tally


def _listen(process: "subprocess.Popen[str]", tally: Tally) -> None:
    """Count what a process says of its cases; it is ended when it says nothing for too long."""
    assert process.stdout is not None
    begun = None
    signal.alarm(int(6 * SLOW_SECONDS))
    try:
        while line := process.stdout.readline():
            now = time.monotonic()
            tally.add(line.strip(), 0 if begun is None else now - begun)
            begun = now
            signal.alarm(int(6 * SLOW_SECONDS))
    except TimeoutError:
        process.kill()
        tally.slowest = 6 * SLOW_SECONDS
    signal.alarm(0)


def attacks(parts: Collection[str], base: Path) -> Iterator[tuple[str, int, Case]]:
    """Name, number of cases at size 1 and case of every attack on what is read.

    Args:
        parts: parts to try.
        base: folder to work in.
    """
    import jax

    from quasistatic.data.columns.alternatives import infer_schemas
    from quasistatic.estimator.loading import load

    if "schemas" in parts:
        table, whole = schemas.read(base)
        yield "--schema", 5000, lambda rng: schemas.outcome(table, schemas.spoiled(whole, rng))
    if "conditions" in parts:
        table, _ = schemas.read(base)
        options = infer_schemas(table, None)
        density = load(REPOSITORY / "tests" / "golden" / "mixed")
        sentence = conditions.sentence

        def given(rng: random.Random) -> str:
            return conditions.outcome_given(density, [sentence(conditions.GIVEN, rng)])

        def where(rng: random.Random) -> str:
            return conditions.outcome_where(table, options, [sentence(conditions.WHERE, rng)])

        yield "--given", 10_000, given
        yield "--where", 10_000, where
    for good in models(base) if "folders" in parts else ():

        def folder(rng: random.Random, g: Path = good) -> str:
            return folders.outcome(folders.spoiled(g, base / "m", rng), folders.look)

        yield f"model folder {good.name}", 1000, folder
    if "fits" in parts:
        path = base / "fit"

        def fit(rng: random.Random) -> str:
            what = torture.outcome_of_fit(torture.frame_of(rng), path)
            jax.clear_caches()  # a person's fit has a process, and its memory, of its own
            return what

        yield "fits of torture tables", 40, fit
    if "tables" in parts:
        yield "torture tables", 1000, lambda rng: torture.outcome(torture.frame_of(rng))


def models(base: Path) -> list[Path]:
    """Good model folders of every family and of several containers."""
    import numpy as np
    import pandas as pd

    from quasistatic import DiffusionDensity
    from quasistatic.estimator import EnergyDensity

    golden = [REPOSITORY / "tests" / "golden" / name for name in ("mixed", "binary", "digits")]
    numbers = np.random.default_rng(0)
    bits = numbers.integers(0, 2, (64, 3))
    frame = pd.DataFrame({"x": numbers.normal(size=60), "c": pd.Categorical(list("abc") * 20)})
    EnergyDensity(method="pseudolikelihood", random_state=0).fit(bits).save(base / "energy")
    DiffusionDensity(model="mixture", components=2, random_state=0).fit(frame).save(base / "pandas")
    return [*golden, base / "energy", base / "pandas"]


def main(size: float, seed: int, parts: Collection[str]) -> int:
    """The named attacks; the number of kinds of broken things."""
    signal.signal(signal.SIGALRM, _too_long)
    warnings.simplefilter("ignore")
    in_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    broken = executions = 0
    with tempfile.TemporaryDirectory(dir=in_memory) as folder:
        base = Path(folder)
        for module, arguments in (
            ("kills", [str(round(25 * size))]),
            ("disks", [str(round(200 * size)), str(round(10 * size))]),
        ):
            if module in parts:
                (base / module).mkdir()
                broken += forked(module, [str(base / module), *arguments])
        (base / "files").mkdir()
        for ending in readers.seeds() if "files" in parts else ():
            number = 4000 if ending in (".csv", ".tsv") else 3000
            tally = tried_apart(ending, round(number * size), seed, base / "files")
            broken += tally.printed()
            executions += tally.found.total()
        for name, number, case in attacks(parts, base / "files"):
            tally = tried(name, case, round(number * size), seed)
            broken += tally.printed()
            executions += tally.found.total()
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    gib = max(resource.getrusage(one).ru_maxrss for one in who) / 2**20
    print(
        f"{executions} executions; largest process {gib:.2f} GiB; {broken} kinds of broken things"
    )
    return broken + (gib > LARGEST_GIB)


def forked(module: str, arguments: list[str]) -> int:
    """Run a module that forks in a process of its own; print what it found, count what broke."""

    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", f"attack.{module}", *arguments], stdout=subprocess.PIPE, check=True
    )
    broken = 0
    for name, counts in json.loads(done.stdout).items():
        print(f"{name:24s} {json.dumps(counts)}", flush=True)
        good = ("kills", "writes", "refused", "rounds")
        broken += sum(bool(count) for what, count in counts.items() if what not in good)
    print(f"{module}: {time.monotonic() - start:.0f} s", flush=True)
    return broken


def _too_long(number: int, frame: Any) -> None:
    raise TimeoutError("a case took too long")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", type=float, nargs="?", default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART")
    given = parser.parse_args()
    sys.exit(bool(main(given.size, given.seed, given.only)))
