"""Models and rows for the laws: a kernel with a network that has learned something arbitrary."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from cases import randomised
from quasistatic.data.cells import Cells
from quasistatic.distribution import Categorical, Mixture, Normal, Product
from quasistatic.forward import (
    AbsorbingDiffusion,
    GaussianDiffusion,
    ProductDiffusion,
    SigmoidGaussianDiffusion,
)
from quasistatic.model import DiffusionModel, n_outputs
from quasistatic.network import InterleavedNetwork, ResidualMLP, UNet
from quasistatic.network.base import AbstractNetwork
from quasistatic.numerics import LOG_ZERO


class Constant(AbstractNetwork):
    """The same raw output everywhere."""

    raw: jax.Array
    n_features: int = eqx.field(static=True)

    @property
    def n_outputs(self) -> int:
        return self.raw.shape[0]

    def __call__(self, features, time, *, key=None):
        return self.raw


def model_of(
    forward, seed: int = 0, scale: float = 0.3, width: int = 8, components: int = 1, **options
) -> DiffusionModel:
    """The forward process with a small network of random parameters, N(0, scale^2); with
    components, of a mixture that starts at a random one."""
    forward = as_product(forward)
    start = random_mixture(forward, components, seed) if components > 1 else None
    shape = eqx.filter_eval_shape(
        ResidualMLP,
        forward.n_features,
        n_outputs(forward, components),
        width=width,
        components=components,
        rank=4,
        depth=1,
        key=jax.random.key(0),
        **options,
    )
    zeros = jax.tree.map(
        lambda x: np.zeros(x.shape, x.dtype) if isinstance(x, jax.ShapeDtypeStruct) else x, shape
    )
    return DiffusionModel(forward, randomised(zeros, seed, scale), start)


def image_model_of(
    forward, height: int, width: int, seed: int = 0, scale: float = 0.3, components: int = 3
) -> DiffusionModel:
    """The process of a binary image with a small U-Net of random parameters, whose reverse kernels
    are mixtures that start at a random one."""
    forward = as_product(forward)
    unet = UNet(
        forward.n_features,
        n_outputs(forward, components),
        height=height,
        width=width,
        channels=4,
        tile=1,
        components=components,
        rank=4,
        key=jax.random.key(0),
    )
    network = InterleavedNetwork(
        unet, forward.n_features // forward.n_columns, components=components
    )
    start = random_mixture(forward, components, seed)
    return DiffusionModel(forward, randomised(network, seed, scale), start)


def as_product(forward) -> ProductDiffusion:
    """The process of a row, of one block or more."""
    return forward if isinstance(forward, ProductDiffusion) else ProductDiffusion((forward,))


def random_mixture(forward: ProductDiffusion, components: int, seed: int = 0) -> Mixture:
    """A random mixture of products of x_0."""

    def normalised(block):
        if isinstance(block, Normal):
            return block
        return Categorical(jnp.maximum(jax.nn.log_softmax(block.log_probs, axis=-1), LOG_ZERO))

    def component(k):
        part = randomised(forward.independent(), seed + k, scale=0.7)
        return Product(tuple(normalised(block) for block in part.parts))

    parts = [component(k) for k in range(components)]
    log_weights = np.random.default_rng(seed).standard_normal(components)
    stacked = jax.tree.map(lambda *x: jnp.stack(x), *parts)
    return Mixture(jax.nn.log_softmax(jnp.asarray(log_weights, jnp.float32)), stacked)


def is_gaussian(block) -> bool:
    return isinstance(block, GaussianDiffusion | SigmoidGaussianDiffusion)


def n_states(block) -> np.ndarray:
    """Number of data states of each column of a discrete block."""
    table = block.log_marginals if isinstance(block, AbsorbingDiffusion) else block.log_pi
    return np.sum(np.asarray(table) > -1e8, axis=1)


def random_state(forward, n: int, seed: int = 0):
    """n data states x_0, `[n, D]` per block of a process."""
    rng = np.random.default_rng(seed)

    def of_block(block):
        if is_gaussian(block):
            return jnp.asarray(
                np.clip(rng.standard_normal((n, block.n_columns)), -2, 2), jnp.float32
            )
        return jnp.asarray(rng.integers(0, n_states(block), (n, block.n_columns)), jnp.int32)

    return tuple(of_block(block) for block in forward.blocks)


def all_observed(forward):
    """The flags of a whole row."""
    return tuple(jnp.ones(block.n_columns, bool) for block in forward.blocks)


def cells_of(forward, states, observed=None, width=None):
    """Rows from states `[N, D]` per block; `width` of the continuous cells, None: densities;
    `observed` [D] flags over all columns."""
    flags = np.ones(forward.n_columns, bool) if observed is None else np.asarray(observed)
    cells, begin = [], 0
    for block, x in zip(forward.blocks, states, strict=True):
        seen = np.broadcast_to(flags[begin : begin + block.n_columns], x.shape)
        z_width = (
            None if width is None or not is_gaussian(block) else np.full(x.shape, width, np.float32)
        )
        cells.append(Cells(np.asarray(x), seen, z_width))
        begin += block.n_columns
    return tuple(cells)


def flags_of(forward, observed):
    """Flags [D] over all columns as the `observed` argument of `reverse_kernel`."""
    ends = np.cumsum([block.n_columns for block in forward.blocks])
    return tuple(jnp.asarray(part) for part in np.split(np.asarray(observed), ends[:-1]))
