"""Models and rows for the laws: a kernel with a network that has learned something arbitrary."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from cases import randomised
from quasistatic.data.cells import Cells
from quasistatic.forward import (
    AbsorbingDiffusion,
    GaussianDiffusion,
    SigmoidGaussianDiffusion,
)
from quasistatic.model import DiffusionModel
from quasistatic.network import ResidualMLP
from quasistatic.network.base import AbstractNetwork


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
    forward, seed: int = 0, scale: float = 0.3, width: int = 8, **options
) -> DiffusionModel:
    """The forward process with a small network of random parameters, N(0, scale^2)."""
    shape = eqx.filter_eval_shape(
        ResidualMLP,
        forward.n_features,
        forward.n_outputs,
        width=width,
        depth=1,
        key=jax.random.key(0),
        **options,
    )
    zeros = jax.tree.map(
        lambda x: np.zeros(x.shape, x.dtype) if isinstance(x, jax.ShapeDtypeStruct) else x, shape
    )
    return DiffusionModel(forward, randomised(zeros, seed, scale))


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
