"""Networks know sizes, never probabilities."""

from quasistatic.network.base import AbstractNetwork
from quasistatic.network.mlp import ResidualMLP

__all__ = ["AbstractNetwork", "ResidualMLP"]
