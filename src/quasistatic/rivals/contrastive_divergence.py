r"""Contrastive divergence: the likelihood's gradient with a Markov chain in place of the model's
samples.

    grad = <d log phi / dtheta>_data - <d log phi / dtheta>_chain.

CD-k starts the chain at the data and runs k Gibbs sweeps (Hinton 2002): cheap, and biased, as the
chain has not left the data; it follows the gradient of no function. Persistent CD (Younes 1989;
Tieleman 2008) keeps the chains from one update to the next: in the limit of small steps unbiased,
if the chains mix. Centred updates (Montavon and Mueller 2012) take the gradient in the parameters
of x - mean. The steps are Adam's with a rate that falls to 0, and the mean of the second half of
all iterates is kept.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.rivals.adam import descend
from quasistatic.rivals.double import in_single
from quasistatic.rivals.energy import AbstractBinaryEnergy
from quasistatic.rivals.learning import Learned, as_bits
from quasistatic.typing import Array, Float, Key

__all__ = ["fit", "gradient"]


class _Choices(NamedTuple):
    """What makes one form of contrastive divergence."""

    k: int
    persistent: bool
    centred: bool
    batch_size: int
    l2: float


def fit(
    start: AbstractBinaryEnergy,
    rows: np.ndarray,
    *,
    k: int = 1,
    persistent: bool = False,
    centred: bool = False,
    updates: int = 4000,
    batch_size: int = 200,
    rate: float = 0.02,
    l2: float = 0.0,
    seed: int = 0,
) -> Learned:
    """The energy at which the updates end.

    Args:
        start: energy to begin with.
        rows: bits, `[N, D]`.
        k: number of Gibbs sweeps per update (default 1).
        persistent: whether chains go on from update to update (default False).
        centred: whether the gradient is that of centred bits (default False).
        updates: number of updates (default 4000).
        batch_size: number of rows and of chains in an update (default 200).
        rate: learning rate of Adam at the beginning (default 0.02).
        l2: weight of the squared parameters (default 0).
        seed: seed of batches and chains (default 0).
    """
    rows = as_bits(rows)
    key, chain_key = jax.random.split(jax.random.key(seed))
    begin = rows[np.asarray(jax.random.randint(chain_key, (batch_size,), 0, len(rows)))]
    choices = _Choices(k, persistent, centred, batch_size, l2)
    state = jnp.asarray(begin), key
    found = descend(_downhill, choices, updates, in_single(start), state, jnp.asarray(rows), rate)
    return Learned(found.average, {"updates": updates, "last_gradient": float(found.slope)})


def gradient(
    energy: AbstractBinaryEnergy, data: Float[Array, "B D"], chains: Float[Array, "C D"]
) -> AbstractBinaryEnergy:
    """The direction of ascent: mean of d log phi over data minus that over chains.

    Args:
        energy: energy that is learned.
        data: rows of the data, `[B, D]`.
        chains: rows of the chains, `[C, D]`.
    """

    def contrast(energy: AbstractBinaryEnergy) -> Array:
        weigh = jax.vmap(energy.log_weight)
        return jnp.mean(weigh(data)) - jnp.mean(weigh(chains))

    return jax.grad(contrast)(energy)


def _downhill(
    choices: _Choices, energy: Any, state: tuple[Array, Key], rows: Array, n: Array
) -> tuple[Any, tuple[Array, Key]]:
    """Against which direction the energy goes, and the chains."""
    chains, key = state
    pick, sweep = jax.random.split(jax.random.fold_in(key, n))
    data = rows[jax.random.randint(pick, (choices.batch_size,), 0, rows.shape[0])]
    chains = _swept(energy, chains if choices.persistent else data, choices.k, key=sweep)
    slope = gradient(energy, data, chains)
    if choices.centred:
        slope = energy.centred(slope, jnp.mean(data, axis=0))
    down = jax.tree.map(lambda g, p: choices.l2 * p - g, slope, energy)
    return down, (chains, key)


def _swept(energy: AbstractBinaryEnergy, x: Array, k: int, *, key: Key) -> Float[Array, "B D"]:
    """Chains after k sweeps."""

    def once(x: Array, key: Array) -> tuple[Array, None]:
        keys = jax.random.split(key, x.shape[0])
        return jax.vmap(lambda row, key: energy.sweep(row, key=key))(x, keys), None

    return jax.lax.scan(once, x, jax.random.split(key, k))[0]
