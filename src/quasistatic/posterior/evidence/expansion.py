"""What evidence without a closed form asks of a belief: about E r, and a step towards the largest
p r.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from quasistatic.belief import Belief
from quasistatic.typing import Array, Key, State

TWIST_DRAWS = 8
"""Number of draws of either belief behind an expectation."""


def log_expectation(belief: Belief, guided: Belief, log_r: Callable[[State], Array]) -> Array:
    """About log E r under a belief, nats: r averaged over draws of the belief and of its guided
    form, weighed as their mixture.

    The draws use the same random numbers at every x_t, so that twists differ by what is known there
    and not by chance; the mixture keeps a guide that is too sure of itself from promising too much.

    Args:
        belief: belief of x_0 without r.
        guided: the same times about r, the second proposal.
        log_r: log r of a state, nats.
    """

    def of(source: Belief, key: Key) -> Array:
        x = source.sample(key=key)
        here = belief.log_prob(x)
        return log_r(x) + here - jnp.logaddexp(here, guided.log_prob(x)) + jnp.log(2.0)

    plain, aimed = (jax.random.split(jax.random.key(seed), TWIST_DRAWS) for seed in (0, 1))
    values = [jax.vmap(lambda k: of(belief, k))(plain), jax.vmap(lambda k: of(guided, k))(aimed)]
    return jax.nn.logsumexp(jnp.concatenate(values)) - jnp.log(2.0 * TWIST_DRAWS)


SHARES = (0.0, 0.03, 0.1, 0.3, 1.0)
"""Lengths tried of a step."""


def best_step(belief: Belief, log_r: Callable[[State], Array], at: State, proposed: State) -> State:
    """The best of a few points on the way of the continuous columns to a proposed x_0, by p r:
    Newton's method must not overshoot.

    Args:
        belief: belief of x_0 without r.
        log_r: log r of a state, nats.
        at: state to start from.
        proposed: state to go towards.
    """

    def moved(share: Array) -> State:
        blocks = zip(belief.parts, at, proposed, strict=True)
        return tuple(part.between(a, b, share) for part, a, b in blocks)

    points = jax.vmap(moved)(jnp.asarray(SHARES, jnp.float32))
    height = jax.vmap(lambda x: log_r(x) + belief.log_prob(x))(points)
    return jax.tree.map(lambda x: x[jnp.argmax(height)], points)
