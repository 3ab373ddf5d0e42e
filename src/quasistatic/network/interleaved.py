"""A network of planes for a discrete block, which lists the states of one column after the
other.
"""

import equinox as eqx

from quasistatic.network.base import AbstractNetwork
from quasistatic.typing import Array, Float, Key

__all__ = ["InterleavedNetwork"]


class InterleavedNetwork(AbstractNetwork):
    """Numbers `[D, K]`, column by column, as K planes of D columns for a network of planes, and its
    outputs back.

    Args:
        network: network of planes, for D K features and D K outputs.
        n_states: number K of states of a column.
    """

    network: AbstractNetwork
    n_states: int = eqx.field(static=True)

    def __init__(self, network: AbstractNetwork, n_states: int) -> None:
        self.network, self.n_states = network, n_states

    @property
    def n_features(self) -> int:
        return self.network.n_features

    @property
    def n_outputs(self) -> int:
        return self.network.n_outputs

    def __call__(
        self, features: Float[Array, " F"], time: Float[Array, ""], *, key: Key | None = None
    ) -> Float[Array, " P"]:
        planes = features.reshape(-1, self.n_states).T.reshape(-1)
        return self.network(planes, time, key=key).reshape(self.n_states, -1).T.reshape(-1)
