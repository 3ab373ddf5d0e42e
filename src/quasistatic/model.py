"""A diffusion model: a forward process and a network that learns its reversal."""

import math
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.distribution import Mixture, Product
from quasistatic.forward.base import AbstractDiffusion
from quasistatic.forward.product import ProductDiffusion
from quasistatic.forward.thinned import ThinnedDiffusion
from quasistatic.network.base import AbstractNetwork
from quasistatic.network.ensemble import ConcatenatedNetwork, EnsembleNetwork
from quasistatic.network.retimed import RetimedNetwork
from quasistatic.typing import Array, Float, Key, State, Step

__all__ = ["DiffusionModel", "ensemble", "n_outputs", "thin"]


class DiffusionModel(eqx.Module):
    """`p(x_0, ..., x_T) = pi(x_T) prod_t p(x_{t-1} | x_t)`, for one row.

    Without `start` the reverse kernel is a product over the columns. With it, a mixture of C
    products p(x_0) = sum_k w_k prod_j p_kj(x_0j), it is one too: at x_t

        p(x_s|x_t) = sum_k w_k(x_t, t) prod_j p_kj(x_sj|x_t),
        log w_k(x_t, t) = log w_k + sum_j log p_kj(x_tj) + network_k(x_t, t),

    where p_kj(x_t) and p_kj(x_s|x_t) are component k noised and reversed. That is exactly the
    reversal of `start` where the network's outputs are 0: it learns the departure, C numbers of the
    weights and C times those of the process.

    Args:
        forward: process q of a row; that of a single block becomes a product of one.
        network: network with `n_features` of the process, and its `n_outputs` or `C (n_outputs +
            1)`.
        start: mixture of x_0, one distribution of independent columns per block in every component;
            None (default) for a product.
        members: number of equal parts of the mixture whose weights are normalised apart and count
            alike, the kernels of the members of an ensemble (`ensemble`; default 1).

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
    start: Mixture | None
    members: int = eqx.field(static=True)

    def __init__(
        self,
        forward: ProductDiffusion | AbstractDiffusion,
        network: AbstractNetwork,
        start: Mixture | None = None,
        members: int = 1,
    ) -> None:
        one = isinstance(forward, AbstractDiffusion)
        self.forward, self.network = ProductDiffusion((forward,)) if one else forward, network
        self.start, self.members = start, members

    def __check_init__(self) -> None:
        given = self.network.n_features, self.network.n_outputs
        needed = self.forward.n_features, n_outputs(self.forward, self.n_components)
        if given != needed:
            raise ValueError(
                f"the network maps {given[0]} features to {given[1]} outputs, "
                f"not {needed[0]} to {needed[1]}"
            )

    @property
    def n_components(self) -> int:
        """Number of components of every reverse kernel; 1: a product over the columns."""
        return 1 if self.start is None else self.start.n_components

    @property
    def trajectory_length(self) -> int:
        """T."""
        return self.forward.trajectory_length

    def reverse_kernel(
        self, x_t: State, observed: State, t: Step, s: Step | None = None, *, key: Key | None = None
    ) -> Product | Mixture:
        """p(x_s given x_t), t = 1..T, s < t.

        Args:
            x_t: state of the row, one array [D] per block.
            observed: flags of the row's cells, one bool [D] per block; the network is told nothing
                of the unobserved ones.
            t: number t of the step to go from.
            s: number s of the step to go to (default t - 1).
            key: random key of the dropout while training (default None: no dropout).
        """
        return self.reverse_kernel_of(self.outputs(x_t, observed, t, key=key), x_t, observed, t, s)

    def outputs(
        self, x_t: State, observed: State, t: Step, *, key: Key | None = None
    ) -> Float[Array, " P"]:
        """The network's outputs at x_t; arguments are those of `reverse_kernel`."""
        time = jnp.asarray(t, jnp.float32) / self.trajectory_length
        return self.network(self.forward.features(x_t, observed, t), time, key=key)

    def reverse_kernel_of(
        self,
        outputs: Float[Array, " P"],
        x_t: State,
        observed: State,
        t: Step,
        s: Step | None = None,
    ) -> Product | Mixture:
        """The reverse kernel of some outputs of the network: one evaluation serves several s."""
        if self.start is None:
            return self.forward.reverse_kernel(outputs, x_t, t, s)
        columns = jnp.concatenate(observed)
        raw = outputs.reshape(self.start.n_components, -1)

        def of_component(part: Product, raw: Array) -> tuple[Product, Array]:
            evidence = jnp.where(columns, self.forward.log_evidence(part, x_t, t), 0.0)
            return self.forward.reverse_kernel(raw, x_t, t, s, part), jnp.sum(evidence)

        components, evidence = jax.vmap(of_component)(self.start.components, raw[:, :-1])
        log_weights = (self.start.log_weights + evidence + raw[:, -1]).reshape(self.members, -1)
        log_weights = jax.nn.log_softmax(log_weights, axis=-1) - math.log(self.members)
        return Mixture(log_weights.reshape(-1), components)


def n_outputs(forward: ProductDiffusion, components: int = 1) -> int:
    """The number of outputs that a network needs: those of the process, or of every component these
    and one for its weight.

    Args:
        forward: process q of a row.
        components: number of components of the reverse kernels (default 1: a product).
    """
    return forward.n_outputs if components == 1 else components * (forward.n_outputs + 1)


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
    network = RetimedNetwork(model.network, times)
    return DiffusionModel(forward, network, model.start, model.members)


def ensemble(models: Sequence[DiffusionModel]) -> DiffusionModel:
    r"""Models of one process, trained apart, as one (a deep ensemble, Lakshminarayanan et al.
    2017); one alone stays what it is.

    The networks of products are asked together (`network.EnsembleNetwork`). Of mixtures the reverse
    kernel is the mixture of the members' kernels, whose bound is at least the mean of theirs
    (Jensen):

        p(x_s|x_t) = 1/n sum_i p_i(x_s|x_t).

    Args:
        models: models with equal processes and networks of equal sizes.
    """
    first, networks = models[0], [model.network for model in models]
    if len(models) == 1:
        return first
    if first.start is None:
        return DiffusionModel(first.forward, EnsembleNetwork(networks))
    start = jax.tree.map(lambda *parts: jnp.concatenate(parts), *(model.start for model in models))
    start = Mixture(start.log_weights - math.log(len(models)), start.components)
    return DiffusionModel(first.forward, ConcatenatedNetwork(networks), start, len(models))
