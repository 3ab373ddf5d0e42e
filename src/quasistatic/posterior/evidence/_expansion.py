"""The guide of evidence without a closed form: r is expanded about the most likely x_0 (Newton's
method), and E r is an average over a few draws.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from quasistatic.belief import Belief
from quasistatic.typing import Array, Key, State

EXPANSIONS = 3
"""Times that r is expanded: about the believed x_0, and about what each expansion makes of it."""

_TWIST_DRAWS = 8
"""Number of draws of either belief behind an expectation."""

_SHARES = (0.0, 0.03, 0.1, 0.3, 1.0)
"""Lengths tried of a step."""


def guide_by_expansion(
    belief: Belief,
    log_r: Callable[[State], Array],
    times_about: Callable[[State], Belief],
    *,
    expansions: int = EXPANSIONS,
) -> Belief:
    """The belief times about r, its log-mass grown by about log E r.

    Args:
        belief: belief of x_0 without r.
        log_r: function from a state to log r, nats.
        times_about: function from a state to the belief times an expansion of r about it.
        expansions: number of expansions (default 3); 0 leaves the belief as it is, but for its
            log-mass.
    """
    found, at = belief, belief.best()
    for i in range(expansions):
        if i > 0:  # at first what is proposed is where it stands
            at = _best_step(belief, log_r, at, found.best())
        found = times_about(at)
    return found.weighted(_log_expectation(belief, found, log_r))


def _log_expectation(belief: Belief, guided: Belief, log_r: Callable[[State], Array]) -> Array:
    """About log E r under a belief, nats: r averaged over draws of the belief and of its guided
    form, weighed as their mixture.

    The draws use the same random numbers at every x_t, so that twists differ by what is known there
    and not by chance; the mixture keeps a guide that is too sure of itself from promising too much.

    Args:
        belief: belief of x_0 without r.
        guided: belief of x_0 times an expansion of r about a state, the second proposal.
        log_r: function from a state to log r, nats.
    """

    def of(source: Belief, key: Key) -> Array:
        x = source.sample(key=key)
        here = belief.log_prob(x)
        return log_r(x) + here - jnp.logaddexp(here, guided.log_prob(x)) + jnp.log(2.0)

    def of_all(source: Belief, seed: Array) -> Array:
        keys = jax.random.split(jax.random.key(seed), _TWIST_DRAWS)
        return jax.vmap(lambda k: of(source, k))(keys)

    both = jax.tree.map(lambda *x: jnp.stack(x), belief, guided)
    values = jax.vmap(of_all)(both, jnp.arange(2))
    return jax.nn.logsumexp(values) - jnp.log(2.0 * _TWIST_DRAWS)


def _best_step(
    belief: Belief, log_r: Callable[[State], Array], at: State, proposed: State
) -> State:
    """The best of a few points on the way of the continuous columns to a proposed x_0, by p r:
    Newton's method must not overshoot.

    Args:
        belief: belief of x_0 without r.
        log_r: function from a state to log r, nats.
        at: state x_0 to start from.
        proposed: state x_0 to go towards.
    """

    def moved(share: Array) -> State:
        blocks = zip(belief.parts, at, proposed, strict=True)
        return tuple(part.between(a, b, share) for part, a, b in blocks)

    points = jax.vmap(moved)(jnp.asarray(_SHARES, jnp.float32))
    height = jax.vmap(lambda x: log_r(x) + belief.log_prob(x))(points)
    return jax.tree.map(lambda x: x[jnp.argmax(height)], points)
