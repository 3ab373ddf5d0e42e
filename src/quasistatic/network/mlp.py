"""The network for tables: a residual multi-layer perceptron, normalised, modulated by the time."""

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.network._embed import TIME_FEATURES, time_embedding
from quasistatic.network._linear import linear, random_linear, zero_linear
from quasistatic.network.base import AbstractNetwork
from quasistatic.network.components import ComponentReadout
from quasistatic.typing import Array, Float, Key, UInt8

__all__ = ["Block", "ResidualMLP", "dropout", "normalise"]


_RANK = 32
"""Units that each component of a mixture has to itself."""


def normalise(h: Float[Array, " width"]) -> Float[Array, " width"]:
    """Zero mean, unit variance over the units (layer normalisation; the modulation supplies scale
    and shift).
    """
    centred = h - jnp.mean(h)
    return centred * jax.lax.rsqrt(jnp.mean(jnp.square(centred)) + 1e-6)


def dropout(
    h: Float[Array, " width"], threshold: UInt8[Array, ""] | None, key: Key | None
) -> Float[Array, " width"]:
    """Zero each unit with probability `threshold / 256` (four units share one 32-bit random word)
    and rescale the rest.
    """
    if key is None or threshold is None:
        return h
    words = jax.random.bits(key, (-(-h.shape[0] // 4),), jnp.uint32)
    noise = jax.lax.bitcast_convert_type(words, jnp.uint8).reshape(-1)[: h.shape[0]]
    return jnp.where(noise >= threshold, h * (256.0 / (256.0 - threshold.astype(h.dtype))), 0.0)


class Block(eqx.Module):
    """`h + W2 dropout(silu(W1 modulated(h)))`, where modulated(h) = normalised(h) (1 + scale(t)) +
    shift(t).
    """

    modulation: eqx.nn.Linear
    expand: eqx.nn.Linear
    contract: eqx.nn.Linear

    def __init__(self, width: int, *, key: Key) -> None:
        k1, k2 = jax.random.split(key)
        self.modulation = zero_linear(TIME_FEATURES, 2 * width)
        self.expand = random_linear(width, 2 * width, key=k1)
        self.contract = random_linear(2 * width, width, key=k2)

    def __call__(
        self,
        h: Float[Array, " width"],
        time: Float[Array, " embedding"],
        threshold: UInt8[Array, ""] | None,
        key: Key | None,
    ) -> Float[Array, " width"]:
        scale, shift = jnp.split(self.modulation(time), 2)
        hidden = jax.nn.silu(self.expand(normalise(h) * (1.0 + scale) + shift))
        return h + self.contract(dropout(hidden, threshold, key))


class ResidualMLP(AbstractNetwork):
    """A residual perceptron.

    The first layer is the embedding of the columns: a vector per continuous column and per state of
    a discrete one, summed.

    Args:
        n_features: length of the input.
        n_outputs: length of the output.
        width: width of the residual stream (default 256); each block's hidden layer is twice as
            wide.
        depth: number of residual blocks (default 2).
        dropout_rate: dropout rate of the hidden layers, a multiple of 1/256 (default 0).
        silent: slice of the features whose weights start at 0: they are heard as far as the
            training finds them worth it (default: none).
        components: number of components of a mixture that the outputs are of
            (`components.ComponentReadout`); 1 (default) for a product.
        rank: number of units that each component has to itself (default 32).
        key: random key of the initial weights.
    """

    embed: eqx.nn.Linear
    blocks: tuple[Block, ...]
    readout: eqx.nn.Linear | ComponentReadout
    n_features: int = eqx.field(static=True)
    n_outputs: int = eqx.field(static=True)
    dropout_threshold: (
        UInt8[Array, ""] | None
    )  # an array: networks that differ in it share their compiled programs

    def __init__(
        self,
        n_features: int,
        n_outputs: int,
        *,
        width: int = 256,
        depth: int = 2,
        dropout_rate: float = 0.0,
        silent: slice = slice(0, 0),
        components: int = 1,
        rank: int = _RANK,
        key: Key,
    ) -> None:
        first, *rest = jax.random.split(key, depth + 1)
        self.embed = _partly_deaf(n_features, width, silent, key=first)
        self.blocks = tuple(Block(width, key=k) for k in rest)
        self.readout = (
            ComponentReadout(width, n_outputs, components, rank, key=jax.random.fold_in(first, 1))
            if components > 1
            else zero_linear(width, n_outputs)
        )
        self.n_features, self.n_outputs = n_features, n_outputs
        threshold = min(round(256 * dropout_rate), 255)
        self.dropout_threshold = jnp.asarray(threshold, jnp.uint8) if threshold else None

    def __call__(
        self, features: Float[Array, " F"], time: Float[Array, ""], *, key: Key | None = None
    ) -> Float[Array, " P"]:
        keys = [None] * len(self.blocks) if key is None else jax.random.split(key, len(self.blocks))
        embedding = time_embedding(time)
        h = self.embed(features)
        for block, k in zip(self.blocks, keys, strict=True):
            h = block(h, embedding, self.dropout_threshold, k)
        return self.readout(normalise(h))


def _partly_deaf(n_in: int, n_out: int, silent: slice, *, key: Key) -> eqx.nn.Linear:
    """A random layer of the other inputs, which are the same whatever is silent."""
    n = silent.stop - silent.start
    layer = random_linear(n_in - n, n_out, key=key)
    if n == 0:
        return layer
    before, after = layer.weight[:, : silent.start], layer.weight[:, silent.start :]
    return linear(jnp.concatenate([before, jnp.zeros((n_out, n)), after], axis=1))
