"""From a table's codec and a configuration to a model that has learned nothing yet: the independent
model of its columns.
"""

import math
from collections.abc import Sequence

import equinox as eqx
import jax
import numpy as np

from quasistatic.config import DISCRETE_KERNELS, ModelConfig, found_at
from quasistatic.distribution import AbstractDistribution, Mixture, Normal, Product
from quasistatic.forward import (
    AbstractDiffusion,
    AbstractSchedule,
    GaussianDiffusion,
    LearnedSchedule,
    ProductDiffusion,
    cosine_schedule,
    linear_schedule,
)
from quasistatic.forward.absorbing import paired
from quasistatic.forward.gaussian import NO_LIMIT
from quasistatic.model import DiffusionModel, ensemble, n_outputs
from quasistatic.network import (
    AbstractNetwork,
    InterleavedNetwork,
    ResidualMLP,
    UNet,
    ZeroNetwork,
)
from quasistatic.network.unet import PIXEL_PLANES
from quasistatic.typing import Key

__all__ = ["assemble", "finest_noise", "independent_start", "process_of", "skeleton"]

_DENSITY_NOISE = 0.02
"""First guess of the noise at t = 1 for a column with a density, in standard deviations; learned
from there."""


def assemble(
    config: ModelConfig,
    typical_width: np.ndarray,
    marginals: Sequence[np.ndarray],
    start: Mixture | None = None,
    *,
    limits: np.ndarray | None = None,
    key: Key,
) -> DiffusionModel:
    """The model of a mixed row: a Gaussian block, then a discrete one.

    Args:
        config: settings of the model that is built.
        typical_width: float `[Dc]`, median z-width of each continuous column's cells, 0 for a
            density (`Codec.typical_width`).
        marginals: state frequencies of each discrete column (`Codec.marginals`).
        start: mixture of `config.components` products that the network departs from; None (default)
            is so many times `independent_start`.
        limits: limits of the continuous columns' z, `[2, Dc]`, infinite for none
            (`Codec.limits`); None (default) where no column has any.
        key: random key of the network's initial weights.
    """
    forward = process_of(config, typical_width, marginals, limits)
    start = independent_start(forward, config.components) if start is None else start
    network = _network if config.model == "mixture" else _drawn_network  # it has no weights
    # The first member has the weights that it would have alone.
    keys = [key, *(jax.random.fold_in(key, i) for i in range(1, config.members))]
    return ensemble([DiffusionModel(forward, network(config, forward, key=k), start) for k in keys])


def independent_start(forward: ProductDiffusion, n: int) -> Mixture | None:
    """The mixture of n equal products, independent columns: its components part while training.
    None for n = 1, where the reverse kernel is a product.

    Args:
        forward: process of the model.
        n: number of components.
    """
    if n == 1:
        return None
    once = Product(tuple(_whole(part) for part in forward.independent().parts))
    copies = jax.tree.map(lambda x: jax.device_put(np.broadcast_to(x, (n, *x.shape))), once)
    return Mixture(jax.device_put(np.full(n, -math.log(n), np.float32)), copies)


def _whole(part: AbstractDistribution) -> AbstractDistribution:
    """Without limits: the last step of the reversal has them, not the mixture that it departs
    from.
    """
    return Normal(part.mean, part.log_variance) if isinstance(part, Normal) else part


def skeleton(
    config: ModelConfig,
    typical_width: np.ndarray,
    marginals: Sequence[np.ndarray],
    limits: np.ndarray | None = None,
) -> DiffusionModel:
    """The model with a network of zeros, to be replaced by stored weights: nothing is drawn, so
    nothing is compiled. Arguments are those of `assemble`.
    """
    forward = process_of(config, typical_width, marginals, limits)
    shape = eqx.filter_eval_shape(_network, config, forward, key=jax.random.key(0))
    zeros = jax.tree.map(
        lambda x: np.zeros(x.shape, x.dtype) if isinstance(x, jax.ShapeDtypeStruct) else x, shape
    )
    model = DiffusionModel(forward, zeros, independent_start(forward, config.components))
    return ensemble([model] * config.members)


def _network(config: ModelConfig, forward: ProductDiffusion, *, key: Key) -> AbstractNetwork:
    sizes = forward.n_features, n_outputs(forward, config.components)
    first = forward.blocks[0]
    if config.model == "mixture":
        return ZeroNetwork(*sizes)
    if config.image is None:
        return ResidualMLP(
            *sizes,
            width=config.width,
            depth=config.depth,
            dropout_rate=config.dropout,
            silent=first.waves if isinstance(first, GaussianDiffusion) else slice(0, 0),
            components=config.components,
            key=key,
        )
    _, height, width = config.image
    unet = UNet(
        *sizes,
        height=height,
        width=width,
        channels=config.width,
        depth=config.depth,
        tile=_tile(height, width),
        pixel_planes=PIXEL_PLANES if config.frequencies else 0,
        components=config.components,
        key=key,
    )
    # A continuous block lists plane after plane, a discrete one the states of pixel after pixel.
    if isinstance(first, GaussianDiffusion):
        return unet
    n_states = forward.n_features // forward.n_columns
    return InterleavedNetwork(unet, n_states, components=config.components)


_drawn_network = eqx.filter_jit(_network)
"""All of its weights by one program."""


def _tile(height: int, width: int) -> int:
    """Side of the squares that the U-Net works on: a power of 2 that leaves about 16 x 16 of
    them.
    """
    return 2 ** max(0, round(math.log2(math.sqrt(height * width) / 16)))


def process_of(
    config: ModelConfig,
    typical_width: np.ndarray,
    marginals: Sequence[np.ndarray],
    limits: np.ndarray | None = None,
) -> ProductDiffusion:
    """The forward process; arguments are those of `assemble`."""
    blocks: list[AbstractDiffusion] = []
    if len(typical_width):
        limits = None if limits is None else np.clip(limits, -NO_LIMIT, NO_LIMIT)
        shared = typical_width[:1] if config.image is not None else typical_width
        blocks.append(
            GaussianDiffusion(
                _schedule(config, shared), len(typical_width), config.frequencies, limits
            )
        )
    if len(marginals):
        discrete_block = found_at(DISCRETE_KERNELS[config.discrete_kernel])
        block = discrete_block(config.trajectory_length, marginals)
        blocks.append(paired(block) if config.components > 1 else block)
    return ProductDiffusion(tuple(blocks))


def _schedule(config: ModelConfig, typical_width: np.ndarray) -> AbstractSchedule:
    if config.schedule == "linear":
        return linear_schedule(config.trajectory_length)
    if config.schedule == "cosine":
        return cosine_schedule(config.trajectory_length)
    return LearnedSchedule.init(
        config.trajectory_length, -2.0 * np.log(finest_noise(typical_width))
    )


def finest_noise(typical_width: np.ndarray) -> np.ndarray:
    """Standard deviation of the noise at t = 1 that a learned schedule starts with, in z, `[D]`.

    A cell is told from its neighbours by noise of about half its width; finer noise costs steps and
    tells nothing.

    Args:
        typical_width: z-width of the columns' cells, `[D]`; 0 for a density.
    """
    return np.where(
        typical_width > 0, np.clip(typical_width / 2, _DENSITY_NOISE / 4, 0.5), _DENSITY_NOISE
    )
