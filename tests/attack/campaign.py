"""The long attack: `make attack`, which prints what was tried and what broke.

    python -m attack.campaign [SIZE] [SEED]

SIZE 1 (the default) takes some minutes on one core; everything grows with it. What breaks is
printed with its input, of which the least belongs into `finds.py`.
"""

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
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from attack import conditions, folders, readers, schemas, torture
from attack.mutation import mutated

GOOD = {"read", "refused", "used", "loaded", "kept"}
SLOW_SECONDS, LARGEST_GIB = 10.0, 2.0
REPOSITORY = Path(__file__).parents[2]


def tried(name: str, cases: Iterable[Callable[[], str]]) -> dict[str, Any]:
    """Run cases one after the other; count and print their outcomes.

    Args:
        name: name of the attack.
        cases: functions that give an outcome.
    """
    found, slowest, start = Counter(), 0.0, time.monotonic()
    for case in cases:
        begun = time.monotonic()
        signal.alarm(int(6 * SLOW_SECONDS))
        found[case()] += 1
        signal.alarm(0)
        slowest = max(slowest, time.monotonic() - begun)
    broken = {what: count for what, count in found.items() if what not in GOOD}
    result = {
        "tried": sum(found.values()),
        **{what: found[what] for what in sorted(GOOD) if found[what]},
        "broken": broken,
        "hangs": int(slowest > SLOW_SECONDS),
        "slowest_s": round(slowest, 2),
        "seconds": round(time.monotonic() - start, 1),
    }
    print(f"{name:24s} {json.dumps(result)}", flush=True)
    return result


def attacks(size: float, seed: int, base: Path) -> dict[str, Iterable[Callable[[], str]]]:
    """The cases of every attack on what is read.

    Args:
        size: size of the attack.
        seed: seed of the changes.
        base: folder to work in.
    """
    from quasistatic.data.columns.alternatives import infer_schemas
    from quasistatic.estimator.loading import load

    rng = random.Random(seed)
    table, whole = schemas.read(base)
    options = infer_schemas(table, None)
    density = load(REPOSITORY / "tests" / "golden" / "mixed")

    def file(ending: str, good: tuple[bytes, ...]) -> str:
        content = mutated(rng.choice(good), rng, good)
        return readers.outcome(readers.write(content, ending, base))

    def folder(good: Path) -> str:
        return folders.outcome(folders.spoiled(good, base / "m", rng), folders.look)

    def times(n: float, case: Callable[[], str]) -> Iterable[Callable[[], str]]:
        return (case for _ in range(int(n * size)))

    found = {}
    for ending, good in readers.seeds().items():
        n = 4000 if ending in (".csv", ".tsv") else 3000
        found[f"files {ending}"] = times(n, lambda e=ending, g=good: file(e, g))
    found["--schema"] = times(5000, lambda: schemas.outcome(table, schemas.spoiled(whole, rng)))
    found["--given"] = times(
        10_000,
        lambda: conditions.outcome_given(density, [conditions.sentence(conditions.GIVEN, rng)]),
    )
    found["--where"] = times(
        10_000,
        lambda: conditions.outcome_where(
            table, options, [conditions.sentence(conditions.WHERE, rng)]
        ),
    )
    for good in models(base):
        found[f"model folder {good.name}"] = times(1000, lambda g=good: folder(g))
    found["fits of such tables"] = times(
        40, lambda: torture.outcome_of_fit(torture.frame_of(rng), base / "fit")
    )
    found["torture tables"] = times(1000, lambda: torture.outcome(torture.frame_of(rng)))
    return found


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


def main(size: float = 1.0, seed: int = 0) -> int:
    """Every attack; the number of kinds of broken things."""
    signal.signal(signal.SIGALRM, _too_long)
    warnings.simplefilter("ignore")
    in_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    broken = 0
    with tempfile.TemporaryDirectory(dir=in_memory) as folder:
        base = Path(folder)
        for name in ("files", "kills", "disks"):
            (base / name).mkdir()
        for module, arguments in (
            ("kills", [str(round(20 * size))]),
            ("disks", [str(round(200 * size)), str(round(10 * size))]),
        ):
            broken += forked(module, [str(base / module), *arguments])
        for name, cases in attacks(size, seed, base / "files").items():
            result = tried(name, cases)
            broken += len(result["broken"]) + result["hangs"]
    gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"largest process {gib:.2f} GiB; {broken} kinds of broken things")
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
    given = dict(zip(("size", "seed"), map(float, sys.argv[1:]), strict=False))
    sys.exit(bool(main(given.get("size", 1.0), int(given.get("seed", 0)))))
