"""Kills at every call that changes files, of everything that writes; what is found afterwards.

`python -m attack.kills FOLDER` prints one JSON object. A child is forked for every call: an audit
hook counts what it does to files, and kills it just before the n-th.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

EVENTS = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.fsync", "open")
OLD, NEW, MINE = b"old" * 1000, b"new" * 2000, b"mine"
NAMES = ("manifest.json", "config.json", "schema.json", "model.safetensors")
MOST_CALLS = 200


def killed_at(stage: int, work: Callable[[], object]) -> bool:
    """Whether the process that works was killed before its call of that number.

    Args:
        stage: number of the call, counted from 1.
        work: function that writes.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        child = os.fork()
    if child == 0:
        _count_down(stage)
        try:
            warnings.simplefilter("ignore")
            work()
        except Exception:  # noqa: BLE001
            os._exit(3)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code not in (0, -signal.SIGKILL):
        raise RuntimeError(f"the work failed with {code}")
    return code == -signal.SIGKILL


def _count_down(stage: int) -> None:
    left = [stage]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in EVENTS or (event == "open" and not _writes(arguments)):
            return
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    fsync = os.fsync

    def counted(descriptor: int) -> None:
        sys.audit("os.fsync", descriptor)
        fsync(descriptor)

    os.fsync = counted


def _writes(arguments: tuple[Any, ...]) -> bool:
    flags = arguments[2] if isinstance(arguments[2], int) else 0
    return bool(flags & (os.O_WRONLY | os.O_RDWR))


def model_folder(path: Path) -> None:
    """Write a model folder over another."""
    from quasistatic.checkpoint import folder

    folder._write_folder(path, dict.fromkeys(NAMES, NEW), True)


def model_folder_without_exchange(path: Path) -> None:
    """The same where the system cannot exchange two names."""
    from quasistatic.data import exchange

    exchange._exchange = lambda one, other: False
    model_folder(path)


def table_file(path: Path) -> None:
    """Write a table over another."""
    from quasistatic.data.output import write_whole

    write_whole(path, lambda file: file.write(NEW), True)


TABLES = ("t-1.csv", "t-2.csv")


def tables_together(folder: Path) -> None:
    """Write tables that belong together over others."""
    from quasistatic.data.output import write_whole
    from quasistatic.data.together import together

    with together():
        for name in TABLES:
            write_whole(folder / name, lambda file: file.write(NEW), True)


def attack_tables(base: Path, old: bool) -> dict[str, int]:
    """Kill the writing of several tables at every call; count the kills, and the states in which
    one is new and another old, or one is missing after the next process has written there.

    Args:
        base: empty folder to work in.
        old: whether there are older tables.
    """
    from quasistatic.data.output import check_output

    found = {"kills": 0, "mixed": 0, "halves": 0, "left_over": 0}
    for stage in range(1, MOST_CALLS):
        place = base / str(stage)
        place.mkdir()
        for name in TABLES if old else ():
            (place / name).write_bytes(OLD)
        if not killed_at(stage, lambda place=place: tables_together(place)):
            break
        found["kills"] += 1
        now = {(place / name).read_bytes() for name in TABLES if (place / name).exists()}
        found["mixed"] += len(now) > 1
        found["halves"] += not now <= {OLD, NEW}
        check_output(place / "t-9.csv")  # whoever writes there next
        there = [(place / name).read_bytes() for name in TABLES if (place / name).exists()]
        whole = [[OLD] * 2, [NEW] * 2] if old else [[], [NEW] * 2]
        found["mixed"] += there not in whole
        tables_together(place)
        found["halves"] += any((place / name).read_bytes() != NEW for name in TABLES)
        found["left_over"] += sorted(item.name for item in place.iterdir()) != sorted(TABLES)
        shutil.rmtree(place)
    return found


def _laid(path: Path, old: bool) -> None:
    """A folder of old files with somebody else's among them, or nothing."""
    if old:
        path.mkdir(mode=0o700)
        for name in NAMES:
            (path / name).write_bytes(OLD)
        (path / "notes.txt").write_bytes(MINE)
        (path / "plots").mkdir()
        (path / "plots" / "a.txt").write_bytes(MINE)


def _of(path: Path) -> dict[str, bytes]:
    return {name: (path / name).read_bytes() for name in NAMES if (path / name).is_file()}


