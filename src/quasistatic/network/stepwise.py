"""A readout of its own for every step of the trajectory, and the paper's perceptron that has one
(appendix D.1).
"""

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.network._linear import random_linear
from quasistatic.network.base import AbstractNetwork
from quasistatic.typing import Array, Float, Key

__all__ = ["StepReadout", "StepwisePerceptron"]


class StepReadout(eqx.Module):
    """`W_t h + b_t`, all 0 at the start; t is the step nearest to `time * T`.

    Args:
        trajectory_length: number of steps T.
        n_hidden: length of the hidden vector h.
        n_outputs: length of the output.
    """

    weight: Float[Array, "T P hidden"]
    bias: Float[Array, "T P"]

    def __init__(self, trajectory_length: int, n_hidden: int, n_outputs: int) -> None:
        self.weight = jnp.zeros((trajectory_length, n_outputs, n_hidden))
        self.bias = jnp.zeros((trajectory_length, n_outputs))

    def __call__(self, h: Float[Array, " hidden"], time: Float[Array, ""]) -> Float[Array, " P"]:
        n_steps = self.bias.shape[0]
        index = jnp.clip(jnp.round(time * n_steps).astype(jnp.int32), 1, n_steps) - 1
        return self.weight[index] @ h + self.bias[index]


class StepwisePerceptron(AbstractNetwork):
    """Sigmoid layers that all steps share, then a linear readout for each step (binary heartbeat:
    20-50-50-50).

    Args:
        n_features: length of the input.
        n_outputs: length of the output.
        trajectory_length: number of steps T.
        width: number of units of each hidden layer (default 50).
        depth: number of hidden layers (default 3).
        key: random key of the initial weights.
    """

    layers: tuple[eqx.nn.Linear, ...]
    readout: StepReadout
    n_features: int = eqx.field(static=True)
    n_outputs: int = eqx.field(static=True)

    def __init__(
        self,
        n_features: int,
        n_outputs: int,
        *,
        trajectory_length: int,
        width: int = 50,
        depth: int = 3,
        key: Key,
    ) -> None:
        sizes = (n_features, *(width,) * depth)
        keys = jax.random.split(key, depth)
        # A sigmoid's slope is 1/4 at most: weights four times the usual ones keep the spread of the
        # units through the layers.
        self.layers = tuple(
            random_linear(a, b, scale=4.0, key=k)
            for a, b, k in zip(sizes[:-1], sizes[1:], keys, strict=True)
        )
        self.readout = StepReadout(trajectory_length, width, n_outputs)
        self.n_features, self.n_outputs = n_features, n_outputs

    def __call__(
        self, features: Float[Array, " F"], time: Float[Array, ""], *, key: Key | None = None
    ) -> Float[Array, " P"]:
        h = features
        for layer in self.layers:
            h = jax.nn.sigmoid(layer(h)) - 0.5
        return self.readout(h, time)
