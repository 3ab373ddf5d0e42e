r"""Exact normalisers, samples and maximum likelihood where the sum over states can be done.

A Boltzmann machine by transfer matrices (`transfer.py`); a restricted one by the states of its
smaller side, as with the hidden bits fixed the visible ones are independent:

    Z = sum_h exp(c . h + sum_i softplus(b_i + (W h)_i));

any other energy of bits by all its states. The gradient of the log-likelihood,

    d/dtheta (1/N) sum_n log p(x_n) = <d log phi / dtheta>_data - <d log phi / dtheta>_p,

is then exact too: what every other method of this room approximates.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.errors import SettingError
from quasistatic.rivals import transfer
from quasistatic.rivals.boltzmann import BoltzmannMachine
from quasistatic.rivals.double import in_double
from quasistatic.rivals.energy import AbstractBinaryEnergy
from quasistatic.rivals.learning import Learned, fit_rows
from quasistatic.rivals.restricted import RestrictedBoltzmannMachine
from quasistatic.typing import Array, Float, Key

__all__ = [
    "LIMIT", "fit", "log_partition", "log_prob", "log_weights", "loss", "reach", "sample", "states",
    "within_reach",
]  # fmt: skip

LIMIT = 20
"""Bits that a sum runs over at most."""
_BATCH = 4096


def reach(energy: AbstractBinaryEnergy) -> int:
    """How many bits the exact sum has to run over at once.

    Args:
        energy: energy of D bits.
    """
    if isinstance(energy, BoltzmannMachine):
        return energy.graph.bandwidth + 1
    if isinstance(energy, RestrictedBoltzmannMachine):
        return min(energy.coupling.shape)
    return energy.sites


def within_reach(energy: AbstractBinaryEnergy) -> bool:
    """Whether Z can be summed exactly."""
    return reach(energy) <= LIMIT


def states(bits: int) -> np.ndarray:
    """All rows of so many bits, float32 `[2^bits, bits]`.

    Example:
        >>> states(2).tolist()
        [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    """
    numbers = np.arange(2**bits)[:, None] >> np.arange(bits - 1, -1, -1)
    return (numbers & 1).astype(np.float32)


def log_partition(energy: AbstractBinaryEnergy) -> float:
    """log Z, nats, in double precision.

    Raises:
        SettingError: the sum has too many states.
    """
    _refuse_beyond_reach(energy)
    return float(in_double(_log_partition, energy))


def log_prob(energy: AbstractBinaryEnergy, rows: np.ndarray) -> np.ndarray:
    """log p of rows of bits `[N, D]`, nats `[N]`.

    Raises:
        SettingError: the sum has too many states.
    """
    return log_weights(energy, rows) - log_partition(energy)


def log_weights(energy: AbstractBinaryEnergy, rows: np.ndarray) -> np.ndarray:
    """log phi of rows of bits `[N, D]`, nats `[N]`, in double precision."""
    return in_double(_log_weights, energy, rows)


def sample(energy: AbstractBinaryEnergy, n: int, *, key: Key) -> np.ndarray:
    """Exact independent samples, float32 `[n, D]`.

    Args:
        energy: energy of D bits.
        n: number of samples.
        key: random key.

    Raises:
        SettingError: the sum has too many states.
    """
    _refuse_beyond_reach(energy)
    drawn = in_double(_draw, energy, np.zeros(n), key)
    return np.asarray(drawn, np.float32)


def fit(start: AbstractBinaryEnergy, rows: np.ndarray, **settings: Any) -> Learned:
    """Maximum likelihood with the exact gradient.

    Args:
        start: energy to begin with.
        rows: bits, `[N, D]`.
        settings: settings of `fit_rows`: l1, l2, steps.

    Raises:
        SettingError: the sum has too many states.
    """
    _refuse_beyond_reach(start)
    return fit_rows(loss, start, rows, normaliser=_log_partition, **settings)


def loss(energy: AbstractBinaryEnergy, x: Float[Array, " D"]) -> Float[Array, ""]:
    """`-log phi(x)`; log Z is added once for all rows."""
    return -energy.log_weight(x)


def _log_weights(energy: AbstractBinaryEnergy, rows: Array) -> Array:
    return jax.lax.map(lambda x: energy.log_weight(x), rows, batch_size=min(_BATCH, len(rows)))


def _log_partition(energy: AbstractBinaryEnergy) -> Array:
    if isinstance(energy, BoltzmannMachine):
        return transfer.log_partition(energy)
    return jax.nn.logsumexp(_table(_smaller_side(energy)))


def _smaller_side(energy: AbstractBinaryEnergy) -> AbstractBinaryEnergy:
    """An energy of the same Z: the hidden bits' own, if they are fewer."""
    if isinstance(energy, RestrictedBoltzmannMachine) and _hidden_are_fewer(energy):
        return RestrictedBoltzmannMachine(energy.hidden_bias, energy.bias, energy.coupling.T)
    return energy


def _hidden_are_fewer(energy: RestrictedBoltzmannMachine) -> bool:
    return energy.coupling.shape[1] < energy.coupling.shape[0]


def _table(energy: AbstractBinaryEnergy) -> Array:
    """log phi of every state."""
    rows = jnp.asarray(states(energy.sites), jnp.result_type(float))
    weigh = jax.checkpoint(lambda x: energy.log_weight(x))
    return jax.lax.map(weigh, rows, batch_size=min(_BATCH, len(rows)))


def _draw(energy: AbstractBinaryEnergy, places: Array, key: Key) -> Array:
    keys = jax.random.split(key, len(places) + 1)
    if isinstance(energy, BoltzmannMachine):
        known = transfer.tables(energy)
        return jax.vmap(lambda k: transfer.draw_bits(energy, known, key=k))(keys[1:])
    side = _smaller_side(energy)
    table = _table(side)
    uniforms = jax.random.uniform(keys[0], places.shape, table.dtype)
    numbers = jax.vmap(transfer.draw_state, in_axes=(None, 0))(table, uniforms)
    bits = jnp.asarray(states(side.sites), table.dtype)[numbers]
    if isinstance(energy, RestrictedBoltzmannMachine) and _hidden_are_fewer(energy):
        return jax.vmap(lambda h, k: energy.visible(h, key=k))(bits, keys[1:])
    return bits


def _refuse_beyond_reach(energy: AbstractBinaryEnergy) -> None:
    if not within_reach(energy):
        raise SettingError(
            f"an exact sum would run over 2^{reach(energy)} states",
            fix=f"use a method that needs no Z, or a graph of bandwidth below {LIMIT} "
            f"(or {LIMIT} hidden bits at most)",
        )
