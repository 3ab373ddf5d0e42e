r"""Minimum probability flow: as little probability as possible flows out of the data at once.

A master equation with detailed balance under p, between rows that differ in one bit, starts at the
data. The probability that leaves data row x for x with bit i flipped is, per unit of time,

    sqrt(phi(x flipped) / phi(x)) = exp(-r_i / 2),   r_i = log phi(x) - log phi(x flipped),

and the loss of a row is the sum over its bits. (The method leaves out flows between two rows of the
data; with 2^D states they are rare, and left in here they change no gradient at the truth.) Z drops
out, the loss of a Boltzmann machine is convex, and under the data's own p its gradient is 0: flows
in both directions are equal. What it cannot do: see far. A mode that no single flips lead to is
invisible. Source: Sohl-Dickstein, Battaglino and DeWeese (ICML 2011), equation (12).

Any symmetric choice of neighbours has these properties. With the row of opposite bits as one more
(`loss_with_opposite`, an extension in the authors' program), spin glasses whose rows come with
their opposites have the weights of the two halves right.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from quasistatic.rivals.energy import AbstractBinaryEnergy, flip_log_ratios
from quasistatic.rivals.learning import Learned, fit_rows
from quasistatic.typing import Array, Float

__all__ = ["fit", "loss", "loss_with_opposite"]


def loss(energy: AbstractBinaryEnergy, x: Float[Array, " D"]) -> Float[Array, ""]:
    """The flow of probability out of a row."""
    return jnp.sum(jnp.exp(-0.5 * flip_log_ratios(energy, x)))


def loss_with_opposite(energy: AbstractBinaryEnergy, x: Float[Array, " D"]) -> Float[Array, ""]:
    """The flow out of a row, to the row of opposite bits too."""
    return loss(energy, x) + jnp.exp(0.5 * (energy.log_weight(1.0 - x) - energy.log_weight(x)))


def fit(
    start: AbstractBinaryEnergy, rows: np.ndarray, *, opposite: bool = False, **settings: Any
) -> Learned:
    """The energy of the least flow.

    Args:
        start: energy to begin with.
        rows: bits, `[N, D]`.
        opposite: whether the row of opposite bits is a neighbour too (default False).
        settings: settings of `fit_rows`: l1, l2, steps.
    """
    return fit_rows(loss_with_opposite if opposite else loss, start, rows, **settings)
