r"""The last step where numbers have to lie within limits: all columns but a pivot are drawn, and
the pivot within the interval that they leave it.

With the conditioned belief `sum_k w_k p_k` (log-mass apart), the guided one g, and M_k the mass of
the interval under the pivot's p_k given its own limits, the weight does not know the pivot any
more,

    sum_k w_k p_k(x_others) M_k(x_others) / g(x_others).
"""

import jax
import jax.numpy as jnp

from quasistatic.belief import Belief, MixtureBelief, NormalBelief
from quasistatic.distribution.interval import log_normal_range, sample_normal_range
from quasistatic.posterior._guide import Guess
from quasistatic.posterior.evidence.base import AbstractEvidence, AllOf
from quasistatic.posterior.evidence.within import Within
from quasistatic.typing import Array, Float, Key, State


def with_pivot(evidence: AbstractEvidence) -> Within | None:
    """The part of the evidence that the last step solves for its pivot; None where there is none.

    Args:
        evidence: evidence of a row.
    """
    parts = evidence.parts if isinstance(evidence, AllOf) else (evidence,)
    for part in parts:
        found = with_pivot(part) if isinstance(part, AllOf) else part
        if isinstance(found, Within) and found.pivot is not None:
            return found
    return None


def solved_step(found: Guess, within: Within, *, key: Key) -> tuple[State, Float[Array, ""]]:
    """x_0 from p(x_0|x_1) times the evidence, and `log p(x_0|x_1) r(x_0) / k~(x_0|x_1)` but for
    what else the evidence leaves to the weight.

    Args:
        found: guess at x_1.
        within: evidence with a pivot.
        key: random key of the draw.
    """
    draw_key, which_key, pivot_key = jax.random.split(key, 3)
    conditioned, guided = _mixture(found.conditioned), _mixture(found.guided)
    x_0 = guided.sample(key=draw_key)
    low, high = within.reach(x_0)
    pivot = within.pivot

    def others(belief: Belief) -> Array:
        terms = [part.log_prob(x) for part, x in zip(belief.parts, x_0, strict=True)]
        terms[0] = terms[0].at[pivot].set(0.0)
        return jnp.sum(jnp.concatenate(terms))

    parts = conditioned.components.parts[0]
    assert isinstance(parts, NormalBelief)
    mean, log_variance, own_low, own_high = (
        x[:, pivot] for x in (parts.mean, parts.log_variance, parts.low, parts.high)
    )
    own_low, own_high = (jnp.broadcast_to(x, mean.shape) for x in (own_low, own_high))
    cut_low, cut_high = jnp.maximum(own_low, low), jnp.minimum(own_high, high)
    mass = log_normal_range(cut_low, cut_high, mean, log_variance)
    mass = mass - jax.vmap(lambda part: part.log_inside()[pivot])(parts)
    joint = conditioned.log_posterior + jax.vmap(others)(conditioned.components) + mass
    proposed = guided.log_posterior + jax.vmap(others)(guided.components)
    k = jax.random.categorical(which_key, joint)
    value = sample_normal_range(
        cut_low[k, None], cut_high[k, None], mean[k, None], log_variance[k, None], key=pivot_key
    )[0]
    possible = cut_low[k] < cut_high[k]
    state = x_0[0].at[pivot].set(jnp.where(possible, value, x_0[0][pivot])), *x_0[1:]
    ratio = jax.nn.logsumexp(joint) - jax.nn.logsumexp(proposed)
    return state, conditioned.log_mass + ratio


def _mixture(belief: Belief | MixtureBelief) -> MixtureBelief:
    """A belief as a mixture of one."""
    if isinstance(belief, MixtureBelief):
        return belief
    return MixtureBelief(jnp.zeros(1), jax.tree.map(lambda x: x[None], belief))
