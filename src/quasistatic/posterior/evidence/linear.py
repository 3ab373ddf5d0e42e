"""Linear-Gaussian observation of a continuous block: y = A x + e, e ~ N(0, diag(sigma^2))."""

from typing import Self

import equinox as eqx
import jax.numpy as jnp
from jax.scipy.linalg import cho_factor, cho_solve

from quasistatic.belief import Belief, NormalBelief
from quasistatic.numerics import HALF_LOG_TWO_PI, log_normal_density
from quasistatic.posterior.evidence.base import AbstractOpenEvidence
from quasistatic.typing import Array, ArrayLike, Float, State

__all__ = ["Linear"]


class Linear(AbstractOpenEvidence):
    """`r(x_0) = N(y; A x_0, diag(sigma^2))`, in the model's space.

    The guide is the Kalman update of the believed moments, of which it keeps the columns' own means
    and variances; what the evidence makes depend on each other is left to the weights. (Very small
    sigma therefore need many particles.)

    Args:
        matrix: matrix A of the observations, `[k, D]`.
        y: observed values, `[k]`.
        log_variance: log sigma^2 of each observation, `[k]`.
        block: number of the continuous block (default 0).
    """

    matrix: Float[Array, "... k D"]
    y: Float[Array, "... k"]
    log_variance: Float[Array, "... k"]
    block: int = eqx.field(static=True, default=0)

    @classmethod
    def of(cls, matrix: ArrayLike, y: ArrayLike, sigma: ArrayLike, block: int = 0) -> Self:
        """From the standard deviation sigma > 0, one or one per observation."""
        y = jnp.asarray(y, jnp.float32)
        log_variance = jnp.broadcast_to(2.0 * jnp.log(jnp.asarray(sigma, jnp.float32)), y.shape)
        return cls(jnp.asarray(matrix, jnp.float32), y, log_variance, block)

    def log_prob(self, x_0: State) -> Float[Array, ""]:
        return jnp.sum(log_normal_density(self.y, self.matrix @ x_0[self.block], self.log_variance))

    def guide(self, belief: Belief) -> Belief:
        part = belief.parts[self.block]
        assert isinstance(part, NormalBelief)
        mean, variance = part.moments()
        spread = self.matrix * variance[None, :]
        total = cho_factor(
            spread @ self.matrix.T + jnp.diag(jnp.exp(self.log_variance)), lower=True
        )
        surprise = self.y - self.matrix @ mean
        solved = cho_solve(total, surprise)
        log_det = jnp.sum(jnp.log(jnp.diagonal(total[0])))
        log_mass = -0.5 * surprise @ solved - log_det - self.y.shape[0] * HALF_LOG_TWO_PI
        left = variance - jnp.sum(spread * cho_solve(total, spread), axis=0)
        log_left = jnp.log(jnp.maximum(left, 1e-4 * variance + 1e-20))
        found = eqx.tree_at(
            lambda b: (b.mean, b.log_variance),
            part,
            (
                jnp.where(part.pinned, part.mean, mean + spread.T @ solved),
                jnp.where(part.pinned, part.log_variance, log_left),
            ),
        )
        return belief.updated(self.block, found, log_mass[None])

    def tempered(self, share: Float[Array, ""]) -> Self:
        return type(self)(self.matrix, self.y, self.log_variance - jnp.log(share), self.block)
