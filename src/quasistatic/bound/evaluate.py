"""Bounds of a whole table, in chunks of (row, repetition) pairs: memory grows neither with T nor
with the rows.

The random key of a row is made from the row's content, so its result depends neither on the other
rows nor on their order. Equal rows have equal errors, which the error of a mean over rows has to
know.
"""

import zlib
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.bound.terms import Terms, bound_terms
from quasistatic.compiled import forget_programs_if_crowded
from quasistatic.errors import DataError
from quasistatic.model import DiffusionModel
from quasistatic.trajectory import Row, log_weight, rows_at_once
from quasistatic.typing import Key

CHUNK = 1024
"""(row, repetition) pairs evaluated at once."""


def evaluate_terms(
    model: DiffusionModel,
    rows: Row,
    *,
    repetitions: int,
    key: Key,
    chunk: int = CHUNK,
    identity: np.ndarray | None = None,
) -> Terms:
    """Independent draws of K's terms, each `[N, repetitions]`, nats."""
    return Terms(
        *evaluate_rows(
            bound_terms, model, rows, repetitions, key=key, chunk=chunk, identity=identity
        )
    )


def evaluate_log_weights(
    model: DiffusionModel,
    rows: Row,
    *,
    trajectories: int,
    key: Key,
    chunk: int = CHUNK,
    identity: np.ndarray | None = None,
) -> np.ndarray:
    """Log-weights `[N, trajectories]` of independent forward trajectories, nats."""
    return evaluate_rows(
        log_weight, model, rows, trajectories, key=key, chunk=chunk, identity=identity
    )


def row_checksums(rows: tuple[tuple[Any, ...], ...]) -> np.ndarray:
    """CRC-32 of every row's content, uint32 `[N]`; the rows are blocks of arrays `[N, ...]`."""
    parts = [np.asarray(part) for cells in rows for part in cells if part is not None]
    if not parts:
        return np.zeros(0, np.uint32)
    n_rows = parts[0].shape[0]
    content = [
        np.ascontiguousarray(part.reshape(n_rows, -1)).view(np.uint8).reshape(n_rows, -1)
        for part in parts
    ]
    packed = np.concatenate(content, axis=1)
    return np.fromiter((zlib.crc32(row) for row in packed), np.uint32, n_rows)


@eqx.filter_jit
def evaluate_pairs(
    function: Callable,
    model: DiffusionModel,
    rows: Row,
    identity: jax.Array,
    repetition: jax.Array,
    key: Key,
) -> Any:
    """`function(model, row, key=key)` of (row, repetition) pairs `[n]`; the key of a pair is made
    of `identity` and `repetition`.
    """

    def one(row, who, index):
        return function(model, row, key=jax.random.fold_in(jax.random.fold_in(key, who), index))

    return jax.vmap(one)(rows, identity, repetition)


def evaluate_rows(
    function: Callable,
    model: DiffusionModel,
    rows: Row,
    repetitions: int,
    *,
    key: Key,
    chunk: int = CHUNK,
    identity: np.ndarray | None = None,
) -> Any:
    """`function(model, row, key=key)`, a pytree of scalars, for all rows and repetitions: NumPy
    `[N, repetitions]`, float64.

    Args:
        function: of one row; hashable.
        model: passed to it.
        rows: a table, at least one row.
        repetitions: independent draws a row.
        key: random key.
        chunk: pairs evaluated at once, at most.
        identity: uint32 `[N]` that tells the rows' noise apart; by default the checksums of their
            content, so that equal rows get equal noise. Rows whose errors have to be independent
            are given numbers of their own.

    Raises:
        DataError: there is no row.
    """
    identity = row_checksums(rows) if identity is None else np.asarray(identity, np.uint32)
    n_pairs = len(identity) * repetitions
    if n_pairs == 0:
        raise DataError("there is no row to evaluate", fix="give at least one row")
    forget_programs_if_crowded()
    size = rows_at_once(model, n_pairs, chunk)
    results = []
    for begin in range(0, n_pairs, size):
        pairs = np.minimum(np.arange(begin, begin + size), n_pairs - 1)
        index, repetition = pairs // repetitions, pairs % repetitions
        taken = jax.tree.map(lambda x, index=index: jnp.asarray(x[index]), rows)
        part = evaluate_pairs(
            function,
            model,
            taken,
            jnp.asarray(identity[index]),
            jnp.asarray(repetition, jnp.uint32),
            key,
        )
        results.append(
            jax.tree.map(
                lambda x, n=min(size, n_pairs - begin): np.asarray(x, np.float64)[:n], part
            )
        )
    return jax.tree.map(lambda *parts: np.concatenate(parts).reshape(-1, repetitions), *results)
