r"""What is believed of x_0 at step t: the model's guess p(x_0|x_t), column by column, times
evidence of closed form.

A step of the chain guesses x_0 and walks back from there (`forward.bridge`); to condition the step
is to condition the guess. A belief is a guess that can be multiplied with evidence, stays
normalised and keeps the logarithm of the mass that was left,

    log_mass = log E_{p(x_0|x_t)} r(x_0).

A continuous column is a normal distribution cut to an interval, or pinned to a cell; a discrete one
a table of probabilities.
"""

from collections.abc import Callable
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.special import log_ndtr, ndtr, ndtri

from quasistatic.distribution import (
    AbstractDistribution,
    Categorical,
    Normal,
    Product,
    RandomSubset,
)
from quasistatic.numerics import LOG_ZERO, log_normal_density, log_normal_interval
from quasistatic.typing import Array, Bool, Float, Int, Key, State

FARTHEST = 1e3
"""Standard deviations beyond which an interval's edge counts as infinite."""

_TINY = 1e-30


def log_normal_range(low: Array, high: Array, mean: Array, log_variance: Array) -> Array:
    """log-mass of [low, high] (either may be infinite) under N(mean, exp(log_variance)); `LOG_ZERO`
    where it is empty.
    """
    a, b = _standardised(low, high, mean, log_variance)
    upper, lower = log_ndtr(b), log_ndtr(a)
    inside = upper + jnp.log(jnp.maximum(-jnp.expm1(lower - upper), _TINY))
    return jnp.where(low < high, inside, LOG_ZERO)


def _standardised(low: Array, high: Array, mean: Array, log_variance: Array) -> tuple[Array, Array]:
    """The edges in standard deviations, mirrored into the lower tail where both lie above the
    mean.
    """
    inverse = jnp.exp(-0.5 * log_variance)
    a, b = (jnp.clip((x - mean) * inverse, -FARTHEST, FARTHEST) for x in (low, high))
    return jnp.where(a > 0, -b, a), jnp.where(a > 0, -a, b)


