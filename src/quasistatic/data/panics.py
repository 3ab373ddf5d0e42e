"""Silence about panics: what a library in Rust writes to standard error before it raises.

Damaged Parquet and Arrow files make polars panic. The traces of its own code that it then writes
would stand around the one error that names the file.
"""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import IO

__all__ = ["without_panics"]

_STDERR = 2
_PANIC = re.compile(
    rb"\n?thread '[^\n]*' (\(\d+\) )?panicked at .*?\n(note: [^\n]*\n|(?=\n?thread ')|\Z)",
    re.DOTALL,
)


class _Diverted:
    """Standard error of the process, in a file while anybody parses.

    The descriptor belongs to all threads: the first that parses diverts it, the last gives it back.
    """

    def __init__(self) -> None:
        self._lock, self._parsing = Lock(), 0
        self._original: int | None = None
        self._file: IO[bytes] | None = None

    def begin(self) -> None:
        """One more parses."""
        with self._lock:
            self._parsing += 1
            if self._parsing == 1:
                with suppress(OSError):  # no standard error, or no room for a file
                    file = tempfile.TemporaryFile()  # noqa: SIM115
                    self._original = os.dup(_STDERR)
                    os.dup2(file.fileno(), _STDERR)
                    self._file = file

    def end(self) -> None:
        """One less; after the last, what was written comes to where it belongs."""
        with self._lock:
            self._parsing -= 1
            if self._parsing or self._original is None:
                return
            os.dup2(self._original, _STDERR)
            os.close(self._original)
            self._original = None
            if self._file is not None:
                self._file.seek(0)
                with suppress(OSError):
                    os.write(_STDERR, _PANIC.sub(b"", self._file.read()))
                self._file.close()
                self._file = None


_diverted = _Diverted()


@contextmanager
def without_panics() -> Iterator[None]:
    """Within the `with` block a file is parsed; what panics write to standard error is left out,
    everything else follows at its end.
    """
    _diverted.begin()
    try:
        yield
    finally:
        _diverted.end()
