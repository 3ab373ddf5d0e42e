"""A diffusion model: a forward process and a network that learns its reversal."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp

from quasistatic.distribution import Product
from quasistatic.forward.base import AbstractDiffusion
from quasistatic.forward.product import ProductDiffusion
from quasistatic.forward.thinned import ThinnedDiffusion
from quasistatic.network.base import AbstractNetwork
from quasistatic.network.retimed import RetimedNetwork
from quasistatic.typing import Key, State, Step

__all__ = ["DiffusionModel", "thin"]


class DiffusionModel(eqx.Module):
    """`p(x_0, ..., x_T) = pi(x_T) prod_t p(x_{t-1} | x_t)`, for one row.

    Args:
        forward: process q of a row; that of a single block becomes a product of one.
        network: network with `n_features` and `n_outputs` of the process.

    Example:
        >>> import jax
        >>> from quasistatic.forward import ErasureSchedule, binomial_diffusion
        >>> from quasistatic.network import ResidualMLP
        >>> forward = binomial_diffusion(ErasureSchedule(10), m=[0.5, 0.5])
        >>> sizes = forward.n_features, forward.n_outputs
        >>> network = ResidualMLP(*sizes, width=8, key=jax.random.key(0))
        >>> DiffusionModel(forward, network).trajectory_length
        10
    """

    forward: ProductDiffusion
    network: AbstractNetwork

    def __init__(
        self, forward: ProductDiffusion | AbstractDiffusion, network: AbstractNetwork
    ) -> None:
        one = isinstance(forward, AbstractDiffusion)
        self.forward, self.network = ProductDiffusion((forward,)) if one else forward, network

    def __check_init__(self) -> None:
        given = self.network.n_features, self.network.n_outputs
        needed = self.forward.n_features, self.forward.n_outputs
        if given != needed:
            raise ValueError(
                f"the network maps {given[0]} features to {given[1]} outputs, "
                f"not {needed[0]} to {needed[1]}"
            )

    @property
    def trajectory_length(self) -> int:
        """T."""
        return self.forward.trajectory_length

    def reverse_kernel(
        self, x_t: State, observed: State, t: Step, s: Step | None = None, *, key: Key | None = None
    ) -> Product:
        """p(x_s given x_t), t = 1..T, s < t.

        Args:
            x_t: state of the row, one array [D] per block.
            observed: flags of the row's cells, one bool [D] per block; the network is told nothing
                of the unobserved ones.
            t: number t of the step to go from.
            s: number s of the step to go to (default t - 1).
            key: random key of the dropout while training (default None: no dropout).
        """
        time = jnp.asarray(t, jnp.float32) / self.trajectory_length
        raw = self.network(self.forward.features(x_t, observed, t), time, key=key)
        return self.forward.reverse_kernel(raw, x_t, t, s)


def thin(model: DiffusionModel, steps: Sequence[int]) -> DiffusionModel:
    """The model on a sub-schedule: K network evaluations a trajectory in place of T, for sampling,
    bounds and all else.

    Args:
        model: model of T steps.
        steps: numbers of the K steps that are kept, increasing; the last should be T.

    Example:
        >>> import jax
        >>> from quasistatic.forward import ErasureSchedule, binomial_diffusion
        >>> from quasistatic.network import ResidualMLP
        >>> forward = binomial_diffusion(ErasureSchedule(10), m=[0.5, 0.5])
        >>> sizes = forward.n_features, forward.n_outputs
        >>> network = ResidualMLP(*sizes, width=8, key=jax.random.key(0))
        >>> thin(DiffusionModel(forward, network), (2, 5, 10)).trajectory_length
        3
    """
    times = [int(t) / model.trajectory_length for t in steps]
    forward = ProductDiffusion([ThinnedDiffusion(block, steps) for block in model.forward.blocks])
    return DiffusionModel(forward, RetimedNetwork(model.network, times))
