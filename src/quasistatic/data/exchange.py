"""A folder in the place of another: whole or not at all, and what is somebody else's stays.

While a folder is made it is called `.NAME.new-PID`. Where the system can exchange two names
(Linux's `renameat2`), the older folder has this name for the moment that it takes to remove it;
elsewhere it is called `.NAME.old-PID`, and between two renamings nothing is called NAME. What a
process that was killed left of these is put in order by the next one that writes or loads NAME.
"""

import ctypes
import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from quasistatic.errors import OutputError, warn

__all__ = ["check_name", "is_over", "new_folder", "recover", "remove_parts", "sync"]

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_CANNOT = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


def check_name(path: Path) -> None:
    """Refuse a path under which no new folder can be made.

    Args:
        path: path of the folder to make.

    Raises:
        OutputError: it has no name of its own, as `.`, `..` and `/`, or is a link that leads
            nowhere.
    """
    if path.name in ("", ".."):
        raise OutputError(
            "this is no name for a new folder",
            where=str(path),
            fix="give the name of a folder that may be made",
        )
    if path.is_symlink() and not path.exists():
        raise OutputError("the link leads nowhere", where=str(path), fix="give another name")


@contextmanager
def new_folder(path: Path, is_own: Callable[[Path], bool], *, force: bool) -> Iterator[Path]:
    """An empty folder to be filled within the `with` block, which then takes the place of `path`.

    An older folder, or the one that a link at `path` leads to, is replaced in one step. The new one
    has its mode, and the modes of files of the same names; what in it is somebody else's is carried
    over.

    Args:
        path: path of the folder to make; folders above it are made too.
        is_own: function that says whether a file of the older folder goes with it.
        force: whether there may be an older folder.

    Raises:
        OSError: the disk is full, `path` exists (and not `force`) and the like; what was there is
            left as it was.
    """
    path = path.resolve() if path.is_symlink() else path
    path.parent.mkdir(parents=True, exist_ok=True)
    recover(path, is_own)
    fresh = _beside(path, "new", os.getpid())
    try:
        fresh.mkdir()
        yield fresh
        older = _take_place(fresh, path, force)
    except BaseException:
        with suppress(OSError):
            _dissolve(fresh, path, is_own)  # by now it may be the older one
        raise
    sync(path.parent)
    if older is not None:
        _dissolve(older, path, is_own)


def recover(path: Path, is_own: Callable[[Path], bool]) -> None:
    """Put in order what processes that were killed left beside a folder; a warning names it.

    Args:
        path: path of the folder, be it there or not.
        is_own: function that says whether a file is part of such a folder, and nobody else's.
    """
    for kind in ("old", "new"):
        for left in sorted(path.parent.glob(f".{_literal(path.name)}.{kind}-*")):
            number = left.name.rpartition("-")[2]
            if not (number.isdecimal() and is_over(int(number)) and left.is_dir()):
                continue
            if kind == "old" and not os.path.lexists(path):
                left.rename(path)
                warn(f"{path}: saving was interrupted; the older folder, {left.name}, is back")
            elif _dissolve(left, path, is_own):
                warn(f"{path}: {left.name}, left by a process that was killed, is removed")
            else:
                warn(f"{path}: {left}, left by a process that was killed, holds other files")


def remove_parts(path: Path) -> None:
    """Remove what processes that were killed left of a file: `.NAME.PID-....part` beside it.

    Args:
        path: path of the file, be it there or not.
    """
    for left in path.parent.glob(f".{_literal(path.name)}.*-*.part"):
        number = left.name.removeprefix(f".{path.name}.").partition("-")[0]
        if number.isdecimal() and int(number) != os.getpid() and is_over(int(number)):
            left.unlink(missing_ok=True)


def sync(folder: Path) -> None:
    """Bring the names in a folder to the disk.

    Args:
        folder: path of the folder.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT:  # some network file systems have no such thing
            raise
    finally:
        os.close(descriptor)


def is_over(process: int) -> bool:
    """Whether a process has ended; one of our own number is an earlier one.

    Args:
        process: number of the process.
    """
    if process == os.getpid():
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def _take_place(fresh: Path, path: Path, force: bool) -> Path | None:
    """Rename; where the older folder is afterwards, None where there was none."""
    if not os.path.lexists(path):
        sync(fresh)
        fresh.rename(path)
        return None
    if not force:
        raise FileExistsError(errno.EEXIST, "it exists already by now", str(path))
    for old in (path, *path.iterdir()):
        new = fresh if old == path else fresh / old.name
        if new.exists():
            os.chmod(new, stat.S_IMODE(old.stat().st_mode))
    sync(fresh)
    older = fresh
    if not _exchange(fresh, path):
        older = _beside(path, "old", os.getpid())
        path.rename(older)
        try:
            fresh.rename(path)
        except BaseException:
            if not os.path.lexists(path):
                older.rename(path)
            raise
    return older


def _dissolve(left: Path, path: Path, is_own: Callable[[Path], bool]) -> bool:
    """Remove an older or unfinished folder; what is somebody else's is carried over to `path`.
    Whether nothing is left.
    """
    for entry in list(left.iterdir()):
        if entry.is_file() and not entry.is_symlink() and is_own(entry):
            entry.unlink()
        elif path.is_dir() and not os.path.lexists(path / entry.name):
            entry.rename(path / entry.name)
    try:
        left.rmdir()
    except OSError:
        return False
    return True


def _exchange(one: Path, other: Path) -> bool:
    """Exchange the names of two folders in one step; False where the system cannot."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    sys.audit("os.rename", one, other, -1, -1)
    names = os.fsencode(one), os.fsencode(other)
    if rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(other))


def _beside(path: Path, kind: str, process: int) -> Path:
    return path.with_name(f".{path.name}.{kind}-{process}")


def _literal(name: str) -> str:
    """A name for `glob`, in which nothing stands for anything else."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)
