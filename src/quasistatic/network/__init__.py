"""Networks know sizes, never probabilities."""

from quasistatic.network.base import AbstractNetwork
from quasistatic.network.ensemble import ConcatenatedNetwork, EnsembleNetwork
from quasistatic.network.interleaved import InterleavedNetwork
from quasistatic.network.mlp import ResidualMLP
from quasistatic.network.multiscale import MultiscaleNetwork
from quasistatic.network.rbf import RBFNetwork
from quasistatic.network.retimed import RetimedNetwork
from quasistatic.network.stepwise import StepwisePerceptron
from quasistatic.network.unet import UNet
from quasistatic.network.zero import ZeroNetwork

__all__ = [
    "AbstractNetwork",
    "ConcatenatedNetwork",
    "EnsembleNetwork",
    "InterleavedNetwork",
    "MultiscaleNetwork",
    "RBFNetwork",
    "ResidualMLP",
    "RetimedNetwork",
    "StepwisePerceptron",
    "UNet",
    "ZeroNetwork",
]
