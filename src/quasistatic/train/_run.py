"""One training run between two evaluations: batches, steps, and the way back when they leave the
finite numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import count
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic import workers
from quasistatic.config import TrainConfig
from quasistatic.data.cells import Cells
from quasistatic.data.disk.cells import take_rows
from quasistatic.data.rows import epoch_batches
from quasistatic.errors import SettingError, TrainingError
from quasistatic.rows import Row
from quasistatic.train._step import batch_cost, run_shared_steps, run_steps
from quasistatic.train.state import TrainState
from quasistatic.typing import Array, Float, Key

MAX_RETRIES = 3
_PROGRAMS = count()
SCAN_BYTES = 2**26
"""Rows of one jitted scan are handed over together; a scan is cut where they exceed this."""


@dataclass(frozen=True)
class Run:
    """What stays the same during a training run.

    Args:
        static: untrained part of the model.
        rows: training cells `[N, ...]`, NumPy.
        probabilities: probabilities of the steps t = 1..T, `[T]`.
        config: settings of the training.
        key: random key of the noise.
        shares: factor of the learning rate of each parameter array (`state.learning_shares`).
        column_names: names of the columns, to name a faulty one.
        compiled: programs of several processes by their number of steps (default none yet).
    """

    static: Any
    rows: Row
    probabilities: Float[Array, " T"]
    config: TrainConfig
    key: Key
    shares: Any
    column_names: Sequence[str]
    compiled: dict[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.batch_size % workers.count():
            raise SettingError(
                f"{workers.count()} processes cannot share batches of {self.batch_size} rows",
                fix="give a number of processes, or a --batch-size, of which one is a multiple",
            )

    def advance(self, state: TrainState, n: int) -> tuple[TrainState, float]:
        """n steps; when they leave the finite numbers, from the same state again with half the rate
        and other noise.

        Returns:
            The state after them, and the mean of K over their batches (nats per row).

        Raises:
            TrainingError: still not finite after `MAX_RETRIES` attempts.
        """
        while True:
            key = jax.random.fold_in(self.key, jax.device_put(np.uint32(state.retries)))
            after, values = self._steps(state, n, key)
            if np.all(np.isfinite(values)) and _all_finite(after.parameters):
                return after, -float(np.mean(values))
            if state.retries == MAX_RETRIES:
                raise self._non_finite(state, n, key)
            state = state._replace(retries=state.retries + 1, rate_scale=state.rate_scale / 2)

    def _steps(self, state: TrainState, n: int, key: Key) -> tuple[TrainState, np.ndarray]:
        values = []
        rates = jax.tree.map(
            lambda share: jax.device_put(np.float32(share * state.rate_scale)), self.shares
        )
        for begin in range(state.step, state.step + n, size := self._scan_length(n)):
            carry = state.parameters, state.average, state.optimiser
            first = jax.device_put(np.int32(begin))
            if workers.count() == 1:
                parts = self._batches(begin, size), self.probabilities, first, rates
                found = run_steps(carry, self.static, *parts, _compiled(self.config), key=key)
            else:
                found = self._shared_steps(carry, begin, size, first, rates, key)
            parameters, average, optimiser, part = found
            state = state._replace(
                parameters=parameters, average=average, optimiser=optimiser, step=begin + size
            )
            values.append(np.asarray(part, np.float64))
        return state, np.concatenate(values)

    def _shared_steps(
        self, carry: Any, begin: int, size: int, first: jax.Array, rates: Any, key: Key
    ) -> Any:
        """`run_steps` with the other processes; this one reads its own rows alone."""
        place = workers.mesh()
        arrays, rest = eqx.partition(self.static, eqx.is_array)
        alike = carry, arrays, self.probabilities, first, rates, key
        carry, arrays, probabilities, first, rates, key = workers.everywhere(alike, place)
        batches = workers.shared(self._batches(begin, size, workers.rank()), place)
        static = eqx.combine(arrays, rest)
        parts = carry, static, batches, probabilities, first, rates, _compiled(self.config), place
        if size not in self.compiled:
            self.compiled[size] = run_shared_steps.lower(*parts, key=key).compile()
            workers.wait_for_all(f"compiled {next(_PROGRAMS)}")
        with workers.talking():
            return workers.here(jax.block_until_ready(self.compiled[size](*parts, key=key)))

    def _scan_length(self, n: int) -> int:
        """The largest divisor of n whose batches stay within `SCAN_BYTES`: one shape to compile
        for.
        """
        row_bytes = sum(x.nbytes // max(len(x), 1) for x in jax.tree.leaves(self.rows))
        most = max(SCAN_BYTES // max(self.batch_size * row_bytes, 1), 1)
        return max(d for d in range(1, n + 1) if n % d == 0 and d <= most)

    @property
    def _n_rows(self) -> int:
        return len(jax.tree.leaves(self.rows)[0])

    @property
    def batch_size(self) -> int:
        """Rows of a batch: those of the settings, or all of a table that has fewer."""
        return min(self.config.batch_size, max(self._n_rows, 16))

    def _batches(self, first: int, n: int, rank: int | None = None) -> Row:
        """Rows `[n, B, ...]` of the batches first .. first + n - 1, or of each batch the share of a
        process.
        """
        per_epoch = -(-self._n_rows // self.batch_size)
        steps = np.arange(first, first + n)
        epochs = {
            e: _epoch(self._n_rows, self.batch_size, self.config.seed, e)
            for e in np.unique(steps // per_epoch).tolist()
        }
        numbers = np.stack([epochs[s // per_epoch][s % per_epoch] for s in steps.tolist()])
        if rank is not None:
            share = self.batch_size // workers.count()
            numbers = numbers[:, rank * share : (rank + 1) * share]
        return take_rows(self.rows, numbers)

    def _non_finite(self, state: TrainState, n: int, key: Key) -> TrainingError:
        """The error that names the column whose cost is not finite, or else the largest, at the
        last good parameters.
        """
        rows = jax.tree.map(
            lambda x: jnp.asarray(x).reshape(-1, *x.shape[2:]), self._batches(state.step, n)
        )
        model = eqx.combine(state.parameters, self.static)
        cost = np.asarray(
            jnp.mean(batch_cost(model, rows, self.probabilities, key=key, dropout=False), axis=0)
        )
        largest = np.concatenate([_largest(cells) for cells in rows])
        worst = int(np.lexsort((largest, np.where(np.isfinite(cost), cost, np.inf)))[-1])
        name = self.column_names[worst] if worst < len(self.column_names) else f"number {worst}"
        return TrainingError(
            f"the bound was not finite after step {state.step}, also after {MAX_RETRIES} restarts "
            "at a lower learning rate",
            where=f"column {name!r}",
            fix="look for extreme values in this column, clip or transform it, or lower the "
            "learning rate",
        )


_epoch = lru_cache(maxsize=2)(epoch_batches)
"""An epoch of many rows takes longer to shuffle than some steps, and is asked for at each scan."""


def _largest(cells: Cells) -> np.ndarray:
    """Largest absolute value of each column among the observed cells, infinite where one is not a
    number.
    """
    value = np.abs(np.asarray(cells.value, np.float64))
    return np.max(
        np.where(np.asarray(cells.observed), np.where(np.isnan(value), np.inf, value), 0.0), axis=0
    )


def _compiled(config: TrainConfig) -> TrainConfig:
    """The settings that the jitted steps depend on; the others are set alike, lest they cause
    another compilation.
    """
    return replace(
        config, seed=0, patience=1, stop_step=None, max_minutes=None, evaluate_every=1, batch_size=1
    )


def _all_finite(tree: Any) -> bool:
    return all(np.isfinite(x).all() for x in jax.tree.leaves(tree))
