r"""Ratio matching: what score matching becomes for bits.

Score matching compares d log p / dx, and bits have no derivative: a difference quotient over a flip
is all there is. The ratios p(x) / p(x flipped) need no Z either, and squashed by g(u) = 1 / (1 + u)
they are probabilities. Matching them to the data's in the mean square gives, with the data's own
ratios integrated out by the same trick as in score matching,

    loss(x) = sum_i g(phi(x) / phi(x flipped))^2 = sum_i (1 - p(x_i | x_-i))^2
            = sum_i sigmoid(-r_i)^2:

Brier's score of the conditionals where pseudolikelihood has the logarithmic one. It is bounded, so
rare rows weigh less, and not convex. Source: Hyvaerinen (2007), Some extensions of score matching.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.rivals.energy import AbstractBinaryEnergy, flip_log_ratios
from quasistatic.rivals.learning import Learned, fit_rows
from quasistatic.typing import Array, Float

__all__ = ["fit", "loss"]


def loss(energy: AbstractBinaryEnergy, x: Float[Array, " D"]) -> Float[Array, ""]:
    """Brier's score of the bits given the others."""
    return jnp.sum(jnp.square(jax.nn.sigmoid(-flip_log_ratios(energy, x))))


def fit(start: AbstractBinaryEnergy, rows: np.ndarray, **settings: Any) -> Learned:
    """The energy whose ratios match.

    Args:
        start: energy to begin with.
        rows: bits, `[N, D]`.
        settings: settings of `fit_rows`: l1, l2, steps.
    """
    return fit_rows(loss, start, rows, **settings)