class NormalBelief(eqx.Module):
    """Independent columns N(mean, exp(log_variance)) cut to [low, high]; a pinned column lies in
    the cell of `width` around `point`.

    The mean and variance of a pinned column stay those of the guess: moments within a wide cell
    depend on them.
    """

    mean: Float[Array, " D"]
    log_variance: Float[Array, " D"]
    low: Float[Array, " D"]
    high: Float[Array, " D"]
    pinned: Bool[Array, " D"]
    point: Float[Array, " D"]
    width: Float[Array, " D"]

    @classmethod
    def of(cls, mean: Float[Array, " D"], log_variance: Float[Array, " D"]) -> Self:
        """A belief without evidence."""
        edge, zeros = jnp.full(mean.shape, jnp.inf), jnp.zeros(mean.shape)
        return cls(mean, log_variance, -edge, edge, jnp.zeros(mean.shape, bool), zeros, zeros)

    def log_inside(self) -> Float[Array, " D"]:
        """log-mass of the interval of each column, 0 where there is none."""
        cut = jnp.isfinite(self.low) | jnp.isfinite(self.high)
        return jnp.where(
            cut, log_normal_range(self.low, self.high, self.mean, self.log_variance), 0.0
        )

    def log_prob(self, x: Float[Array, " D"]) -> Float[Array, " D"]:
        """log-density of x within the intervals; 0 for a pinned column, which is known."""
        free = log_normal_density(x, self.mean, self.log_variance) - self.log_inside()
        return jnp.where(self.pinned, 0.0, free)

    def moments(self) -> tuple[Float[Array, " D"], Float[Array, " D"]]:
        """Mean and variance of each column (of a cut one to a few digits: they only guide)."""
        scale = jnp.exp(0.5 * self.log_variance)
        low = jnp.where(self.pinned, self.point - 0.5 * self.width, self.low)
        high = jnp.where(self.pinned, self.point + 0.5 * self.width, self.high)
        a, b = (jnp.clip((x - self.mean) / scale, -FARTHEST, FARTHEST) for x in (low, high))
        log_mass = log_normal_range(low, high, self.mean, self.log_variance)
        at_a, at_b = (jnp.exp(log_normal_density(x, 0.0, 0.0) - log_mass) for x in (a, b))
        shift = at_a - at_b
        shrink = 1.0 + a * at_a - b * at_b - jnp.square(shift)
        narrow = b - a < 0.2
        middle = 0.5 * (low + high)
        mean = jnp.clip(self.mean + scale * shift, low, high)
        even = jnp.square(high - low) / 12.0
        variance = jnp.clip(jnp.square(scale) * shrink, 1e-6 * jnp.square(scale), jnp.square(scale))
        cut = self.pinned | jnp.isfinite(low) | jnp.isfinite(high)
        mean = jnp.where(cut, jnp.where(narrow, middle, mean), self.mean)
        variance = jnp.where(cut, jnp.where(narrow, even, variance), jnp.square(scale))
        exact = self.pinned & (self.width <= 0)
        return jnp.where(exact, self.point, mean), jnp.where(exact, 0.0, variance)

    def sample(self, *, key: Key) -> Float[Array, " D"]:
        """A draw; of a pinned column the middle of its cell."""
        scale = jnp.exp(0.5 * self.log_variance)
        a, b = _standardised(self.low, self.high, self.mean, self.log_variance)
        mirrored = (self.low - self.mean) > 0
        below, above = ndtr(a), ndtr(b)
        share = jax.random.uniform(key, self.mean.shape, minval=1e-7, maxval=1.0 - 1e-7)
        # Far out in the tail the distribution is an exponential one, where ndtr has no digits left.
        rate = jnp.maximum(-b, 1.0)
        tail = (
            b + jnp.log(share + (1.0 - share) * jnp.exp(-jnp.minimum(rate * (b - a), 80.0))) / rate
        )
        z = jnp.where(
            b < -5.0, tail, ndtri(jnp.clip(below + share * (above - below), 1e-7, 1.0 - 1e-7))
        )
        drawn = jnp.clip(self.mean + scale * jnp.where(mirrored, -z, z), self.low, self.high)
        free = self.mean + scale * jax.random.normal(jax.random.fold_in(key, 1), self.mean.shape)
        cut = jnp.isfinite(self.low) | jnp.isfinite(self.high)
        return jnp.where(self.pinned, self.point, jnp.where(cut, drawn, free))

    def pin(
        self, where: Bool[Array, " D"], point: Float[Array, " D"], width: Float[Array, " D"]
    ) -> tuple[Self, Float[Array, " D"]]:
        """Columns known to lie in a cell; the log-mass (a density where the width is 0)."""
        cell = log_normal_interval(point, width, self.mean, self.log_variance) - self.log_inside()
        inside = (point >= self.low) & (point <= self.high)
        again = jnp.where(point == self.point, 0.0, LOG_ZERO)
        gain = jnp.where(self.pinned, again, jnp.where(inside, cell, LOG_ZERO))
        new = where & ~self.pinned
        found = eqx.tree_at(
            lambda b: (b.pinned, b.point, b.width),
            self,
            (
                self.pinned | where,
                jnp.where(new, point, self.point),
                jnp.where(new, width, self.width),
            ),
        )
        return found, jnp.where(where, gain, 0.0)

    def cut(
        self, low: Float[Array, " D"], high: Float[Array, " D"]
    ) -> tuple[Self, Float[Array, " D"]]:
        """Columns known to lie in [low, high]; the log-mass."""
        found = eqx.tree_at(
            lambda b: (b.low, b.high),
            self,
            (jnp.maximum(self.low, low), jnp.minimum(self.high, high)),
        )
        inside = (self.point >= low) & (self.point <= high)
        return found, jnp.where(
            self.pinned, jnp.where(inside, 0.0, LOG_ZERO), found.log_inside() - self.log_inside()
        )

    def times_normal(
        self, where: Bool[Array, " D"], y: Float[Array, " D"], log_noise: Float[Array, " D"]
    ) -> tuple[Self, Float[Array, " D"]]:
        """Columns seen as y with noise of variance exp(log_noise); the log-mass."""
        log_total = jnp.logaddexp(self.log_variance, log_noise)
        gain = jnp.exp(self.log_variance - log_total)
        mean = jnp.where(where, self.mean + gain * (y - self.mean), self.mean)
        log_variance = jnp.where(
            where, self.log_variance + log_noise - log_total, self.log_variance
        )
        found = eqx.tree_at(lambda b: (b.mean, b.log_variance), self, (mean, log_variance))
        mass = log_normal_density(y, self.mean, log_total) + found.log_inside() - self.log_inside()
        known = log_normal_density(y, self.point, log_noise)
        kept = eqx.tree_at(
            lambda b: (b.mean, b.log_variance),
            found,
            tuple(
                jnp.where(self.pinned, old, new)
                for old, new in ((self.mean, mean), (self.log_variance, log_variance))
            ),
        )
        return kept, jnp.where(where, jnp.where(self.pinned, known, mass), 0.0)

    def expanded(
        self, at: Float[Array, " D"], gradient: Float[Array, " D"], curvature: Float[Array, " D"]
    ) -> Self:
        """Times `exp(gradient (x - at) - curvature (x - at)^2 / 2)` in every column, normalised;
        curvature >= 0.
        """
        precision = jnp.exp(-self.log_variance) + curvature
        step = (gradient - curvature * (self.mean - at)) / precision
        reach = 4.0 * jnp.exp(0.5 * self.log_variance)
        mean = self.mean + jnp.where(self.pinned, 0.0, jnp.clip(step, -reach, reach))
        log_variance = jnp.where(self.pinned, self.log_variance, -jnp.log(precision))
        return eqx.tree_at(lambda b: (b.mean, b.log_variance), self, (mean, log_variance))

    def best(self) -> Float[Array, " D"]:
        """One likely value: the mean."""
        return self.moments()[0]


