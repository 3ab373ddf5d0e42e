"""From an exception to one clear message and an exit code.

| what happened | exit code |
|---|---|
| a `QuasistaticError`, no memory, no space, no permission | 2, the message, no traceback |
| Ctrl-C | 130 |
| the reader of the output went away (`| head`) | 141 |
| anything else is a defect of this program | 1, with the traceback |
"""

import errno
import functools
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer

from quasistatic.cache import enable_compilation_cache
from quasistatic.cli.legible import legible
from quasistatic.errors import QuasistaticError

_SYSTEM = {
    errno.ENOSPC: (
        "the disk is full",
        "free some space or choose another output folder; nothing was replaced",
    ),
    errno.EDQUOT: (
        "the disk quota is used up",
        "free some space or choose another output folder; nothing was replaced",
    ),
    errno.EACCES: ("permission denied", "check who owns the path, or choose another one"),
    errno.EPERM: ("not permitted", "check who owns the path, or choose another one"),
    errno.EROFS: ("the file system is read-only", "choose another output folder"),
    errno.ENAMETOOLONG: ("the path is too long", "choose a shorter path"),
    errno.EMFILE: (
        "too many files are open",
        "close some programs, or raise the limit with `ulimit -n`",
    ),
}
_NO_MEMORY = (
    "there is not enough memory for this table and these settings",
    "use fewer rows or columns, or a smaller --width or --batch-size",
)


def guarded(command: Callable[..., Any]) -> Callable[..., None]:
    """Wrap a command so that every failure ends in a message and an exit code, never in a
    half-printed traceback.
    """

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            # XLA's remarks on cached code are not for the user.
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
            enable_compilation_cache()
            with _plain_warnings():
                command(*args, **kwargs)
            sys.stdout.flush()
        except (typer.Exit, typer.Abort):
            raise
        except BrokenPipeError:
            _close_stdout()
            raise typer.Exit(141) from None
        except KeyboardInterrupt:
            say("Interrupted.")
            raise typer.Exit(130) from None
        except Exception as error:  # noqa: BLE001
            _drop_unwritable_stdout()
            message = explain(error)
            if message is None:
                say(traceback.format_exc().rstrip())
                say("\nThis is a defect of quasistatic: please report it with the lines above.")
                raise typer.Exit(1) from None
            say(f"Error: {message}")
            raise typer.Exit(2) from None

    return run


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show warnings that are meant for the user without the line of code that they come from."""
    with_line = warnings.formatwarning

    def plain(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> str:
        return (
            f"Warning: {legible(str(message))}\n"
            if issubclass(category, UserWarning)
            else with_line(message, category, *place, **more)
        )

    warnings.formatwarning = plain
    try:
        yield
    finally:
        warnings.formatwarning = with_line


def explain(error: BaseException) -> str | None:
    """The message for a failure that the user can do something about; None for a defect."""
    if isinstance(error, QuasistaticError):
        return str(error)
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error):
        return str(QuasistaticError(_NO_MEMORY[0], fix=_NO_MEMORY[1]))
    if isinstance(error, OSError) and error.errno in _SYSTEM:
        what, fix = _SYSTEM[error.errno]
        return str(QuasistaticError(what, where=str(error.filename or ""), fix=fix))
    return None


def say(text: str) -> None:
    """A line on standard error: no markup, no wrapping, nothing that a terminal acts upon."""
    print(legible(text), file=sys.stderr, flush=True)


def _drop_unwritable_stdout() -> None:
    try:
        sys.stdout.flush()
    except OSError:
        _close_stdout()


def _close_stdout() -> None:
    """Nothing more can be written: keep the interpreter from complaining about it at its end."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # standard output is no file
        return
