"""Vector-valued results of (row, repetition) pairs of a table, a few whole rows at a time."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.bound.evaluate import CHUNK, evaluate_pairs, row_checksums
from quasistatic.model import DiffusionModel
from quasistatic.trajectory import Row, rows_at_once
from quasistatic.typing import Key


def own_noise(rows: Row) -> np.ndarray:
    """An identity for each row, equal or not: where a mean over the rows counts, and its error is
    their spread.
    """
    return np.arange(len(jax.tree.leaves(rows)[0]), dtype=np.uint32)


def row_chunks(
    function: Callable,
    model: DiffusionModel,
    rows: Row,
    repetitions: int,
    key: Key,
    chunk: int = CHUNK,
    identity: np.ndarray | None = None,
) -> Iterator[Any]:
    """`function(model, row, key=key)` for all rows, as pytrees of NumPy `[n, repetitions, ...]`,
    float64, n rows at a time.

    The keys are those of `bound.evaluate`: of the row's identity and the repetition.

    Args:
        function: of one row; hashable.
        model: passed to it.
        rows: a table.
        repetitions: draws a row.
        key: random key.
        chunk: pairs evaluated at once, at least one row's.
        identity: uint32 `[N]` that tells the rows' noise apart, as in
            `bound.evaluate.evaluate_rows`.
    """
    identity = row_checksums(rows) if identity is None else np.asarray(identity, np.uint32)
    n_rows = len(identity)
    size = rows_at_once(model, n_rows, chunk, walks=repetitions)
    repetition = jnp.tile(jnp.arange(repetitions, dtype=jnp.uint32), size)
    for begin in range(0, n_rows, size):
        index = np.repeat(np.minimum(np.arange(begin, begin + size), n_rows - 1), repetitions)
        taken = jax.tree.map(lambda x, index=index: jnp.asarray(x[index]), rows)
        part = evaluate_pairs(function, model, taken, jnp.asarray(identity[index]), repetition, key)
        kept = min(size, n_rows - begin)
        yield jax.tree.map(
            lambda x, kept=kept: np.asarray(x, np.float64).reshape(size, repetitions, *x.shape[1:])[
                :kept
            ],
            part,
        )