class StateBelief(eqx.Module):
    """Independent discrete columns; `log_probs` [D, K]."""

    log_probs: Float[Array, "D K"]

    def log_prob(self, x: Int[Array, " D"]) -> Float[Array, " D"]:
        """log-probability of x."""
        return Categorical(self.log_probs).log_prob(x)

    def sample(self, *, key: Key) -> Int[Array, " D"]:
        """A draw."""
        return Categorical(self.log_probs).sample(key=key)

    def times(self, log_r: Float[Array, "D K"]) -> tuple[Self, Float[Array, " D"]]:
        """Times a table of the columns' states; the log-mass."""
        joint = jnp.maximum(self.log_probs + log_r, 2 * LOG_ZERO)
        log_mass = jax.nn.logsumexp(joint, axis=-1)
        possible = log_mass > 0.5 * LOG_ZERO
        log_probs = jnp.where(
            possible[:, None], jnp.maximum(joint - log_mass[:, None], LOG_ZERO), self.log_probs
        )
        return eqx.tree_at(lambda b: b.log_probs, self, log_probs), jnp.where(
            possible, log_mass, LOG_ZERO
        )

    def best(self) -> Int[Array, " D"]:
        """One likely value: the mode."""
        return jnp.argmax(self.log_probs, axis=-1).astype(jnp.int32)


class Belief(eqx.Module):
    """A belief of every block, and the log-mass of the evidence so far, nats."""

    parts: tuple[NormalBelief | StateBelief, ...]
    log_mass: Float[Array, ""]

    def updated(
        self, block: int, part: NormalBelief | StateBelief, gain: Float[Array, " D"]
    ) -> Self:
        """With another belief of one block, whose log-mass per column is `gain`."""
        parts = (*self.parts[:block], part, *self.parts[block + 1 :])
        return type(self)(parts, self.log_mass + jnp.sum(gain))

    def sample(self, *, key: Key) -> State:
        """A draw of x_0."""
        return tuple(p.sample(key=jax.random.fold_in(key, i)) for i, p in enumerate(self.parts))

    def log_prob(self, x_0: State) -> Float[Array, ""]:
        """log-density of x_0, pinned cells left out, nats."""
        parts = zip(self.parts, x_0, strict=True)
        return jnp.sum(jnp.concatenate([part.log_prob(x) for part, x in parts]))

    def best(self) -> State:
        """One likely x_0."""
        return tuple(part.best() for part in self.parts)


def believe(guess: Product) -> Belief:
    """The belief that a distribution of x_0 (or of any x_t) is, without evidence."""
    return Belief(tuple(map(_believe, guess.parts)), jnp.zeros(()))


def _believe(part: AbstractDistribution) -> NormalBelief | StateBelief:
    match part:
        case Normal():
            return NormalBelief.of(part.mean, part.log_variance)
        case Categorical():
            return StateBelief(part.log_probs)
        case RandomSubset(values=Categorical(log_probs=log_probs)):
            known = jnp.where(jax.nn.one_hot(part.current, log_probs.shape[1]) > 0, 0.0, LOG_ZERO)
            return StateBelief(jnp.where(part.candidates[:, None], log_probs, known))
        case _:
            raise TypeError(f"no belief is defined for {type(part).__name__}")


PROMISE_DRAWS = 8
"""Draws of either belief behind a promise."""


def log_expectation(belief: Belief, guided: Belief, log_r: Callable[[State], Array]) -> Array:
    """About log E r under a belief, nats: r averaged over draws of the belief and of its guided
    form, weighed as their mixture.

    The draws use the same random numbers at every x_t, so that promises differ by what is known
    there and not by chance; the mixture keeps a guide that is too sure of itself from promising too
    much.
    """

    def of(source: Belief, key: Key) -> Array:
        x = source.sample(key=key)
        here = belief.log_prob(x)
        return log_r(x) + here - jnp.logaddexp(here, guided.log_prob(x)) + jnp.log(2.0)

    plain, aimed = (jax.random.split(jax.random.key(seed), PROMISE_DRAWS) for seed in (0, 1))
    values = [jax.vmap(lambda k: of(belief, k))(plain), jax.vmap(lambda k: of(guided, k))(aimed)]
    return jax.nn.logsumexp(jnp.concatenate(values)) - jnp.log(2.0 * PROMISE_DRAWS)


SHARES = (0.0, 0.03, 0.1, 0.3, 1.0)
"""Lengths tried of a step."""


def best_step(belief: Belief, log_r: Callable[[State], Array], at: State, proposed: State) -> State:
    """The best of a few points on the way of the continuous columns to a proposed x_0, by p r:
    Newton's method must not overshoot.
    """

    def moved(share: Array) -> State:
        pairs = zip(belief.parts, at, proposed, strict=True)
        return tuple(a + share * (b - a) if isinstance(p, NormalBelief) else a for p, a, b in pairs)

    points = jax.vmap(moved)(jnp.asarray(SHARES, jnp.float32))
    height = jax.vmap(lambda x: log_r(x) + belief.log_prob(x))(points)
    return jax.tree.map(lambda x: x[jnp.argmax(height)], points)
