r"""Products of two models: p(x_0) p'(x_0) r(x_0) / Z by sequential Monte Carlo, Z = E_p p' r.

Seen from p, the other model p' (the *expert*) is evidence that has no formula. What stands in for
it on the way is, at x_t,

    p'(x_0) = m'(x_t) p'(x_0|x_t) / q(x_t|x_0),      m'(x_t) the expert's marginal of x_t,

column by column a normal distribution or a table again: the product of the two guesses of x_0, with
the likelihood of x_t that both of them contain taken out once, is a belief in closed form, and the
step is walked back from there (`guide.tilted_kernel`). The marginal is carried along by Bayes'
rule,

    log m'(x_{t-1}) = log m'(x_t) + log p'(x_{t-1}|x_t) - log q(x_t|x_{t-1}),      m'(x_T) = pi(x_T),

which depends on the path only as far as the expert is not yet a consistent reversal. All of this is
a proposal and a promise: at x_0 every particle is weighed with an unbiased estimate of p'(x_0) from
trajectories of its own (`trajectory.log_weight`), hence E Z = E_p p' r for every expert, whatever
the quality of its guesses.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.distribution import AbstractDistribution, Categorical, Normal, Product
from quasistatic.forward.product import ProductDiffusion
from quasistatic.model import DiffusionModel
from quasistatic.numerics import log_normal_density
from quasistatic.posterior.belief import Belief, NormalBelief, StateBelief
from quasistatic.posterior.evidence import AbstractEvidence, AllOf
from quasistatic.posterior.guide import Guess, guess, tilted_kernel
from quasistatic.posterior.smc import LEAST_PROMISE, arrived, newcomers, resampled
from quasistatic.typing import Array, Float, Key, State, Step

STEEPEST = 1e6
"""Largest precision, in units of z, that an expert's factor may have: it is a difference of two
large numbers near t = 0."""


class Particles(NamedTuple):
    """A population at x_0, not yet weighed with the expert.

    Args:
        x_0: `[P, D]` per block.
        log_weight: `[P]`, nats: with `log p'(x_0)` added, the weight since the last resampling.
        total: log of the normalisers of the resamplings before, nats.
    """

    x_0: State
    log_weight: Float[Array, " P"]
    total: Float[Array, ""]


class ProductWalk(eqx.Module):
    """The sampler for one row; call it with `(model, expert, evidence, key=key)`.

    Without an expert it is guided by the evidence alone, and all that p' says comes with the last
    weight.

    Args:
        particles: P.
        threshold: resample below this share of P.
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
    ) -> Particles:
        n = self.particles
        last_key, walk_key, end_key = jax.random.split(key, 3)
        x_last = jax.vmap(lambda k: model.forward.prior().sample(key=k))(
            jax.random.split(last_key, n)
        )

        def step(carry: tuple, t: Step) -> tuple[tuple, None]:
            crowd, log_marginal = carry
            select_key, move_key = jax.random.split(jax.random.fold_in(walk_key, t))
            found = jax.vmap(lambda x: _looked(model, expert, evidence, x, t))(crowd.x_t)
            promise = jnp.maximum(found.guess.guided.log_mass + log_marginal, LEAST_PROMISE)
            crowd, (found, log_marginal) = resampled(
                crowd, promise, (found, log_marginal), self.threshold, key=select_key
            )

            def move(x: State, look: _Look, k: Key) -> tuple[State, Array, Array]:
                kernel = tilted_kernel(model, look.guess, x, t)
                x_before = kernel.sample(key=k)
                gain = jnp.sum(look.guess.reverse.log_prob(x_before) - kernel.log_prob(x_before))
                return x_before, gain, _marginal_gain(expert, look, x, x_before, t)

            x_before, gain, grown = jax.vmap(move)(crowd.x_t, found, jax.random.split(move_key, n))
            moved = crowd._replace(x_t=x_before, log_weight=crowd.log_weight + gain)
            return (moved, log_marginal + grown), None

        log_marginal = jax.vmap(lambda x: _log_prior(expert, x))(x_last)
        walk = jnp.arange(model.trajectory_length, 1, -1)
        (crowd, _), _ = jax.lax.scan(step, (newcomers(x_last, n), log_marginal), walk)
        found = jax.vmap(lambda x: _looked(model, expert, evidence, x, 1).guess)(crowd.x_t)
        x_0, final = jax.vmap(lambda g, k: arrived(g, evidence, key=k))(
            found, jax.random.split(end_key, n)
        )
        return Particles(x_0, crowd.log_weight - crowd.due + final, crowd.total)


