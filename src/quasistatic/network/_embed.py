"""Embedding of the time t / T."""

import jax.numpy as jnp

from quasistatic.typing import Array, Float

N_FREQUENCIES = 8
TIME_FEATURES = 2 * N_FREQUENCIES + 1


def time_embedding(time: Float[Array, ""]) -> Float[Array, " embedding"]:
    """`[t, sin(2^k pi t / 2), cos(2^k pi t / 2)]` for k = 0..7: slow and fast changes along the
    trajectory.
    """
    angle = time * (0.5 * jnp.pi) * 2.0 ** jnp.arange(N_FREQUENCIES, dtype=jnp.float32)
    return jnp.concatenate([time[None], jnp.sin(angle), jnp.cos(angle)])
