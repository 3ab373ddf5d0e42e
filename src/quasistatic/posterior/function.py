"""Any function log r(x_0), written in JAX, with a gradient or without."""

from collections.abc import Callable
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.numerics import LOG_ZERO
from quasistatic.posterior.belief import (
    Belief,
    NormalBelief,
    StateBelief,
    best_step,
    log_expectation,
)
from quasistatic.posterior.evidence import AbstractOpenEvidence
from quasistatic.typing import Array, Float, State

EXPANSIONS = 3
"""Times that r is expanded: about the believed x_0, and about what each expansion makes of it
(Newton's method)."""


class Function(AbstractOpenEvidence):
    """A user's log r. It sees one whole row x_0; observed cells have their values, those of a
    rounded column the middle.

    With `guided`, the belief is multiplied with what a small change of each column does to r at the
    believed x_0: for a continuous column the expansion to second order (the paper's mean shift
    `f_mu + f_Sigma d log r/dx`, held back where log r bends down), for a discrete one `log r` with
    the column in each of its states. Without, r only weighs. Promises are averages of r over a few
    draws of the belief. NaN counts as r = 0.

    Args:
        log_r: of a state x_0, to a scalar, nats.
        guided: use gradient and single changes.
        share: exponent of r.
    """

    log_r: Callable[[State], Array] = eqx.field(static=True)
    guided: bool = eqx.field(static=True, default=True)
    share: Float[Array, ""] | None = None

    def log_prob(self, x_0: State) -> Float[Array, ""]:
        value = jnp.asarray(self.log_r(x_0), jnp.float32).reshape(())
        value = jnp.where(jnp.isnan(value), LOG_ZERO, jnp.maximum(value, LOG_ZERO))
        return value if self.share is None else self.share * value

    def guide(self, belief: Belief) -> Belief:
        found, at = belief, belief.best()
        for _ in range(EXPANSIONS if self.guided else 0):
            at = best_step(belief, self.log_prob, at, found.best())
            found = belief
            for i, part in enumerate(belief.parts):
                if isinstance(part, NormalBelief):
                    changed = self._bent(i, part, at)
                else:
                    changed = self._switched(i, part, at)
                found = found.updated(i, changed, jnp.zeros(1))
        return found.updated(0, found.parts[0], log_expectation(belief, found, self.log_prob)[None])

    def _bent(self, i: int, part: NormalBelief, at: State) -> NormalBelief:
        def of_block(x: Array) -> Array:
            return self.log_prob((*at[:i], x, *at[i + 1 :]))

        slope = jax.grad(of_block)
        gradient = _finite(slope(at[i]))
        basis = jnp.eye(at[i].shape[0])
        hessian = jax.vmap(lambda e: jnp.sum(jax.jvp(slope, (at[i],), (e,))[1] * e))(basis)
        return part.expanded(at[i], gradient, jnp.maximum(-_finite(hessian), 0.0))

    def _switched(self, i: int, part: StateBelief, at: State) -> StateBelief:
        n_columns, n_states = part.log_probs.shape

        def with_state(d: Array, k: Array) -> Array:
            x = at[i].at[d].set(k)
            return self.log_prob((*at[:i], x, *at[i + 1 :]))

        columns, states = jnp.arange(n_columns), jnp.arange(n_states, dtype=jnp.int32)
        log_r = jax.vmap(lambda d: jax.vmap(lambda k: with_state(d, k))(states))(columns)
        log_r = log_r - jnp.max(log_r, axis=-1, keepdims=True)
        # Never to 0: a state that r forbids beside the others' present states may be right when
        # those change.
        return part.times(jnp.maximum(log_r, -10.0))[0]

    def tempered(self, share: Float[Array, ""]) -> Self:
        return type(self)(
            self.log_r, self.guided, share if self.share is None else share * self.share
        )


def _finite(x: Array) -> Array:
    return jnp.where(jnp.isfinite(x), x, 0.0)
