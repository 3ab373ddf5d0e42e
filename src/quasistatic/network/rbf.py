r"""The paper's network for the Swiss roll: normalised radial basis functions with a readout per
step (appendix D.1.1).
"""

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.network.base import AbstractNetwork
from quasistatic.network.stepwise import StepReadout
from quasistatic.typing import Array, Float, Key

__all__ = ["RBFNetwork"]


class RBFNetwork(AbstractNetwork):
    r"""`W_t phi(x) + b_t` with `phi_i = exp(-|x - c_i|^2 / 2 w_i^2) / sum_j exp(-|x - c_j|^2 / 2
    w_j^2)`.

    The centres and widths are shared by all steps.

    Args:
        n_features: length of the input.
        n_outputs: length of the output.
        trajectory_length: number of steps T.
        units: number of basis functions (default 16).
        key: random key of the centres, which are drawn from N(0, 1), as standardised data are; the
            widths start at 1.
    """

    centres: Float[Array, "units F"]
    log_widths: Float[Array, " units"]
    readout: StepReadout
    n_features: int = eqx.field(static=True)
    n_outputs: int = eqx.field(static=True)

    def __init__(
        self, n_features: int, n_outputs: int, *, trajectory_length: int, units: int = 16, key: Key
    ) -> None:
        self.centres = jax.random.normal(key, (units, n_features))
        self.log_widths = jnp.zeros(units)
        self.readout = StepReadout(trajectory_length, units, n_outputs)
        self.n_features, self.n_outputs = n_features, n_outputs

    def __call__(
        self, features: Float[Array, " F"], time: Float[Array, ""], *, key: Key | None = None
    ) -> Float[Array, " P"]:
        squared = jnp.sum(jnp.square(self.centres - features[None]), axis=-1)
        return self.readout(jax.nn.softmax(-0.5 * squared * jnp.exp(-2.0 * self.log_widths)), time)
