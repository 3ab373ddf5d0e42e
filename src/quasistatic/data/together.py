"""Files that belong together: never is one of them new and another old, whatever is killed.

Names in a folder change one by one. Several files are therefore first complete under other names;
a list of them, `.NAME.PID.set`, then says that they are to take their places: the older ones go,
and the new ones come. What a process that was killed did not finish of it, the next one that writes
there does.
"""

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from quasistatic.data.exchange import is_over, sync
from quasistatic.errors import warn

__all__ = ["finish", "put_in_place", "together"]

_Move = tuple[Path, Path]
"""A complete file under its other name, and the path that it is to have."""
_LARGEST_LIST = 2**20  # bytes

_held: ContextVar[list[_Move] | None] = ContextVar("_held", default=None)


@contextmanager
def together() -> Iterator[None]:
    """Files that are put in place within the `with` block come there at its end, all of them; after
    an error none.
    """
    if _held.get() is not None:  # part of a larger whole
        yield
        return
    held: list[_Move] = []
    token = _held.set(held)
    try:
        yield
        _move(held)
    finally:
        _held.reset(token)
        for written, _ in held:
            written.unlink(missing_ok=True)


def put_in_place(written: Path, path: Path) -> None:
    """Give a complete file its name, or keep it for the end of `together`.

    Args:
        written: path under which the file was written, in the same folder.
        path: path that it is to have.
    """
    held = _held.get()
    if held is None:
        _move([(written, path)])
    else:
        held.append((written, path))


def finish(folder: Path) -> None:
    """Do what processes that were killed did not finish; a warning names the files.

    Args:
        folder: folder that somebody is about to write to.
    """
    for listed in sorted(folder.glob(".*.set")):
        number = listed.name.removesuffix(".set").rpartition(".")[2]
        if not (number.isdecimal() and is_over(int(number)) and listed.is_file()):
            continue
        moves = _read(listed, number)
        for written, path in moves:
            with suppress(FileNotFoundError):  # it is in its place
                os.replace(written, path)
        listed.unlink(missing_ok=True)
        if moves:
            names = ", ".join(str(path) for _, path in moves)
            warn(f"{names}: putting them in place was interrupted; they are there now")


def _move(moves: Sequence[_Move]) -> None:
    folders = {path.parent for _, path in moves}
    listed = None if len(moves) < 2 or len(folders) > 1 else _write(moves)
    if listed is not None:
        for _, path in moves:
            path.unlink(missing_ok=True)
    for written, path in moves:
        os.replace(written, path)
    for folder in folders:
        sync(folder)
    if listed is not None:
        listed.unlink()


def _write(moves: Sequence[_Move]) -> Path:
    """The list, on the disk."""
    folder, first = moves[0][1].parent, moves[0][1].name
    descriptor, name = tempfile.mkstemp(
        prefix=f".{first}.{os.getpid()}-", suffix=".part", dir=folder
    )
    listed = folder / f".{first}.{os.getpid()}.set"
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump([[written.name, path.name] for written, path in moves], file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, listed)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync(folder)
    return listed


def _read(listed: Path, number: str) -> list[_Move]:
    """What a list says; nothing of one that was not written here: no name leads out of its folder,
    and only files of that process are moved.
    """
    if listed.stat().st_size > _LARGEST_LIST:
        return []
    try:
        names = [(str(written), str(name)) for written, name in json.loads(listed.read_bytes())]
    except (ValueError, TypeError, RecursionError):
        return []
    own = all(
        name not in ("", ".", "..")
        and os.sep not in name + written
        and written.startswith(f".{name}.{number}-")
        and written.endswith(".part")
        for written, name in names
    )
    folder = listed.parent
    return [(folder / written, folder / name) for written, name in names] if own else []
