"""Processes that are lost while they train together: how soon it is noticed, and what goes on.

    python benchmarks/faults.py --output faults.json [--kills 50] [--stalls 20] [--full 5]

Two processes fit a small table. At a random moment of the fit one of them, a random one, is killed
(SIGKILL), or stopped (SIGSTOP), or the first can no longer write (its files may not grow, as on a
full disk). Noticed means: the command has ended within 60 seconds with exit code 2, one message and
no traceback, and a process that was lost is named in it. Resumed means: the same command with
`--resume`, or without it where there was no checkpoint yet, gave the bytes of the fit that nobody
disturbed; where the process was lost after its model was in place, that the model has these bytes.

Each round is kept in the file `--output`: the same command goes on where it was interrupted. Prints
a Markdown table.
"""

import argparse
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scale import Kept, children

HOW = ["--model", "diffusion", "--max-steps", "200", "--trajectory-length", "10", "--width", "16"]
HOW += ["--components", "1", "--members", "1", "--frequencies", "0", "--batch-size", "64"]
NOTICED = 60
KINDS = ("killed", "stopped", "full disk")


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=Path("faults.json"))
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--stalls", type=int, default=20)
    parser.add_argument("--full", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    kept, folder = Kept(arguments.output), arguments.output.with_suffix(".data")
    folder.mkdir(exist_ok=True)
    # A program that a full disk cuts short is to spoil no other's cache.
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(arguments.output.with_suffix(".cache"))
    table(folder)
    begun = kept.measured("undisturbed, seconds", lambda: undisturbed(folder))
    print("| what | rounds | noticed in 60 s | the longest, s | resumed to the same bytes |")
    print("|---|---|---|---|---|")
    numbers = (arguments.kills, arguments.stalls, arguments.full)
    for kind, rounds in zip(KINDS, numbers, strict=True):
        found = [
            kept.measured(
                f"{kind}, round {i}, seed {arguments.seed}",
                lambda i=i, kind=kind: one_round(folder, kind, begun, f"{arguments.seed} {i}"),
            )
            for i in range(rounds)
        ]
        noticed = sum(round_["noticed"] for round_ in found)
        resumed = sum(round_["resumed"] for round_ in found)
        longest = max((round_["seconds"] for round_ in found), default=0.0)
        print(f"| {kind} | {rounds} | {noticed} | {longest:.0f} | {resumed} |", flush=True)


def table(folder: Path) -> None:
    """A table of 2,100 rows."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=2100)
    kind = np.where(x > 0, "a", "b")
    rows = pl.DataFrame({"x": x, "y": x + rng.normal(size=2100), "kind": kind})
    rows.write_csv(folder / "t.csv")


def start(folder: Path, name: str, *options: str) -> "subprocess.Popen[str]":
    """A fit in two processes."""
    given = ["fit", str(folder / "t.csv"), "-o", str(folder / name), "--processes", "2", "--quiet"]
    return subprocess.Popen(
        [sys.executable, "-m", "quasistatic", *given, *HOW, *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def undisturbed(folder: Path) -> float:
    """Seconds of a fit that nobody disturbs, the second one: the first compiles."""
    seconds = 0.0
    for _ in range(2):
        began = time.monotonic()
        fit = start(folder, "whole", "--force")
        said = fit.communicate()[1]
        if fit.returncode:
            raise SystemExit(said)
        seconds = time.monotonic() - began
    return seconds


def one_round(folder: Path, kind: str, whole: float, seed: str) -> dict[str, Any]:
    """A fit that is disturbed at a random moment, again if it had ended by then, and goes on."""
    chance = random.Random(f"{kind} {seed}")
    while True:
        name, checkpoint = "disturbed", folder / "disturbed.checkpoint"
        for old in (folder / name, checkpoint):
            shutil.rmtree(old, ignore_errors=True)
        fit, when = start(folder, name), chance.uniform(0.0, whole)
        rank = 0 if kind == "full disk" else chance.randrange(2)
        time.sleep(when)
        started = children(str(fit.pid))
        if fit.poll() is None and len(started) == 2:
            disturb(int(started[rank]), kind)
            break
        fit.communicate()
    began = time.monotonic()
    said = fit.communicate()[1]
    seconds = time.monotonic() - began
    if fit.returncode == 0:  # nothing was left to be done, or to be written
        return {"seconds": seconds, "noticed": True, "resumed": same(folder, name), "when": when}
    named = kind == "full disk" or f"process {rank} of 2" in said
    errors = [line for line in said.splitlines() if line.startswith("Error: ")]
    clear = fit.returncode == 2 and len(errors) == 1 and "Traceback" not in said
    found = {
        "seconds": seconds,
        "noticed": clear and named and seconds <= NOTICED,
        "when": when,
        "said": said,
    }
    if (folder / name).exists():  # it was lost on its way out, its model was in place
        return found | {"resumed": contents(folder / name) == contents(folder / "whole")}
    again = start(folder, name, *(["--resume"] if checkpoint.exists() else []))
    said_again = again.communicate()[1]
    if again.returncode == 0 and same(folder, name):
        return found | {"resumed": True}
    return found | {"resumed": False, "said again": said_again, "code": again.returncode}


def disturb(process: int, kind: str) -> None:
    """Do to a process what the kind of the round says."""
    if kind == "full disk":
        resource.prlimit(process, resource.RLIMIT_FSIZE, (0, 0))
    else:
        os.kill(process, signal.SIGKILL if kind == "killed" else signal.SIGSTOP)


def same(folder: Path, name: str) -> bool:
    """Whether a model folder has the bytes of the undisturbed one, and nothing is beside it."""
    beside = {path.name for path in folder.iterdir()} - {"t.csv", "whole", name}
    return contents(folder / "whole") == contents(folder / name) and not beside


def contents(model: Path) -> dict[str, bytes]:
    """The files of a model folder."""
    return {file.name: file.read_bytes() for file in model.iterdir()}


if __name__ == "__main__":
    main()