def attack_folder(work: Callable[[Path], None], base: Path, old: bool) -> dict[str, int]:
    """Kill `work` at every call; count the kills and what was lost.

    Args:
        work: function that writes a folder.
        base: empty folder to work in.
        old: whether there is an older folder.
    """
    found = {"kills": 0, "halves": 0, "lost": 0, "foreign_lost": 0, "left_over": 0, "modes": 0}
    whole = [dict.fromkeys(NAMES, content) for content in ((OLD, NEW) if old else (NEW,))]
    for stage in range(1, MOST_CALLS):
        place = base / str(stage)
        place.mkdir()
        path = place / "model"
        _laid(path, old)
        if not killed_at(stage, lambda path=path: work(path)):
            break
        found["kills"] += 1
        _come_back(path)
        now = _of(path) if path.is_dir() else {}
        found["lost"] += old and not now
        found["halves"] += bool(now) and now not in whole
        model_folder(path)  # the next process puts everything in order
        found["halves"] += _of(path) != whole[-1]
        found["left_over"] += [item.name for item in place.iterdir()] != ["model"]
        if old:
            kept = [path / "notes.txt", path / "plots" / "a.txt"]
            found["foreign_lost"] += not all(p.is_file() and p.read_bytes() == MINE for p in kept)
            found["modes"] += path.stat().st_mode & 0o777 != 0o700
        shutil.rmtree(place)
    return found


def _come_back(path: Path) -> None:
    """What loading does first."""
    from quasistatic.checkpoint.folder import _refuse_no_folder
    from quasistatic.errors import ModelFolderError

    try:
        _refuse_no_folder(path)
    except ModelFolderError:
        return


def attack_file(base: Path) -> dict[str, int]:
    """Kill the writing of a table at every call; count the kills and what was lost.

    Args:
        base: empty folder to work in.
    """
    found = {"kills": 0, "halves": 0, "left_over": 0, "modes": 0}
    for stage in range(1, MOST_CALLS):
        place = base / str(stage)
        place.mkdir()
        path = place / "t.csv"
        path.write_bytes(OLD)
        os.chmod(path, 0o600)
        if not killed_at(stage, lambda path=path: table_file(path)):
            break
        found["kills"] += 1
        found["halves"] += path.read_bytes() not in (OLD, NEW)
        table_file(path)
        found["halves"] += path.read_bytes() != NEW
        found["left_over"] += [item.name for item in place.iterdir()] != ["t.csv"]
        found["modes"] += path.stat().st_mode & 0o777 != 0o600
        shutil.rmtree(place)
    return found


def at_random(base: Path, number: int) -> dict[str, int]:
    """Kill whole fits at random times; count the kills, and the models that were lost or halved.

    Args:
        base: empty folder to work in.
        number: number of fits.
    """
    found = {"kills": 0, "halves": 0, "lost": 0, "left_over": 0}
    rng, data = random.Random(0), Path(__file__).parents[2] / "examples" / "penguins.csv"
    fit = [sys.executable, "-m", "quasistatic", "fit", str(data), "-o", str(base / "m")]
    fit += ["--model", "mixture", "--components", "2", "--force", "--quiet"]
    start = time.monotonic()
    subprocess.run(fit, check=True, capture_output=True)
    seconds = time.monotonic() - start
    for _ in range(number):
        process = subprocess.Popen(fit, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(seconds * rng.uniform(0.5, 1.1))
        process.kill()
        found["kills"] += process.wait() == -signal.SIGKILL
        loads = [sys.executable, "-m", "quasistatic", "inspect", str(base / "m")]
        found["lost"] += not (base / "m").is_dir()
        found["halves"] += subprocess.run(loads, capture_output=True).returncode != 0
    subprocess.run(fit, check=True, capture_output=True)
    found["left_over"] += os.listdir(base) != ["m"]
    return found


def main(base: Path, repetitions: int = 1) -> dict[str, dict[str, int]]:
    """Every attack, each in a folder of its own; more than one repetition: kills of whole fits too.

    Args:
        base: empty folder to work in.
        repetitions: how often every call is the one before which a kill comes (default 1).
    """
    warnings.simplefilter("ignore")
    found: dict[str, Counter[str]] = {}
    for turn in range(repetitions):
        for work in (model_folder, model_folder_without_exchange):
            for old in (True, False):
                name = f"{work.__name__}, {'over another' if old else 'new'}"
                (base / name / str(turn)).mkdir(parents=True)
                counts = attack_folder(work, base / name / str(turn), old)
                found.setdefault(name, Counter()).update(counts)
        for old in (True, False):
            name = f"several tables, {'over others' if old else 'new'}"
            (base / name / str(turn)).mkdir(parents=True)
            counts = attack_tables(base / name / str(turn), old)
            found.setdefault(name, Counter()).update(counts)
        (base / "file" / str(turn)).mkdir(parents=True)
        found.setdefault("table file", Counter()).update(attack_file(base / "file" / str(turn)))
    if repetitions > 1:
        (base / "fits").mkdir()
        found["fits at random times"] = Counter(at_random(base / "fits", repetitions))
    return {name: dict(counts) for name, counts in found.items()}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), *map(int, sys.argv[2:])), indent=1))
