r"""Pseudolikelihood: every bit predicted from the others, all conditionals at once.

    loss(x) = -sum_i log p(x_i | x_-i) = sum_i softplus(-r_i),
    r_i = log phi(x) - log phi(x with bit i flipped)            (`energy.flip_log_ratios`).

Z drops out of every conditional. The minimum is consistent: with ever more rows it finds the truth,
if the truth is an energy of this form. For a Boltzmann machine it is convex, and D logistic
regressions whose coefficients w_ij and w_ji are tied. What it cannot do: a row is never asked
whether it is likely *as a whole*. Source: Besag (1975); Hyvaerinen (2006).
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
    """Minus the log-pseudolikelihood of a row, nats."""
    return jnp.sum(jax.nn.softplus(-flip_log_ratios(energy, x)))


def fit(start: AbstractBinaryEnergy, rows: np.ndarray, **settings: Any) -> Learned:
    """The energy of the largest pseudolikelihood.

    Args:
        start: energy to begin with.
        rows: bits, `[N, D]`.
        settings: settings of `fit_rows`: l1, l2, steps.
    """
    return fit_rows(loss, start, rows, **settings)