class _Look(NamedTuple):
    """What both models say at x_t: `guess.guided` has the expert in it; `reverse` is the expert's
    own kernel.
    """

    guess: Guess
    reverse: Product | None


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
    guided = _times(found.guided, theirs.plain, expert.forward, x_t, t)
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
    """The belief times `p'(x_0|x_t) / q(x_t|x_0)`; exact up to factors that x_t does not change."""
    for i, (part, other) in enumerate(zip(belief.parts, theirs.parts, strict=True)):
        match part, other:
            case NormalBelief(), NormalBelief():
                new, gain = _times_normal(part, other, *_signal(forward, theirs, i, x_t, t))
            case StateBelief(), StateBelief():
                new, gain = part.times(
                    other.log_probs - _log_likelihood(forward, theirs, i, x_t, t)
                )
            case _:
                raise TypeError(
                    f"no product of {type(part).__name__} and {type(other).__name__} is defined"
                )
        belief = belief.updated(i, new, gain)
    return belief


def _marginal(
    forward: ProductDiffusion, belief: Belief, i: int, value: float | Array, t: Step
) -> AbstractDistribution:
    """q(x_t|x_0) of block i where all its columns have one value."""
    parts = [
        jnp.zeros_like(p.mean)
        if isinstance(p, NormalBelief)
        else jnp.zeros(p.log_probs.shape[0], jnp.int32)
        for p in belief.parts
    ]
    parts[i] = jnp.full_like(parts[i], value)
    return forward.marginal(tuple(parts), t).parts[i]


def _signal(
    forward: ProductDiffusion, belief: Belief, i: int, x_t: State, t: Step
) -> tuple[Array, Array, Array]:
    """x_t = signal x_0 + noise: x_t, the signal and the log-variance of the noise."""
    at_zero, at_one = (_marginal(forward, belief, i, x, t) for x in (0.0, 1.0))
    assert isinstance(at_zero, Normal)
    assert isinstance(at_one, Normal)
    return x_t[i], at_one.mean - at_zero.mean, at_zero.log_variance


def _times_normal(
    part: NormalBelief, other: NormalBelief, x_t: Array, signal: Array, log_noise: Array
) -> tuple[NormalBelief, Array]:
    """Times N(x_0; other) / N(x_t; signal x_0, noise); a pinned column only weighs it."""
    inverse, shown = jnp.exp(-other.log_variance), jnp.square(signal) * jnp.exp(-log_noise)
    precision = jnp.clip(inverse - shown, 0.0, STEEPEST)
    # Where the expert is no more certain than x_t alone (its precision cut to 0), its factor is
    # flat.
    slope = jnp.where(
        inverse > shown, other.mean * inverse - x_t * signal * jnp.exp(-log_noise), 0.0
    )
    own = jnp.exp(-part.log_variance)
    log_variance = -jnp.log(own + precision)
    mean = (part.mean * own + slope) * jnp.exp(log_variance)
    kept = eqx.tree_at(
        lambda b: (b.mean, b.log_variance),
        part,
        (
            jnp.where(part.pinned, part.mean, mean),
            jnp.where(part.pinned, part.log_variance, log_variance),
        ),
    )
    x = jnp.where(
        part.pinned, part.point, mean
    )  # the mass is the ratio of prior times factor and posterior, at any x
    factor = log_normal_density(x, other.mean, other.log_variance) - log_normal_density(
        x_t, signal * x, log_noise
    )
    return kept, part.log_prob(x) + factor - kept.log_prob(x)


def _log_likelihood(
    forward: ProductDiffusion, belief: Belief, i: int, x_t: State, t: Step
) -> Float[Array, "D K"]:
    """log q(x_t|x_0 = k) of a heat bath; 0 for an absorbing block, where a mask says nothing and
    all else is known.
    """
    part, here = belief.parts[i], x_t[i]
    assert isinstance(part, StateBelief)
    n_states = part.log_probs.shape[1]
    if not isinstance(_marginal(forward, belief, i, 0, t), Categorical):
        return jnp.zeros_like(part.log_probs)

    def of(k: Array) -> Array:
        return _marginal(forward, belief, i, k, t).log_prob(here)

    return jax.vmap(of)(jnp.arange(n_states, dtype=jnp.int32)).T
