"""Numbers of a row within limits: linear forms of several columns, whatever they are made from."""

from collections.abc import Callable
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.belief import Belief, NormalBelief
from quasistatic.numerics import LOG_ZERO
from quasistatic.posterior.evidence.base import AbstractOpenEvidence
from quasistatic.typing import Array, Float, State

__all__ = ["Within"]

_FARTHEST = 15.0
"""Where the search for the pivot's limits begins, in the model's space: beyond it lies nothing that
a table of 64 bits could hold."""
_HALVINGS = 30
_LEAST_SPREAD = 1e-6
"""Of a number that the believed columns do not move, in units of its scale."""


class Within(AbstractOpenEvidence):
    """`r(x_0) = 1` where every number lies within its limits, 0 elsewhere.

    The guide takes the numbers as linear in the believed columns, by secants over one standard
    deviation to either side: each is normal then, and within its limits has another mean and
    variance, which the columns are updated with as by an observation.

    Where a `pivot` is given, a column of the first block in which every number is monotone, the
    last step draws the other columns, and the pivot within the limits that they leave it
    (`posterior.walks`).

    Args:
        numbers: function of a state, and of whether columns are rounded to their lattice, to the R
            numbers.
        low: lower limits, `[R]`, minus infinity for none.
        high: upper limits, `[R]`, infinity for none.
        scale: distances beyond the limits at which the guide of states falls, `[R]`.
        pivot: number of the column for which the last step solves; None (default) for none.
    """

    numbers: Callable[[State, bool], Array] = eqx.field(static=True)
    low: Float[Array, "... R"]
    high: Float[Array, "... R"]
    scale: Float[Array, "... R"]
    pivot: int | None = eqx.field(static=True, default=None)

    def log_prob(self, x_0: State) -> Float[Array, ""]:
        numbers = self.numbers(x_0, True)
        return jnp.where(jnp.all((numbers >= self.low) & (numbers <= self.high)), 0.0, LOG_ZERO)

    def guide(self, belief: Belief) -> Belief:
        at, found, log_mass = belief.best(), belief, jnp.zeros(())
        for i, part in enumerate(belief.parts):
            if isinstance(part, NormalBelief):
                part, gain = self._narrowed(part, at, i)
                log_mass = log_mass + gain
            else:
                part = part.expand(self._of_block(i, at), at[i])
            found = found.updated(i, part, jnp.zeros(1))
        return found.weighted(log_mass)

    def _narrowed(
        self, part: NormalBelief, at: State, block: int
    ) -> tuple[NormalBelief, Float[Array, ""]]:
        """The belief of a block of numbers given each of the limits in turn, and the log-mass."""
        mean, variance = part.moments()
        spread = jnp.sqrt(variance)

        def number(x: Array) -> Array:
            return self.numbers((*at[:block], x, *at[block + 1 :]), False)

        ends = jax.vmap(lambda step: jnp.stack([number(mean + step), number(mean - step)]))(
            jnp.diag(spread)
        )
        # Of one standard deviation, [D, R]; a curve lifts the mean of what it maps.
        slope = 0.5 * (ends[:, 0] - ends[:, 1])
        middle = number(mean)
        middle = middle + jnp.sum(0.5 * (ends[:, 0] + ends[:, 1]) - middle[None], axis=0)
        shift, left, log_mass = jnp.zeros_like(mean), jnp.ones_like(mean), jnp.zeros(())
        for r in range(self.low.shape[-1]):
            total = jnp.sum(jnp.square(slope[:, r]) * left) + (_LEAST_SPREAD * self.scale[r]) ** 2
            of_number = middle[r] + jnp.sum(slope[:, r] * shift)
            cut = NormalBelief.of(
                of_number[None], jnp.log(total)[None], self.low[r, None], self.high[r, None]
            )
            (cut_mean,), (cut_variance,) = cut.moments()
            log_mass = log_mass + cut.log_inside()[0]
            gain = slope[:, r] * left / total
            shift = shift + gain * (cut_mean - of_number)
            left = left - jnp.square(gain) * jnp.maximum(total - cut_variance, 0.0)
            left = jnp.maximum(left, 1e-4)
        # What is guided keeps the limits and the cells of the belief.
        moved = jnp.where(part.pinned, part.mean, mean + spread * shift)
        log_left = part.log_variance + jnp.log(left)
        narrowed = eqx.tree_at(
            lambda b: (b.mean, b.log_variance),
            part,
            (moved, jnp.where(part.pinned, part.log_variance, log_left)),
        )
        return narrowed, log_mass

    def _smooth(self, x_0: State) -> Float[Array, ""]:
        numbers = self.numbers(x_0, False)
        beyond = jnp.maximum(self.low - numbers, 0.0) + jnp.maximum(numbers - self.high, 0.0)
        return jnp.maximum(-0.5 * jnp.sum(jnp.square(beyond / self.scale)), LOG_ZERO)

    def _of_block(self, i: int, at: State) -> Callable[[Array], Array]:
        """The guide's log r of the state of block i, the other blocks where they are."""
        return lambda x: self._smooth((*at[:i], x, *at[i + 1 :]))

    def reach(self, x_0: State) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """The limits of the pivot's z within which all numbers lie within theirs, where the other
        columns are those of a state; an empty interval where there is none.

        Bisection: the numbers, rounded, are monotone steps of the pivot.

        Args:
            x_0: state of a row.
        """
        assert self.pivot is not None

        def numbers(z: Array) -> Array:
            return self.numbers((x_0[0].at[self.pivot].set(z), *x_0[1:]), True)

        first, last = numbers(jnp.asarray(-_FARTHEST)), numbers(jnp.asarray(_FARTHEST))
        rises = last >= first
        below, above = jnp.where(rises, first, -first), jnp.where(rises, last, -last)
        low = jnp.where(rises, self.low, -self.high)
        high = jnp.where(rises, self.high, -self.low)

        def halve(ends: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], None]:
            """The lower limit lies between the first two rows, the upper between the others."""
            outer, inner = ends
            middle = 0.5 * (outer + inner)
            each = jax.vmap(jax.vmap(numbers))(middle)
            value = jnp.stack([jnp.diagonal(each[0]), jnp.diagonal(each[1])])
            value = jnp.where(rises[None], value, -value)
            inside = jnp.stack([value[0] >= low, value[1] <= high])
            return (jnp.where(inside, outer, middle), jnp.where(inside, middle, inner)), None

        n = jnp.full(self.low.shape, _FARTHEST)
        start = jnp.stack([-n, n]), jnp.stack([n, -n])
        (_, (lower, upper)), _ = jax.lax.scan(halve, start, None, length=_HALVINGS)
        lower = jnp.where(below >= low, -jnp.inf, jnp.where(above < low, jnp.inf, lower))
        upper = jnp.where(above <= high, jnp.inf, jnp.where(below > high, -jnp.inf, upper))
        return jnp.max(lower), jnp.min(upper)

    def tempered(self, share: Float[Array, ""]) -> Self:
        return self
