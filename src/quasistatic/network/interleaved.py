"""A network of planes for a discrete block, which lists the states of one column after the
other.
"""

import equinox as eqx
import jax.numpy as jnp

from quasistatic.network.base import AbstractNetwork
from quasistatic.typing import Array, Float, Key

__all__ = ["InterleavedNetwork"]


class InterleavedNetwork(AbstractNetwork):
    """Numbers `[D, K]`, column by column, as K planes of D columns for a network of planes, and its
    outputs back: in each component `[P, D]` planes as `[D, P]`, and its log-weight as it is.

    Args:
        network: network of planes, for D K features and D P outputs, or C (D P + 1).
        n_states: number K of states of a column.
        components: number C of components of a mixture that the outputs are of; 1 (default) for a
            product, without a log-weight.
    """

    network: AbstractNetwork
    n_states: int = eqx.field(static=True)
    components: int = eqx.field(static=True)

    def __init__(self, network: AbstractNetwork, n_states: int, *, components: int = 1) -> None:
        self.network, self.n_states, self.components = network, n_states, components

    @property
    def n_features(self) -> int:
        return self.network.n_features

    @property
    def n_outputs(self) -> int:
        return self.network.n_outputs

    def __call__(
        self, features: Float[Array, " F"], time: Float[Array, ""], *, key: Key | None = None
    ) -> Float[Array, " P"]:
        planes = features.reshape(-1, self.n_states).T
        found = self.network(planes.reshape(-1), time, key=key).reshape(self.components, -1)
        end = found.shape[1] - (self.components > 1)
        each = found[:, :end].reshape(self.components, -1, planes.shape[1]).swapaxes(1, 2)
        each = each.reshape(self.components, -1)
        return jnp.concatenate([each, found[:, end:]], axis=1).reshape(-1)
