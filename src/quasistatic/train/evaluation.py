"""The bound on the validation rows, with the same rows, steps and noise every time."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import jax
import numpy as np

from quasistatic.rows import Row
from quasistatic.train._step import mean_cost
from quasistatic.typing import Key

__all__ = ["CHUNK", "DRAWS", "ROWS", "Evaluation"]

ROWS = 2048
"""Validation rows at most."""
DRAWS = 4096
"""Draws of (row, t) per evaluation at least; of the rows of a model of mixtures all t are drawn."""
CHUNK = 256
"""Validation rows that are evaluated at once, at most."""


class Evaluation:
    """K of the validation rows, nats per row.

    Args:
        static: untrained part of the model.
        rows: validation cells `[N, ...]`.
        probabilities: probabilities of the steps t = 1..T, `[T]`.
        key: random key of the noise.
    """

    def __init__(self, static: Any, rows: Row, probabilities: jax.Array, *, key: Key) -> None:
        steps = 1 if static.start is None else static.trajectory_length
        n_rows = min(len(jax.tree.leaves(rows)[0]), ROWS)
        n_chunks = -(-n_rows // CHUNK)
        size = n_rows // n_chunks
        # Whole chunks: the last rows of an uneven split are left out rather than any row counted
        # twice.
        kept = n_chunks * size
        self.rows = jax.tree.map(
            lambda x: jax.device_put(np.reshape(x[:kept], (-1, size, *x.shape[1:]))), rows
        )
        self.repetitions = max(1, DRAWS // (kept * steps))
        self.static, self.probabilities, self.key = static, probabilities, key

    def __call__(self, parameters: Any) -> float:
        """Mean of K at the given parameters."""
        return -float(np.sum(np.asarray(self._costs(parameters))))

    @contextmanager
    def compiled_beside(self, parameters: Any) -> Iterator[None]:
        """Evaluate once in a thread, for its program: the compiler then works on it beside that of
        the first steps, each on a core of its own. It has ended when the block has, however that
        ends: no thread is left to the compiler when the process goes.
        """
        thread = Thread(target=self._costs, args=(parameters,))
        thread.start()
        try:
            yield
        finally:
            thread.join()

    def _costs(self, parameters: Any) -> jax.Array:
        return mean_cost(
            parameters, self.static, self.rows, self.probabilities, self.repetitions, key=self.key
        )
