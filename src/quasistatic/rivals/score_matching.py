r"""Score matching: learn d log p / dx, in which Z does not occur.

    J = 1/2 E_data |d log phi/dx - d log p_data/dx|^2
      = E_data [1/2 |s(x)|^2 + sum_i d s_i / dx_i] + constant,      s = d log phi / dx,

by partial integration (Hyvaerinen 2005): `loss`, with exact second derivatives, one forward-mode
derivative a column. The denoising form (Vincent 2011), `denoising_loss`, matches the score of the
data plus noise instead,

    E |s(x + sigma e) + e / sigma|^2 / 2:

no second derivatives, for the density blurred by sigma. That score at all noise levels at once,
each learned by a regression like this one, is what a Gaussian diffusion model learns. What score
matching cannot do: weigh separate modes, as scores say nothing of what lies between them; and
sample.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from quasistatic.rivals.adam import descend
from quasistatic.rivals.energy import AbstractEnergy
from quasistatic.rivals.network_energy import score
from quasistatic.typing import Array, Float, Key

__all__ = ["Loss", "denoising", "denoising_loss", "exact", "fit", "loss"]

Loss = Callable[[AbstractEnergy, Float[Array, " D"], Key], Float[Array, ""]]
"""A loss of one row and a random key."""


def loss(energy: AbstractEnergy, x: Float[Array, " D"]) -> Float[Array, ""]:
    """Hyvaerinen's objective of a row: `1/2 |s|^2 + trace(ds/dx)`."""

    def along(direction: Array) -> Array:
        return direction @ jax.jvp(lambda y: score(energy, y), (x,), (direction,))[1]

    trace = jnp.sum(jax.vmap(along)(jnp.eye(x.shape[0], dtype=x.dtype)))
    return 0.5 * jnp.sum(jnp.square(score(energy, x))) + trace


def denoising_loss(
    energy: AbstractEnergy, x: Float[Array, " D"], sigma: float | Array, *, key: Key
) -> Float[Array, ""]:
    """The denoising objective of a row and a draw of noise, times sigma^2.

    Args:
        energy: energy that is learned.
        x: row of numbers.
        sigma: standard deviation of the noise, in the units of x.
        key: random key of the noise.
    """
    noise = jax.random.normal(key, x.shape, x.dtype)
    return 0.5 * jnp.sum(jnp.square(sigma * score(energy, x + sigma * noise) + noise))


def denoising(sigma: float) -> Loss:
    """The denoising objective at one noise level, for `fit`.

    Args:
        sigma: standard deviation of the noise, in the units of the rows.
    """
    return lambda energy, x, key: denoising_loss(energy, x, sigma, key=key)


def exact(energy: AbstractEnergy, x: Float[Array, " D"], key: Key) -> Float[Array, ""]:
    """Hyvaerinen's objective, for `fit`; nothing is random."""
    del key
    return loss(energy, x)


def fit(
    loss: Loss,
    start: AbstractEnergy,
    rows: Float[Array, "N D"],
    *,
    updates: int = 5000,
    batch_size: int = 256,
    rate: float = 3e-3,
    key: Key,
) -> AbstractEnergy:
    """The energy after training.

    Args:
        loss: loss `loss(energy, x, key)` of one row.
        start: energy to begin with.
        rows: numbers, `[N, D]`.
        updates: number of updates (default 5000).
        batch_size: number of rows in an update (default 256).
        rate: learning rate at the beginning (default 3e-3).
        key: random key of batches and noise.
    """
    found = descend(_downhill, (loss, batch_size), updates, start, key, jnp.asarray(rows), rate)
    return found.average


def _downhill(choices, energy: AbstractEnergy, key: Key, rows: Array, n: Array):
    loss, batch_size = choices
    pick, noise = jax.random.split(jax.random.fold_in(key, n))
    batch = rows[jax.random.randint(pick, (batch_size,), 0, rows.shape[0])]
    keys = jax.random.split(noise, batch_size)

    def mean(energy: AbstractEnergy) -> Array:
        return jnp.mean(jax.vmap(lambda x, key: loss(energy, x, key))(batch, keys))

    return jax.grad(mean)(energy), key
