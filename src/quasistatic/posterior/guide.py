r"""Tilted reverse kernels: a step of the chain that walks towards the evidence (paper, equation
(22) and appendix C).

A reverse kernel is a guess of x_0, walked back by the bridge:

    p(x_s|x_t) = E_{p(x_0|x_t)} q(x_s|x_t,x_0)                    (Gaussian: N(mu, sigma^2), sigma^2 = beta_tilde + c^2 C)

so the step given r(x_0) is the same with the guess times r: with a belief of mean m' and variance
C' in a continuous column `N(bridge(x_t, m'), beta_tilde + c^2 C')`, in a discrete one the sum of
the bridges over the believed states, in an absorbing block revealed columns with the believed
states. Gaussian r, deltas, intervals and tables of states are products in closed form; for an
observed cell without width the tilted step is the bridge to its value.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.distribution import (
    AbstractDistribution,
    Categorical,
    Normal,
    Product,
    RandomSubset,
)
from quasistatic.model import DiffusionModel
from quasistatic.numerics import LOG_ZERO
from quasistatic.posterior.belief import Belief, NormalBelief, StateBelief, believe
from quasistatic.posterior.evidence import AbstractEvidence
from quasistatic.typing import Array, State, Step


class Guess(NamedTuple):
    """What one network evaluation says at x_t.

    Args:
        reverse: p(x_{t-1}|x_t).
        plain: p(x_0|x_t), independent columns.
        conditioned: the same times the closed part of the evidence; its log-mass is exact.
        guided: also times the open part; its log-mass is a promise of what r will be.
    """

    reverse: Product
    plain: Belief
    conditioned: Belief
    guided: Belief


def whole_row(x: State) -> State:
    """The flags of a row without holes: the posterior is that of the joint model of all cells."""
    return jax.tree.map(lambda leaf: jnp.ones(leaf.shape, bool), x)


def guess(model: DiffusionModel, evidence: AbstractEvidence, x_t: State, t: Step) -> Guess:
    """The reverse kernel at x_t, and what is believed of x_0 there with the evidence."""
    time = jnp.asarray(t, jnp.float32) / model.trajectory_length
    raw = model.network(model.forward.features(x_t, whole_row(x_t), t), time)
    reverse = model.forward.reverse_kernel(raw, x_t, t)
    plain = believe(model.forward.reverse_kernel(raw, x_t, t, 0))
    for i, (part, kernel) in enumerate(zip(plain.parts, reverse.parts, strict=True)):
        if isinstance(part, NormalBelief) and isinstance(kernel, Normal):
            same = eqx.tree_at(
                lambda b: b.log_variance, part, _log_spread(model, plain, i, kernel, x_t, t)
            )
            plain = plain.updated(i, same, jnp.zeros(1))
    conditioned = evidence.condition(plain)
    return Guess(reverse, plain, conditioned, evidence.guide(conditioned))


def _bridge(
    model: DiffusionModel, belief: Belief, i: int, x_0: Array, x_t: State, t: Step
) -> AbstractDistribution:
    """The bridge of block i to a state x_0 of that block."""
    anywhere = tuple(
        jnp.zeros_like(part.mean)
        if isinstance(part, NormalBelief)
        else jnp.zeros(part.log_probs.shape[0], jnp.int32)
        for part in belief.parts
    )
    state = (*anywhere[:i], x_0, *anywhere[i + 1 :])
    return model.forward.bridge(x_t, state, t).parts[i]


def _log_spread(
    model: DiffusionModel, belief: Belief, i: int, kernel: Normal, x_t: State, t: Step
) -> Array:
    """log C of the step's own variance sigma^2 = beta_tilde + c^2 C."""
    bridge, reach = _reach(model, belief, i, kernel.mean, x_t, t)
    spread = jnp.exp(kernel.log_variance) - jnp.exp(bridge.log_variance)
    return jnp.log(jnp.maximum(spread, 1e-6 * jnp.exp(kernel.log_variance))) - 2.0 * jnp.log(reach)


def _reach(
    model: DiffusionModel, belief: Belief, i: int, x_0: Array, x_t: State, t: Step
) -> tuple[Normal, Array]:
    """The bridge to x_0, and c, by how much it follows x_0."""
    bridge, at_zero, at_one = (
        _bridge(model, belief, i, x, x_t, t) for x in (x_0, jnp.zeros_like(x_0), jnp.ones_like(x_0))
    )
    assert isinstance(bridge, Normal)
    assert isinstance(at_zero, Normal)
    assert isinstance(at_one, Normal)
    return bridge, jnp.maximum(at_one.mean - at_zero.mean, 1e-12)


def tilted_kernel(model: DiffusionModel, found: Guess, x_t: State, t: Step) -> Product:
    """The reverse kernel p(x_{t-1}|x_t) with the guided belief in place of the model's own.

    A column that the evidence does not touch keeps the model's kernel to the last digit: its weight
    is 1.
    """
    belief = found.guided

    def tilt(i: int, kernel: AbstractDistribution) -> AbstractDistribution:
        match kernel, belief.parts[i], found.plain.parts[i]:
            case Normal(), NormalBelief() as part, NormalBelief() as plain:
                (mean, variance), (own_mean, own_variance) = part.moments(), plain.moments()
                bridge, reach = _reach(model, belief, i, mean, x_t, t)
                log_variance = jnp.log(jnp.exp(bridge.log_variance) + jnp.square(reach) * variance)
                own = (mean == own_mean) & (variance == own_variance)
                return Normal(
                    jnp.where(own, kernel.mean, bridge.mean),
                    jnp.where(own, kernel.log_variance, log_variance),
                )
            case Categorical(), StateBelief() as part, StateBelief() as plain:
                n_columns, n_states = part.log_probs.shape

                def steps(k: Array) -> Array:
                    bridge = _bridge(model, belief, i, jnp.full(n_columns, k), x_t, t)
                    assert isinstance(bridge, Categorical)
                    return bridge.log_probs

                tables = jax.vmap(steps)(jnp.arange(n_states, dtype=jnp.int32))
                mixed = jax.nn.logsumexp(part.log_probs.T[:, :, None] + tables, axis=0)
                mixed = jnp.maximum(jax.nn.log_softmax(mixed, axis=-1), LOG_ZERO)
                own = jnp.all(part.log_probs == plain.log_probs, axis=-1, keepdims=True)
                return Categorical(jnp.where(own, kernel.log_probs, mixed))
            case RandomSubset(), StateBelief() as part, _:
                return RandomSubset(
                    kernel.current, kernel.candidates, kernel.count, Categorical(part.log_probs)
                )
            case _:
                raise TypeError(f"no tilted kernel is defined for {type(kernel).__name__}")

    return Product(tuple(tilt(i, kernel) for i, kernel in enumerate(found.reverse.parts)))
