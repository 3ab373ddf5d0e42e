"""Damaged files on which a library in Rust panics, or gives up: one message, and no other.

Damaged Parquet and Arrow files make polars panic. The traces of its own code that it then writes to
standard error would stand around the one error that names the file. Where a file makes it ask for
more memory than any machine has, it ends the process: nothing can be raised then, but what the
file is can still be said.
"""

import ctypes
import os
import re
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import IO

__all__ = ["without_panics"]

_STDERR, _REFUSED = 2, 2
_PANIC = re.compile(
    rb"\n?thread '[^\n]*' (\(\d+\) )?panicked at .*?\n(note: [^\n]*\n|(?=\n?thread ')|\Z)",
    re.DOTALL,
)
_UNSAFE = re.compile(r"[^\n -~]")  # in last words, nothing that a terminal might act upon


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


class _Diverted:
    """Standard error of the process, in a file while anybody parses.

    The descriptor belongs to all threads: the first that parses diverts it, the last gives it back.
    """

    def __init__(self) -> None:
        self._lock, self._parsing = Lock(), 0
        self._original: int | None = None
        self._file: IO[bytes] | None = None
        self._aborted = ctypes.CFUNCTYPE(None, ctypes.c_int)(self._last_words)
        self._before: int | None = None
        self._words = b""

    def _last_words(self, number: int) -> None:
        """Called by `abort` in place of the end of the process, which cannot go on."""
        del number
        os.write(_STDERR if self._original is None else self._original, self._words)
        os._exit(_REFUSED)

    def begin(self, words: str) -> None:
        """One more parses.

        Args:
            words: last words, should the parser end the process.
        """
        with self._lock:
            self._parsing += 1
            self._words = _UNSAFE.sub(_escaped, f"Error: {words}\n").encode()
            if self._parsing == 1:
                self._before = _set_handler(signal.SIGABRT, self._aborted)
                with suppress(OSError):  # no standard error, or no room for a file
                    file = tempfile.TemporaryFile()  # noqa: SIM115
                    self._original = os.dup(_STDERR)
                    os.dup2(file.fileno(), _STDERR)
                    self._file = file

    def end(self) -> None:
        """One less; after the last, what was written comes to where it belongs."""
        with self._lock:
            self._parsing -= 1
            if self._parsing:
                return
            _set_handler(signal.SIGABRT, ctypes.c_void_p(self._before))
            if self._original is None:
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


_set_handler = ctypes.CDLL(None).signal
_set_handler.restype = ctypes.c_void_p
_diverted = _Diverted()


@contextmanager
def without_panics(words: str) -> Iterator[None]:
    """Within the `with` block a file is parsed; what panics write to standard error is left out,
    everything else follows at its end. A parser that would end the process ends it with exit code
    2, and with words.

    Args:
        words: what is to be said then.
    """
    _diverted.begin(words)
    try:
        yield
    finally:
        _diverted.end()
