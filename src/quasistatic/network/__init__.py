"""Networks know sizes, never probabilities."""

from quasistatic.network.base import AbstractNetwork
from quasistatic.network.mlp import ResidualMLP
from quasistatic.network.retimed import RetimedNetwork

__all__ = ["AbstractNetwork", "ResidualMLP", "RetimedNetwork"]
