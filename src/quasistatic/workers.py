"""Processes that do one thing together: who they are, and what passes between them.

Where they train, each has its share of the rows of every batch; gradients are averaged (`psum`),
and whatever decides how the training goes on is told by the first. Where they answer, each has
pieces of its own, and says when one is done. They find each other by `jax.distributed`.
"""

import itertools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from quasistatic.errors import SettingError, TrainingError

__all__ = [
    "AXIS",
    "agreed",
    "count",
    "everywhere",
    "hear",
    "here",
    "is_asked_for",
    "is_first",
    "join",
    "leave",
    "meet",
    "mesh",
    "rank",
    "shared",
    "talking",
    "tell",
    "wait_for_all",
]

AXIS = "rows"
"""Name of the axis of the mesh along which the rows of a batch are dealt."""
_ADDRESS, _COUNT, _RANK = "JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID"
_BEAT_SECONDS = 50
"""A process that is silent for so long is taken for dead by the others."""
_WAIT_MILLISECONDS = 600_000
_MEETINGS = itertools.count()
_GRACE_SECONDS = 1.0
"""What a process that hears nothing more leaves to the one that has started all: that one knows who
was lost, says so, and ends the others."""
_LISTEN_MILLISECONDS = 1000
"""Between two looks whether Ctrl-C was pressed."""


def is_asked_for() -> bool:
    """Whether the environment says that this process is one of several."""
    return int(os.environ.get(_COUNT, "1")) > 1


def join() -> None:
    """Meet the other processes, as the variables JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and
    JAX_PROCESS_ID say; nothing without them. The first process listens at that address alone.

    Raises:
        SettingError: a variable is missing, or is no number.
    """
    if not is_asked_for() or jax.distributed.is_initialized():
        return
    try:
        address, n, own = os.environ[_ADDRESS], int(os.environ[_COUNT]), int(os.environ[_RANK])
    except (KeyError, ValueError) as error:
        raise SettingError(
            f"{_COUNT} is set, and {_ADDRESS} or {_RANK} is not, or is no number",
            fix="set all three, as a launcher does, or none",
        ) from error
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(
        address,
        n,
        own,
        coordinator_bind_address=address,
        heartbeat_timeout_seconds=_BEAT_SECONDS,
    )


def leave() -> None:
    """Part from the other processes, when all of them have come to this place."""
    if jax.distributed.is_initialized():
        jax.distributed.shutdown()


def count() -> int:
    """Number of processes that train together."""
    return jax.process_count() if jax.distributed.is_initialized() else 1


def rank() -> int:
    """Number of this process, from 0."""
    return jax.process_index() if jax.distributed.is_initialized() else 0


def is_first() -> bool:
    """Whether this process is the one that writes files and speaks."""
    return rank() == 0


def mesh() -> Mesh:
    """One device of each process, along `AXIS`."""
    devices = [
        next(d for d in jax.devices() if d.process_index == process) for process in range(count())
    ]
    return Mesh(np.array(devices), (AXIS,), axis_types=(AxisType.Auto,))


def everywhere(tree: Any, place: Mesh) -> Any:
    """Arrays that every process has alike, as arrays of all of them.

    Args:
        tree: tree of arrays.
        place: mesh of the processes.
    """
    return _global(tree, NamedSharding(place, PartitionSpec()))


def shared(tree: Any, place: Mesh) -> Any:
    """The rows `[k, B / n, ...]` of each process as the batches `[k, B, ...]` of all n of them.

    Args:
        tree: tree of arrays, of this process.
        place: mesh of the processes.
    """
    return _global(tree, NamedSharding(place, PartitionSpec(None, AXIS)))


def _global(tree: Any, sharding: NamedSharding) -> Any:
    def one(x: Any) -> Any:
        if jax.numpy.issubdtype(x.dtype, jax.dtypes.prng_key):
            data = jax.make_array_from_process_local_data(
                sharding, np.asarray(jax.random.key_data(x))
            )
            return jax.random.wrap_key_data(data)
        return jax.make_array_from_process_local_data(sharding, np.asarray(x))

    return jax.tree.map(one, tree)


def here(tree: Any) -> Any:
    """Arrays that every process has alike, as arrays of this one.

    Args:
        tree: tree of arrays of all processes.
    """
    return jax.tree.map(lambda x: x.addressable_data(0), tree)


def agreed(*values: float) -> tuple[float, ...]:
    """The numbers of the first process, in single precision, as every process has to go on alike.

    Args:
        values: numbers of this process.
    """
    if count() == 1:
        return values
    with talking():
        told = multihost_utils.broadcast_one_to_all(np.asarray(values, np.float32))
        return tuple(float(value) for value in np.asarray(told))


@contextmanager
def talking() -> Iterator[None]:
    """Within the `with` block this process hears from others.

    Raises:
        TrainingError: one of them no longer answers.
    """
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        time.sleep(_GRACE_SECONDS)
        raise TrainingError(
            f"another process no longer answers process {rank()} ({str(error).splitlines()[0]})",
            fix="look at what the others said; a fit goes on with `--resume`, the rest begins anew",
        ) from error


def wait_for_all(name: str) -> None:
    """Wait until every process has come here: a program is compiled by all before it is run by one,
    as a message between them is given up after some seconds.

    Args:
        name: name of the place, the same in every process and met once.
    """
    with talking():
        _client().wait_at_barrier(name, _WAIT_MILLISECONDS)


def meet(words: str) -> str:
    """What the first process says, when all have come here.

    Args:
        words: what this process would say.
    """
    if count() == 1:
        return words
    name = f"meeting {next(_MEETINGS)}"
    if is_first():
        tell(name, words)
    wait_for_all(f"{name} is over")
    return hear(name)


def tell(name: str, words: str = "") -> None:
    """Say something to all processes; nothing is said where there is one.

    Args:
        name: what is spoken of; it is spoken of once.
        words: what is said of it (default: nothing but that it is so).
    """
    if count() > 1:
        with talking():
            _client().key_value_set(name, words)


def hear(name: str) -> str:
    """What a process said, as soon as it has.

    Args:
        name: what is spoken of.

    Raises:
        TrainingError: a process no longer answers.
    """
    with talking():
        while True:
            try:
                return _client().blocking_key_value_get(name, _LISTEN_MILLISECONDS)
            except jax.errors.JaxRuntimeError as error:
                if "DEADLINE_EXCEEDED" not in str(error):
                    raise


def _client() -> Any:
    from jax._src.distributed import global_state  # what needs no device has no public name

    assert global_state.client is not None
    return global_state.client
