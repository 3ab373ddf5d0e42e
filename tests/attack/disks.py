"""Disks that fill up in the middle of a file, and two processes that write at once.

`python -m attack.disks FOLDER` prints one JSON object.
"""

import json
import os
import resource
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

from attack.kills import MINE, NAMES, NEW, OLD, model_folder, table_file
from quasistatic.checkpoint import folder
from quasistatic.data.output import write_whole
from quasistatic.errors import OutputError


def full_at(size: int, work: Callable[[], object]) -> int:
    """The exit code of a child whose files cannot grow beyond a size: 0 done, 2 refused.

    Args:
        size: most bytes of a file.
        work: function that writes.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        child = os.fork()
    if child == 0:
        warnings.simplefilter("ignore")
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        try:
            work()
        except OutputError:
            os._exit(2)
        except Exception:  # noqa: BLE001
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def full_disks(base: Path, sizes: range) -> dict[str, int]:
    """Model folders and tables over older ones, on disks of many sizes."""
    found = {"writes": 0, "refused": 0, "unclear": 0, "lost": 0, "left_over": 0}
    for size in sizes:
        model, table = base / "model", base / "t.csv"
        model.mkdir(exist_ok=True)
        for name in NAMES:
            (model / name).write_bytes(OLD)
        (model / "notes.txt").write_bytes(MINE)
        table.write_bytes(OLD)
        for path, work in ((model, model_folder), (table, table_file)):
            code = full_at(size, lambda work=work, path=path: work(path))
            found["writes"] += 1
            found["refused"] += code == 2
            found["unclear"] += code not in (0, 2)
            expected = NEW if code == 0 else OLD
            files = [path] if path == table else [path / name for name in NAMES]
            found["lost"] += any(file.read_bytes() != expected for file in files)
        found["lost"] += (model / "notes.txt").read_bytes() != MINE
        found["left_over"] += sorted(os.listdir(base)) != ["model", "t.csv"]
    return found


def two_writers(base: Path, rounds: int) -> dict[str, int]:
    """Two processes write one folder and one table again and again."""
    found = {"rounds": 0, "halves": 0, "left_over": 0, "failed": 0}

    def write(content: bytes) -> None:
        for _ in range(20):
            folder._write_folder(base / "model", dict.fromkeys(NAMES, content), True)
            write_whole(base / "t.csv", lambda file: file.write(content), True)

    for _ in range(rounds):
        children = []
        for content in (OLD, NEW):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                child = os.fork()
            if child == 0:
                warnings.simplefilter("ignore")
                try:
                    write(content)
                except Exception:  # noqa: BLE001
                    os._exit(1)
                os._exit(0)
            children.append(child)
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        found["rounds"] += 1
        found["failed"] += sum(code != 0 for code in codes)
        contents = {(base / "model" / name).read_bytes() for name in NAMES}
        found["halves"] += contents not in ({OLD}, {NEW})
        found["halves"] += (base / "t.csv").read_bytes() not in (OLD, NEW)
        found["left_over"] += sorted(os.listdir(base)) != ["model", "t.csv"]
    return found


def main(base: Path, sizes: int = 12, rounds: int = 2) -> dict[str, dict[str, int]]:
    """Every attack, each in a folder of its own."""
    for name in ("full", "two"):
        (base / name).mkdir(parents=True)
    step = max(len(NEW) // sizes, 1)
    return {
        "full disk": full_disks(base / "full", range(0, len(NEW) + step, step)),
        "two writers": two_writers(base / "two", rounds),
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), *map(int, sys.argv[2:])), indent=1))
