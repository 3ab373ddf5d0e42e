"""Several processes of one command on this machine: started, watched, and ended together."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from quasistatic.errors import TrainingError

__all__ = ["AGAIN", "end_apart", "in_processes", "keep_stdout", "send_pulse"]

_PULSE = "QUASISTATIC_PULSE"
"""Environment variable with the number of the pipe on which a process says that it lives."""
_EVERY, _SILENT, _LAST_WORDS = 1.0, 20.0, 10.0
"""Seconds between two pulses, of silence after which a process is given up, and in which the others
may say why one of them has ended."""
AGAIN = "look at what it said above, if anything, and give the command again"
_RESUME = "look at what it said above; `--resume` goes on from the last checkpoint"


@dataclass
class _Child:
    """A process and what is heard of it."""

    process: "subprocess.Popen[bytes]"
    pipe: int
    words: "IO[bytes] | None"
    heard: float

    def listen(self) -> None:
        with suppress(BlockingIOError):
            while os.read(self.pipe, 4096):
                self.heard = time.monotonic()


def in_processes(n: int, fix: str = _RESUME) -> int:
    """Run this command again in n processes that work together; the first one speaks.

    Args:
        n: number of processes.
        fix: what to do where one is lost (default: `--resume`).

    Returns:
        The exit code of the first process.

    Raises:
        TrainingError: one of them was killed, or no longer answers; the others are ended, and it is
            named.
    """
    address = f"127.0.0.1:{_free_port()}"
    children = [_start(rank, n, address) for rank in range(n)]
    interrupt = signal.signal(signal.SIGINT, lambda *_: None)  # they get it, too
    try:
        return _watch(children, fix)
    finally:
        for child in children:
            if child.process.poll() is None:
                child.process.kill()
            child.process.wait()
            os.close(child.pipe)
        signal.signal(signal.SIGINT, interrupt)


def _start(rank: int, n: int, address: str) -> _Child:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    environment = os.environ | {
        "JAX_COORDINATOR_ADDRESS": address,
        "JAX_NUM_PROCESSES": str(n),
        "JAX_PROCESS_ID": str(rank),
        _PULSE: str(writing),
    }
    words = None if rank == 0 else tempfile.TemporaryFile()  # noqa: SIM115
    process = subprocess.Popen(
        [sys.executable, "-m", "quasistatic", *sys.argv[1:]],
        env=environment,
        pass_fds=[writing],
        stdout=None if rank == 0 else subprocess.DEVNULL,
        stderr=words,
    )
    os.close(writing)
    return _Child(process, reading, words, time.monotonic())


def _watch(children: list[_Child], fix: str) -> int:
    """The exit code of the first process, when all have ended well or it has said why not."""
    ended: float | None = None
    while True:
        for child in children:
            child.listen()
        codes = [child.process.poll() for child in children]
        if all(code is not None for code in codes) and not any(codes):
            return 0
        now = time.monotonic()
        for rank, (child, code) in enumerate(zip(children, codes, strict=True)):
            if code is not None and code < 0:
                name = signal.Signals(-code).name
                raise _lost(rank, len(children), f"was ended by {name}", fix)
            if code is None and now - child.heard > _SILENT:
                what = f"has not answered for {_SILENT:.0f} seconds"
                raise _lost(rank, len(children), what, fix)
        if any(codes):
            ended = ended or now
            if codes[0]:
                return codes[0]
            if now - ended > _LAST_WORDS:
                rank = next(rank for rank, code in enumerate(codes) if code)
                _repeat(children[rank].words)
                raise _lost(rank, len(children), f"ended with exit code {codes[rank]}", fix)
        time.sleep(0.05)


def _lost(rank: int, n: int, what: str, fix: str) -> TrainingError:
    return TrainingError(
        f"process {rank} of {n} {what}; the others are ended", where=f"rank {rank}", fix=fix
    )


def _repeat(words: IO[bytes] | None) -> None:
    if words is not None:
        words.seek(0)
        sys.stderr.write(words.read().decode(errors="replace"))


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def end_apart(code: str | int) -> None:
    """End this process now where it cannot end in order.

    If it has failed and others work with it, JAX would wait for them at its end, while they wait
    for what this one no longer says. A service's thread that is still in the compiler would end
    the process with an abort.

    Args:
        code: exit code, or a message in its place.
    """
    workers = sys.modules.get("quasistatic.workers")
    awaited = bool(code) and workers is not None and workers.count() > 1
    desk = sys.modules.get("quasistatic.serve.desk")
    if awaited or (desk is not None and desk.is_at_work()):
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def keep_stdout() -> None:
    """Leave standard output to Python: what libraries in C write there, as gloo does when processes
    meet, goes to standard error.
    """
    sys.stdout.flush()
    own = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = os.fdopen(own, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors)


def send_pulse() -> bool:
    """Say once a second that this process lives, to the one that has started it; where that is
    gone, this one ends too.

    Returns:
        Whether `in_processes` has started this process.
    """
    if _PULSE not in os.environ:
        return False
    pipe = int(os.environ.pop(_PULSE))

    def beat() -> None:
        while True:
            try:
                os.write(pipe, b".")
            except OSError:
                os._exit(1)
            time.sleep(_EVERY)

    threading.Thread(target=beat, daemon=True).start()
    return True
