"""The compiled programs of this process: how much room they take, when they have to go, and that a
forked process has none.

XLA maps several pieces of memory for every program that it compiles, JAX keeps the programs as long
as the process lives, and Linux allows a process so many mappings (`vm.max_map_count`, 65,530 as a
rule). Tables of other shapes need other programs, a few thousand mappings for each table that is
fitted; where the room ends, the compiler ends the process.
"""

import os
import time
from pathlib import Path

import jax

from quasistatic.errors import QuasistaticError

_MAPPINGS = Path("/proc/self/maps")
_LIMIT = Path("/proc/sys/vm/max_map_count")
QUICKLY = {"xla_backend_optimization_level": 1}
"""Compiler options for programs that are long and mostly wait for matrix products: less to compile,
as fast to run."""
SHARE = 0.5
"""Of the mappings that are allowed; what is left is several times what one fit takes."""


LOOK_AGAIN = 1.0
"""Seconds between two looks at the mappings: reading them takes milliseconds, and what is compiled
in a second fills no tenth of the room."""

_begun_in: list[int] = []
"""The process in which programs were first run."""
_looked_at = [-LOOK_AGAIN]
"""When the mappings were last looked at, on the monotonic clock."""


def require_own_process() -> None:
    """Refuse to run programs in a process that was forked from one that ran some: XLA's threads are
    not there any more, and it would wait for them for ever.

    Raises:
        QuasistaticError: saying so.
    """
    if not _begun_in:
        _begun_in.append(os.getpid())
    if _begun_in[0] != os.getpid():
        raise QuasistaticError(
            "this process was forked from one that had used a model already, which JAX does not"
            " survive",
            fix='start processes with multiprocessing.get_context("spawn")',
        )


def forget_programs_if_crowded() -> None:
    """Drop all compiled programs, JAX's caches, once they hold half of the mappings that Linux
    allows; elsewhere do nothing. It is looked at once a second at most.

    What is called again is compiled again, which changes no result.
    """
    now = time.monotonic()
    if now - _looked_at[0] < LOOK_AGAIN:
        return
    _looked_at[0] = now
    try:
        crowded = _MAPPINGS.read_bytes().count(b"\n") > SHARE * int(_LIMIT.read_text())
    except OSError:  # not Linux, which has such a limit
        return
    if crowded:
        jax.clear_caches()
