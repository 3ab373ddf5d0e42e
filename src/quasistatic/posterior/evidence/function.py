"""Any function log r(x_0), written in JAX, with a gradient or without."""

from collections.abc import Callable
from typing import Self

import equinox as eqx
import jax.numpy as jnp

from quasistatic.belief import Belief
from quasistatic.numerics import LOG_ZERO
from quasistatic.posterior.evidence._expansion import EXPANSIONS, guide_by_expansion
from quasistatic.posterior.evidence.base import AbstractOpenEvidence
from quasistatic.typing import Array, Float, State

__all__ = ["Function"]


class Function(AbstractOpenEvidence):
    """A user's log r. It sees one whole row x_0; observed cells have their values, those of a
    rounded column the middle.

    With `guided`, the belief is multiplied with what a small change of each column does to r at the
    believed x_0: for a continuous column the expansion to second order (the paper's mean shift
    `f_mu + f_Sigma d log r/dx`, held back where log r bends down), for a discrete one `log r` with
    the column in each of its states. Without, r only weighs. Twists are averages of r over a few
    draws of the belief. NaN counts as r = 0.

    Args:
        log_r: function of a state x_0 (a tuple with one array [D] per block) to a scalar, nats.
        guided: whether gradient and single changes of log_r guide the particles (default True).
        share: exponent of r (default None: 1).
    """

    log_r: Callable[[State], Array] = eqx.field(static=True)
    guided: bool = eqx.field(static=True, default=True)
    share: Float[Array, ""] | None = None

    def log_prob(self, x_0: State) -> Float[Array, ""]:
        value = jnp.asarray(self.log_r(x_0), jnp.float32).reshape(())
        value = jnp.where(jnp.isnan(value), LOG_ZERO, jnp.maximum(value, LOG_ZERO))
        return value if self.share is None else self.share * value

    def guide(self, belief: Belief) -> Belief:
        def times_about(at: State) -> Belief:
            found = belief
            for i, part in enumerate(belief.parts):
                found = found.updated(i, part.expand(self._of_block(i, at), at[i]), jnp.zeros(1))
            return found

        expansions = EXPANSIONS if self.guided else 0
        return guide_by_expansion(belief, self.log_prob, times_about, expansions=expansions)

    def _of_block(self, i: int, at: State) -> Callable[[Array], Array]:
        """log r of the state of block i, the other blocks where they are."""
        return lambda x: self.log_prob((*at[:i], x, *at[i + 1 :]))

    def tempered(self, share: Float[Array, ""]) -> Self:
        return type(self)(
            self.log_r, self.guided, share if self.share is None else share * self.share
        )
