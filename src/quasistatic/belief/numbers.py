"""Belief of continuous columns: a normal distribution each, cut to an interval or pinned to a
cell.
"""

from collections.abc import Callable
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.belief.base import AbstractBelief
from quasistatic.data.cells import Cells
from quasistatic.distribution.interval import FARTHEST, log_normal_range, sample_normal_range
from quasistatic.numerics import LOG_ZERO, log_normal_density, log_normal_interval
from quasistatic.typing import Array, Bool, Float, Key

__all__ = ["NormalBelief"]

_TINY = 1e-30


class NormalBelief(AbstractBelief):
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
    def of(
        cls,
        mean: Float[Array, " D"],
        log_variance: Float[Array, " D"],
        low: Float[Array, " D"] | None = None,
        high: Float[Array, " D"] | None = None,
    ) -> Self:
        """A belief without evidence; of columns without limits where `low` or `high` is None."""
        edge, zeros = jnp.full(mean.shape, jnp.inf), jnp.zeros(mean.shape)
        low, high = -edge if low is None else low, edge if high is None else high
        return cls(mean, log_variance, low, high, jnp.zeros(mean.shape, bool), zeros, zeros)

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
        drawn = sample_normal_range(self.low, self.high, self.mean, self.log_variance, key=key)
        scale = jnp.exp(0.5 * self.log_variance)
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

    def times_curve(
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

    def expand(self, log_r: Callable[[Array], Array], at: Float[Array, " D"]) -> Self:
        """Times the expansion of log r to second order, held back where it bends down."""
        slope = jax.grad(log_r)
        gradient = _finite(slope(at))
        basis = jnp.eye(at.shape[0])
        hessian = jax.vmap(lambda e: jnp.sum(jax.jvp(slope, (at,), (e,))[1] * e))(basis)
        return self.times_curve(at, gradient, jnp.maximum(-_finite(hessian), 0.0))

    def observe(self, cells: Cells) -> tuple[Self, Float[Array, " D"]]:
        assert cells.width is not None  # that of a density is 0
        return self.pin(cells.observed, cells.value, cells.width)

    def between(
        self, at: Float[Array, " D"], proposed: Float[Array, " D"], share: Float[Array, ""]
    ) -> Float[Array, " D"]:
        return at + share * (proposed - at)

    def merged(self, weights: Float[Array, " C"]) -> Self:
        """A column that is cut or pinned is so in all of them alike; its limits are the first's."""
        mean, variance = jax.vmap(type(self).moments)(self)
        middle = weights @ mean
        total = weights @ (variance + jnp.square(mean - middle))
        first = jax.tree.map(lambda x: x[0], self)
        free = ~first.pinned
        return eqx.tree_at(
            lambda b: (b.mean, b.log_variance),
            first,
            (
                jnp.where(free, middle, first.mean),
                jnp.where(free, jnp.log(jnp.maximum(total, _TINY)), first.log_variance),
            ),
        )

    def best(self) -> Float[Array, " D"]:
        """The mean."""
        return self.moments()[0]


def _finite(x: Array) -> Array:
    return jnp.where(jnp.isfinite(x), x, 0.0)
