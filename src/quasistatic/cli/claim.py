"""One command at a time for one output: the second is told at its start."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quasistatic.errors import OutputError

__all__ = ["claimed"]


@contextmanager
def claimed(output: str) -> Iterator[None]:
    """Within the `with` block no other process can claim the same output.

    The claim is a lock on `.NAME.lock` beside the output. It ends with the process, however that
    ends. Where no such file can be made there is no claim: writing will say why.

    Args:
        output: path of what will be written.

    Raises:
        OutputError: another process has claimed it.
    """
    path = Path(os.path.realpath(output))
    lock = path.with_name(f".{path.name}.lock") if path.name else path
    try:
        descriptor = _locked(lock)
    except BlockingIOError as error:
        raise OutputError(
            "another command is at work on this output",
            where=output,
            fix="wait until it has ended, or give another name",
        ) from error
    except OSError:
        yield
        return
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def _locked(lock: Path) -> int:
    """The descriptor of the locked file, which is still the one of that name."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.exists(lock) and os.path.samestat(os.fstat(descriptor), lock.stat()):
                return descriptor
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)
