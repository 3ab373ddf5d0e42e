"""The families of discrete columns: heat baths (`Categorical`) and absorbing kernels
(`RandomSubset`).

A reverse kernel is a guess of x_0, walked back by the bridge: of a heat bath the sum of the bridges
over the believed states, of an absorbing kernel revealed columns with the believed states.
"""

import jax
import jax.numpy as jnp

from quasistatic.belief.families import Bridge, Marginal, believe, multiply, signal_left, tilt
from quasistatic.belief.states import StateBelief
from quasistatic.distribution import AbstractDistribution, Binary, Categorical, RandomSubset
from quasistatic.numerics import LOG_ZERO
from quasistatic.typing import Array, Float, Int

__all__ = []


@believe.register(Categorical)
def _(guess: Categorical) -> StateBelief:
    return StateBelief(guess.log_probs)


@tilt.register(Categorical)
def _(kernel: Categorical, bridge: Bridge, guided: StateBelief, plain: StateBelief) -> Categorical:
    n_columns, n_states = guided.log_probs.shape

    def to_state(k: Int[Array, ""]) -> Float[Array, "D K"]:
        step = bridge(jnp.full(n_columns, k))
        assert isinstance(step, Categorical)
        return step.log_probs

    tables = jax.vmap(to_state)(jnp.arange(n_states, dtype=jnp.int32))
    mixed = jax.nn.logsumexp(guided.log_probs.T[:, :, None] + tables, axis=0)
    mixed = jnp.maximum(jax.nn.log_softmax(mixed, axis=-1), LOG_ZERO)
    own = jnp.all(guided.log_probs == plain.log_probs, axis=-1, keepdims=True)
    return Categorical(jnp.where(own, kernel.log_probs, mixed))


@multiply.register(Categorical)
def _(
    at_zero: Categorical,
    marginal: Marginal,
    x_t: Int[Array, " D"],
    belief: StateBelief,
    other: StateBelief,
) -> tuple[StateBelief, Float[Array, " D"]]:
    states = jnp.arange(belief.log_probs.shape[1], dtype=jnp.int32)
    log_likelihood = jax.vmap(lambda k: marginal(jnp.full_like(x_t, k)).log_prob(x_t))(states).T
    return belief.times(other.log_probs - log_likelihood)


@signal_left.register(Categorical)
def _(marginal: Categorical, prior: AbstractDistribution, x_0: Array) -> Float[Array, " D"]:
    """Of the excess of x_0 over pi."""
    by_chance = jnp.exp(prior.log_prob(x_0))
    excess = jnp.exp(marginal.log_prob(x_0)) - by_chance
    return excess / jnp.maximum(1.0 - by_chance, 1e-6)


@believe.register(RandomSubset)
def _(guess: RandomSubset) -> StateBelief:
    assert isinstance(guess.values, Binary | Categorical)
    log_probs = guess.values.log_probs
    known = jnp.where(jax.nn.one_hot(guess.current, log_probs.shape[1]) > 0, 0.0, LOG_ZERO)
    return StateBelief(jnp.where(guess.candidates[:, None], log_probs, known))


@tilt.register(RandomSubset)
def _(
    kernel: RandomSubset, bridge: Bridge, guided: StateBelief, plain: StateBelief
) -> RandomSubset:
    return RandomSubset(
        kernel.current, kernel.candidates, kernel.count, Categorical(guided.log_probs)
    )


@multiply.register(RandomSubset)
def _(
    at_zero: RandomSubset,
    marginal: Marginal,
    x_t: Int[Array, " D"],
    belief: StateBelief,
    other: StateBelief,
) -> tuple[StateBelief, Float[Array, " D"]]:
    """Without a likelihood: a mask says nothing of x_0, and all else is known."""
    return belief.times(other.log_probs)


@signal_left.register(RandomSubset)
def _(marginal: RandomSubset, prior: AbstractDistribution, x_0: Array) -> Float[Array, " D"]:
    """Of the share unmasked."""
    share = marginal.count.astype(jnp.float32) / marginal.candidates.shape[0]
    return jnp.full(marginal.candidates.shape, 1.0 - share)
