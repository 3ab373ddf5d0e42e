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
from attack.mutation import mutated

GOOD = {"read", "refused", "used", "loaded", "kept"}
PARTS = ("kills", "disks", "files", "schemas", "conditions", "folders", "fits", "tables")
SLOW_SECONDS, LARGEST_GIB = 10.0, 2.0
Case = Callable[[random.Random], str]
REPOSITORY = Path(__file__).parents[2]


def tried(name: str, case: Case, number: int, seed: int) -> dict[str, Any]:
    """Run the cases of an attack one after the other; count and print their outcomes.

    Args:
        name: name of the attack.
        case: function that makes a case from a generator, and gives its outcome.
        number: number of cases.
        seed: seed of the generators.
    """
    found, first, slowest, start = Counter(), {}, 0.0, time.monotonic()
    for i in range(number):
        begun = time.monotonic()
        signal.alarm(int(6 * SLOW_SECONDS))
        what = case(random.Random(f"{seed} {name} {i}"))
        signal.alarm(0)
        seconds = time.monotonic() - begun
        found[what] += 1
        first.setdefault(what, i)
        slowest = max(slowest, seconds)
    result = {
        "tried": number,
        **{what: found[what] for what in sorted(GOOD) if found[what]},
        "broken": {
            what: {"times": count, "first": first[what]}
            for what, count in found.items()
            if what not in GOOD
        },
        "hangs": int(slowest > SLOW_SECONDS),
        "slowest_s": round(slowest, 2),
        "seconds": round(time.monotonic() - start, 1),
    }
    print(f"{name:24s} {json.dumps(result)}", flush=True)
    return result


def attacks(parts: Collection[str], base: Path) -> Iterator[tuple[str, int, Case]]:
    """Name, number of cases at size 1 and case of every attack on what is read.

    Args:
        parts: parts to try.
        base: folder to work in.
    """
    from quasistatic.data.columns.alternatives import infer_schemas
    from quasistatic.estimator.loading import load

    if "files" in parts:
        for ending, good in readers.seeds().items():

            def file(rng: random.Random, e: str = ending, g: tuple[bytes, ...] = good) -> str:
                return readers.outcome(readers.write(mutated(rng.choice(g), rng, g), e, base))

            yield f"files {ending}", 4000 if ending in (".csv", ".tsv") else 3000, file
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
        yield (
            "fits of torture tables",
            40,
            lambda rng: torture.outcome_of_fit(torture.frame_of(rng), path),
        )
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
        for name, number, case in attacks(parts, base / "files"):
            result = tried(name, case, round(number * size), seed)
            broken += len(result["broken"]) + result["hangs"]
            executions += result["tried"]
    gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
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
