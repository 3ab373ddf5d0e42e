r"""Products of two models: p(x_0) p'(x_0) r(x_0) / Z by sequential Monte Carlo, Z = E_p p' r.

Seen from p, the other model p' (the *expert*) is evidence that has no formula. What stands in for
it on the way is, at x_t,

    p'(x_0) = m'(x_t) p'(x_0|x_t) / q(x_t|x_0),    m'(x_t) the expert's marginal of x_t,

column by column a normal distribution or a table again: the product of the two guesses of x_0, with
the likelihood of x_t that both of them contain taken out once, is a belief in closed form
(`belief.multiply`), and the step is walked back from there (`guide.tilted_kernel`). The marginal is
carried along by Bayes' rule,

    log m'(x_{t-1}) = log m'(x_t) + log p'(x_{t-1}|x_t) - log q(x_t|x_{t-1}),
    m'(x_T) = pi(x_T),

which depends on the path only as far as the expert is not yet a consistent reversal. All of this is
a proposal and a twist: at x_0 every particle is weighed with an unbiased estimate of p'(x_0) from
trajectories of its own (`trajectory.log_weight`), hence E Z = E_p p' r for every expert, whatever
the quality of its guesses.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.belief import Belief, MixtureBelief, multiply
from quasistatic.distribution import AbstractDistribution, Mixture, Product
from quasistatic.forward.product import ProductDiffusion
from quasistatic.model import DiffusionModel
from quasistatic.particles import ParticleState, init, of_the_row, resample
from quasistatic.posterior._guide import Guess, guess, tilted_kernel
from quasistatic.posterior.evidence.base import AbstractEvidence, AllOf
from quasistatic.posterior.walks.twisted import LEAST_TWIST, draw_last, last_step
from quasistatic.typing import Array, Float, Key, State, Step

__all__ = ["ProductParticles", "ProductWalk"]


class ProductParticles(NamedTuple):
    """Particles at x_0, not yet weighed with the expert.

    Args:
        x_0: states of the particles, `[P, D]` per block.
        log_weight: log-weights of the particles, `[P]` nats: with `log p'(x_0)` added, the weight
            since the last resampling.
        log_z: log of the mean weights at the resamplings before, nats.
    """

    x_0: State
    log_weight: Float[Array, " P"]
    log_z: Float[Array, ""]


class ProductWalk(eqx.Module):
    """The sampler for one row; call it with `(model, expert, evidence, key=key)`.

    Without an expert it is guided by the evidence alone, and all that p' says comes with the last
    weight.

    Args:
        particles: number P of particles.
        threshold: share of P below which the effective sample size makes resample (default 1/2).
    """

    particles: int = eqx.field(static=True)
    threshold: float = eqx.field(static=True, default=0.5)

    def __call__(
        self,
        model: DiffusionModel,
        expert: DiffusionModel | None,
        evidence: AbstractEvidence,
        *,
        key: Key,
    ) -> ProductParticles:
        n = self.particles
        last_key, walk_key, end_key = jax.random.split(key, 3)

        def walk_on(carry: _Carry, found: _Look, t: Step) -> _Carry:
            state, log_marginal = carry
            select_key, move_key = jax.random.split(jax.random.fold_in(walk_key, t))
            log_twist = jnp.maximum(found.guess.guided.log_mass + log_marginal, LEAST_TWIST)
            target, known = state.log_weight + log_twist, (found, log_marginal)
            state, known = resample(state, target, known, self.threshold, key=select_key)
            found, log_marginal = known

            def move(x: State, look: _Look, k: Key) -> tuple[State, Array, Array]:
                kernel = tilted_kernel(model, look.guess, x, t)
                x_before = kernel.sample(key=k)
                gain = jnp.sum(look.guess.reverse.log_prob(x_before) - kernel.log_prob(x_before))
                return x_before, gain, _marginal_gain(expert, look, x, x_before, t)

            x_before, gain, grown = jax.vmap(move)(state.x_t, found, jax.random.split(move_key, n))
            moved = state._replace(x_t=x_before, log_weight=state.log_weight + gain)
            return moved, log_marginal + grown

        def arrive(carry: _Carry, found: _Look, t: Step) -> _Carry:
            state, log_marginal = carry
            x_0, final = jax.vmap(lambda g, k: last_step(g, evidence, key=k))(
                found.guess, jax.random.split(end_key, n)
            )
            log_weight = state.log_weight - state.log_applied + final
            return state._replace(x_t=x_0, log_weight=log_weight), log_marginal

        def step(carry: _Carry, t: Step) -> tuple[_Carry, None]:
            found = jax.vmap(lambda x: _looked(model, expert, evidence, x, t))(carry[0].x_t)
            return jax.lax.cond(t > 1, walk_on, arrive, carry, found, t), None

        state = init(draw_last(model, n, key=last_key), jnp.zeros(n))
        log_marginal = jax.vmap(lambda x: _log_prior(expert, x))(state.x_t)
        begin = of_the_row((state, log_marginal), key=key)
        walk = jnp.arange(model.trajectory_length, 0, -1)
        (state, _), _ = jax.lax.scan(step, begin, walk)
        return ProductParticles(state.x_t, state.log_weight, state.log_z)


_Carry = tuple[ParticleState, Array]
"""Particles, and the expert's log-marginal m'(x_t) of each, nats."""


class _Look(NamedTuple):
    """What both models say at x_t: `guess.guided` has the expert in it; `reverse` is the expert's
    own kernel.
    """

    guess: Guess
    reverse: Product | Mixture | None


def _looked(
    model: DiffusionModel,
    expert: DiffusionModel | None,
    evidence: AbstractEvidence,
    x_t: State,
    t: Step,
) -> _Look:
    found = guess(model, evidence, x_t, t)
    if expert is None:
        return _Look(found, None)
    theirs = guess(expert, AllOf(()), x_t, t)
    other = theirs.plain.collapsed() if isinstance(theirs.plain, MixtureBelief) else theirs.plain
    ours = found.guided
    if isinstance(ours, MixtureBelief):
        each = jax.vmap(lambda part: _times(part, other, expert.forward, x_t, t))(ours.components)
        guided = MixtureBelief(ours.log_weights, each)
    else:
        guided = _times(ours, other, expert.forward, x_t, t)
    return _Look(found._replace(guided=guided), theirs.reverse)


def _log_prior(expert: DiffusionModel | None, x_last: State) -> Float[Array, ""]:
    return jnp.zeros(()) if expert is None else jnp.sum(expert.forward.prior().log_prob(x_last))


def _marginal_gain(
    expert: DiffusionModel | None, look: _Look, x_t: State, x_before: State, t: Step
) -> Float[Array, ""]:
    """log m'(x_{t-1}) - log m'(x_t)."""
    if expert is None or look.reverse is None:
        return jnp.zeros(())
    return jnp.sum(
        look.reverse.log_prob(x_before) - expert.forward.kernel(x_before, t).log_prob(x_t)
    )


def _times(
    belief: Belief, theirs: Belief, forward: ProductDiffusion, x_t: State, t: Step
) -> Belief:
    """The belief times `p'(x_0|x_t) / q(x_t|x_0)`."""
    blocks = zip(belief.parts, theirs.parts, forward.blocks, x_t, strict=True)
    for i, (part, other, block, x) in enumerate(blocks):
        if type(part) is not type(other):
            raise TypeError(f"no product of {type(part).__name__} and {type(other).__name__}")

        def marginal(x_0: Array, block=block) -> AbstractDistribution:
            return block.marginal(x_0, t)

        new, gain = multiply(marginal(jnp.zeros_like(x)), marginal, x, part, other)
        belief = belief.updated(i, new, gain)
    return belief
