"""The bound on the validation rows, with the same rows, steps and noise every time: what differs
between two evaluations is the model. The value itself has the error of these draws, and where
reverse kernels are products a draw is of one step t of a row alone: a value that is compared with
another model's (`bound_of`) is taken from more of them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import equinox as eqx
import jax
import numpy as np

from quasistatic import workers
from quasistatic.config import TrainConfig
from quasistatic.model import DiffusionModel
from quasistatic.rows import Row
from quasistatic.train._step import mean_cost
from quasistatic.train.state import time_probabilities, trainable
from quasistatic.typing import Key

__all__ = ["AGAIN", "CHUNK", "DRAWS", "MOST_DRAWS", "ROWS", "Evaluation", "bound_of"]

ROWS = 2048
"""Validation rows at most."""
DRAWS, MOST_DRAWS = 2**12, 2**15
"""Draws of (row, t) per evaluation: a fifth of the work of the training between two evaluations,
within these limits. Of the rows of a model of mixtures all t are drawn: the fewest are enough."""
AGAIN = 8
"""Evaluations, each with noise of its own, of a bound that is compared with another model's."""
CHUNK = 256
"""Validation rows that are evaluated at once, at most."""


class Evaluation:
    """K of the validation rows, nats per row.

    Args:
        static: untrained part of the model.
        rows: validation cells `[N, ...]`.
        probabilities: probabilities of the steps t = 1..T, `[T]`.
        config: settings of the training, which say how much work an evaluation may be.
        key: random key of the noise.
    """

    def __init__(
        self, static: Any, rows: Row, probabilities: jax.Array, config: TrainConfig, *, key: Key
    ) -> None:
        products = static.start is None
        draws = _draws(config) if products else DRAWS // static.trajectory_length
        n_rows = min(len(jax.tree.leaves(rows)[0]), ROWS)
        n_chunks = -(-n_rows // CHUNK)
        size = _one_of_few(-(-n_rows // n_chunks))
        places = np.arange(n_chunks * size)
        index = np.minimum(places, n_rows - 1)
        self.rows = jax.tree.map(
            lambda x: jax.device_put(np.reshape(x[index], (-1, size, *x.shape[1:]))), rows
        )
        # A row that fills up counts nothing.
        weights = (places < n_rows).astype(np.float32) / np.float32(n_rows)
        self.weights = jax.device_put(weights.reshape(-1, size))
        self.repetitions = max(1, draws // len(places))
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
        parts = self.rows, self.weights, self.probabilities, self.repetitions
        return mean_cost(parameters, self.static, *parts, key=self.key)


def bound_of(model: DiffusionModel, rows: Row, config: TrainConfig) -> float:
    """Mean of K over validation rows, nats per row, of `AGAIN` evaluations: none of them is the one
    by which the training chose this model.

    Args:
        model: trained model.
        rows: validation cells `[N, ...]`.
        config: settings of its training.
    """
    parameters = eqx.filter(model, trainable(model))
    static = eqx.filter(model, trainable(model), inverse=True)
    probabilities = time_probabilities(model.trajectory_length, config.first_step_share)
    key = jax.random.fold_in(jax.random.key(config.seed), jax.device_put(np.uint32(2**31 + 1)))
    keys = [jax.random.fold_in(key, jax.device_put(np.uint32(i))) for i in range(AGAIN)]
    found = [Evaluation(static, rows, probabilities, config, key=k)(parameters) for k in keys]
    (nats,) = workers.agreed(float(np.mean(found)))
    return nats


def _one_of_few(n: int) -> int:
    """The next of four numbers between two powers of two: a table with some more rows finds the
    programs of its former fit.
    """
    step = max(2 ** ((n - 1).bit_length() - 3), 1)
    return -(-n // step) * step


def _draws(config: TrainConfig) -> int:
    # A step of training is about three evaluations of its rows.
    spent = 3 * config.batch_size * config.evaluate_every
    return int(np.clip(spent // 5, DRAWS, MOST_DRAWS))
