r"""Stochastic descent where no exact gradient is to be had: Adam, a rate that falls to 0, the mean
of the second half of the iterates (Polyak and Juditsky 1992). One compiled scan over all updates.
"""

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from quasistatic.typing import Array

__all__ = ["Descent", "descend"]

_FIRST, _SECOND, _SMALLEST = 0.9, 0.999, 1e-6


class Descent(NamedTuple):
    """The end of a descent.

    Args:
        average: mean of the parameters over the second half of the updates.
        state: what the gradients carried from update to update, at the end.
        slope: largest entry of the smoothed gradient at the end.
    """

    average: Any
    state: Any
    slope: Array


@partial(jax.jit, static_argnums=(0, 1, 2))
def descend(
    gradient: Callable[..., tuple[Any, Any]],
    choices: Hashable,
    updates: int,
    start: Any,
    state: Any,
    data: Any,
    rate: Array | float,
) -> Descent:
    """Parameters after so many updates.

    Args:
        gradient: function `(choices, parameters, state, data, n)` -> the direction to go
            *against* and the state for update n + 1.
        choices: settings of the gradient that shape the program.
        updates: number of updates.
        start: parameters to begin with.
        state: whatever the gradients carry along (chains, random keys).
        data: arrays that the gradients are taken from.
        rate: learning rate at the beginning.
    """
    zeros = jax.tree.map(jnp.zeros_like, start)
    kept = updates - updates // 2

    def update(walk: tuple[Any, ...], n: Array) -> tuple[tuple[Any, ...], None]:
        x, state, first, second, average = walk
        slope, state = gradient(choices, x, state, data, n)
        first = jax.tree.map(lambda m, g: _FIRST * m + (1.0 - _FIRST) * g, first, slope)
        second = jax.tree.map(
            lambda v, g: _SECOND * v + (1.0 - _SECOND) * jnp.square(g), second, slope
        )
        time = n.astype(jnp.float32) + 1.0
        length = rate * (1.0 - n / updates) / (1.0 - _FIRST**time)
        unbias = 1.0 / (1.0 - _SECOND**time)
        x = jax.tree.map(
            lambda p, m, v: p - length * m / (jnp.sqrt(unbias * v) + _SMALLEST), x, first, second
        )
        share = jnp.where(n < updates - kept, 0.0, 1.0 / kept)
        average = jax.tree.map(lambda a, p: a + share * p, average, x)
        return (x, state, first, second, average), None

    begin = start, state, zeros, zeros, zeros
    _, state, first, _, average = jax.lax.scan(update, begin, jnp.arange(updates))[0]
    slope = jnp.max(jnp.stack([jnp.max(jnp.abs(leaf)) for leaf in jax.tree.leaves(first)]))
    return Descent(average, state, slope)
