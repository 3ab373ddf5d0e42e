r"""The family of normal columns.

A reverse kernel is a guess of x_0, walked back by the bridge: `N(mu, sigma^2)` with `sigma^2 =
beta_tilde + c^2 C`, C the variance of the guess and c by how much the bridge follows x_0. With a
belief of mean m' and variance C' in its place the step is `N(bridge(x_t, m'), beta_tilde + c^2
C')`.
"""

import equinox as eqx
import jax.numpy as jnp

from quasistatic.belief.families import (
    Bridge,
    Marginal,
    believe,
    match_step,
    multiply,
    signal_left,
    tilt,
)
from quasistatic.belief.numbers import NormalBelief
from quasistatic.distribution import AbstractDistribution, Normal
from quasistatic.numerics import log_normal_density
from quasistatic.typing import Array, Float

__all__ = []

_STEEPEST = 1e6
"""Largest precision, in units of z, that another model's factor may have: it is a difference of two
large numbers near t = 0."""


@believe.register(Normal)
def _(guess: Normal) -> NormalBelief:
    return NormalBelief.of(guess.mean, guess.log_variance, guess.low, guess.high)


def _reach(bridge: Bridge, x_0: Float[Array, " D"]) -> tuple[Normal, Float[Array, " D"]]:
    """The bridge to x_0, and c, by how much it follows x_0."""
    to_x_0, at_zero, at_one = (bridge(x) for x in (x_0, jnp.zeros_like(x_0), jnp.ones_like(x_0)))
    assert isinstance(to_x_0, Normal)
    assert isinstance(at_zero, Normal)
    assert isinstance(at_one, Normal)
    return to_x_0, jnp.maximum(at_one.mean - at_zero.mean, 1e-12)


@match_step.register(Normal)
def _(kernel: Normal, bridge: Bridge, belief: NormalBelief) -> NormalBelief:
    """Its variance is the C of the step's own variance."""
    to_mean, reach = _reach(bridge, kernel.mean)
    spread = jnp.exp(kernel.log_variance) - jnp.exp(to_mean.log_variance)
    least = 1e-6 * jnp.exp(kernel.log_variance)
    log_spread = jnp.log(jnp.maximum(spread, least)) - 2.0 * jnp.log(reach)
    return eqx.tree_at(lambda b: b.log_variance, belief, log_spread)


@tilt.register(Normal)
def _(kernel: Normal, bridge: Bridge, guided: NormalBelief, plain: NormalBelief) -> Normal:
    (mean, variance), (own_mean, own_variance) = guided.moments(), plain.moments()
    to_mean, reach = _reach(bridge, mean)
    log_variance = jnp.log(jnp.exp(to_mean.log_variance) + jnp.square(reach) * variance)
    own = (mean == own_mean) & (variance == own_variance)
    return Normal(
        jnp.where(own, kernel.mean, to_mean.mean),
        jnp.where(own, kernel.log_variance, log_variance),
        kernel.low,
        kernel.high,
    )


@multiply.register(Normal)
def _(
    at_zero: Normal,
    marginal: Marginal,
    x_t: Float[Array, " D"],
    belief: NormalBelief,
    other: NormalBelief,
) -> tuple[NormalBelief, Float[Array, " D"]]:
    """With x_t = signal x_0 + noise: times N(x_0; other) / N(x_t; signal x_0, noise); a pinned
    column only weighs it.
    """
    at_one = marginal(jnp.ones_like(x_t))
    assert isinstance(at_one, Normal)
    signal, log_noise = at_one.mean - at_zero.mean, at_zero.log_variance
    inverse, shown = jnp.exp(-other.log_variance), jnp.square(signal) * jnp.exp(-log_noise)
    precision = jnp.clip(inverse - shown, 0.0, _STEEPEST)
    # Where the other model is no more certain than x_t alone (its precision cut to 0), its factor
    # is flat.
    slope = other.mean * inverse - x_t * signal * jnp.exp(-log_noise)
    slope = jnp.where(inverse > shown, slope, 0.0)
    own = jnp.exp(-belief.log_variance)
    log_variance = -jnp.log(own + precision)
    mean = (belief.mean * own + slope) * jnp.exp(log_variance)
    kept = eqx.tree_at(
        lambda b: (b.mean, b.log_variance),
        belief,
        (
            jnp.where(belief.pinned, belief.mean, mean),
            jnp.where(belief.pinned, belief.log_variance, log_variance),
        ),
    )
    # The mass is the ratio of prior times factor and posterior, at any x.
    x = jnp.where(belief.pinned, belief.point, mean)
    factor = log_normal_density(x, other.mean, other.log_variance)
    factor = factor - log_normal_density(x_t, signal * x, log_noise)
    return kept, belief.log_prob(x) + factor - kept.log_prob(x)


@signal_left.register(Normal)
def _(marginal: Normal, prior: AbstractDistribution, x_0: Array) -> Float[Array, " D"]:
    """Of the variance 1 - alpha_bar."""
    return -jnp.expm1(marginal.log_variance)
