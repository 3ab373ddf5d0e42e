"""From a table's codec and a configuration to a model that has learned nothing yet: the independent model of its columns."""

from collections.abc import Sequence

import jax
import numpy as np

from quasistatic.config import ModelConfig
from quasistatic.forward import (
    AbsorbingDiffusion,
    AbstractDiffusion,
    AbstractSchedule,
    CategoricalDiffusion,
    ErasureSchedule,
    GaussianDiffusion,
    LearnedSchedule,
    ProductDiffusion,
    cosine_schedule,
    linear_schedule,
)
from quasistatic.forward.categorical import pad_log_probs
from quasistatic.model import DiffusionModel
from quasistatic.network import ResidualMLP
from quasistatic.typing import Key

DENSITY_NOISE = 0.02
"""First guess of the noise at t = 1 for a column with a density, in standard deviations; learned from there."""


def assemble(
    config: ModelConfig, typical_width: np.ndarray, marginals: Sequence[np.ndarray], *, key: Key
) -> DiffusionModel:
    """The model of a mixed row: a Gaussian block, then a discrete one.

    Args:
        config: what to build.
        typical_width: z-width of each continuous column's cells, 0 for a density (`Codec.typical_width`).
        marginals: state frequencies of each discrete column (`Codec.marginals`).
        key: of the network's initial weights.
    """
    blocks: list[AbstractDiffusion] = []
    if len(typical_width):
        blocks.append(GaussianDiffusion(_schedule(config, typical_width), len(typical_width)))
    if len(marginals):
        blocks.append(_discrete(config, marginals))
    forward = ProductDiffusion(tuple(blocks))
    network = ResidualMLP(
        forward.n_features, forward.n_outputs,
        width=config.width, depth=config.depth, dropout_rate=config.dropout, key=key,
    )  # fmt: skip
    return DiffusionModel(forward, network)


def _schedule(config: ModelConfig, typical_width: np.ndarray) -> AbstractSchedule:
    if config.schedule == "linear":
        return linear_schedule(config.trajectory_length)
    if config.schedule == "cosine":
        return cosine_schedule(config.trajectory_length)
    # A cell is told from its neighbours by noise of about half its width; finer noise costs steps and tells nothing.
    noise = np.where(typical_width > 0, np.clip(typical_width / 2, DENSITY_NOISE / 4, 0.5), DENSITY_NOISE)
    return LearnedSchedule.init(config.trajectory_length, -2.0 * np.log(noise))


def _discrete(config: ModelConfig, marginals: Sequence[np.ndarray]) -> AbstractDiffusion:
    log_marginals = pad_log_probs(marginals)
    if config.discrete_kernel == "absorbing":
        return AbsorbingDiffusion(config.trajectory_length, log_marginals)
    uniform = pad_log_probs([np.ones_like(p) for p in marginals])
    log_pi = uniform if config.discrete_kernel == "categorical" else log_marginals
    return CategoricalDiffusion(ErasureSchedule(config.trajectory_length), log_pi, log_marginals)


def skeleton(config: ModelConfig, typical_width: np.ndarray, marginals: Sequence[np.ndarray]) -> DiffusionModel:
    """The model with arbitrary weights, to be replaced by stored ones."""
    return assemble(config, typical_width, marginals, key=jax.random.key(0))
