r"""Free-energy differences between ensembles of whole trajectories, by Bennett's acceptance ratio
(`bennett.py`).

- Two models of the same rows and T: F = p(x_0..x_T), R = p'(x_0..x_T), W = log p - log p' of the
trajectory. Both are normalised, so that dF = 0: the estimate is a check of samplers and kernels,
and its error says how little the models overlap. - A model and its product with r(x_0), of
normaliser Z = E_p r: F = p, R = p r / Z, W = -log r(x_0), dF = -log Z.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.forward import tabulated
from quasistatic.model import DiffusionModel
from quasistatic.rows import CHUNK, in_chunks, joined
from quasistatic.thermodynamics.bennett import bennett
from quasistatic.thermodynamics.crooks import Slope, crooks_slope
from quasistatic.typing import Array, Float, Key, State, Step

__all__ = ["FreeEnergy", "between_models", "path_work", "to_product"]


class FreeEnergy(NamedTuple):
    """A free-energy difference, nats.

    Args:
        value: difference dF = -log of the ratio of the normalisers, R over F, nats.
        stderr: Bennett's standard error of `value`, nats; large where the ensembles hardly overlap.
        slope: Crooks' slope, 1 where the work values belong to the two ensembles.
    """

    value: float
    stderr: float
    slope: Slope


def path_work(model: DiffusionModel, other: DiffusionModel, *, key: Key) -> Float[Array, ""]:
    """`log p(x_0..x_T) - log p'(x_0..x_T)`, nats, of one trajectory of `model`; memory does not
    grow with T.
    """
    prior, other_prior = model.forward.prior(), other.forward.prior()
    x_last = prior.sample(key=jax.random.fold_in(key, 0))
    observed = jax.tree.map(lambda x: jnp.ones(x.shape, bool), x_last)

    def step(carry: tuple[State, Array], t: Step) -> tuple[tuple[State, Array], None]:
        x_t, total = carry
        reverse = model.reverse_kernel(x_t, observed, t)
        x_before = reverse.sample(key=jax.random.fold_in(key, t))
        gain = reverse.log_prob(x_before) - other.reverse_kernel(x_t, observed, t).log_prob(
            x_before
        )
        return (x_before, total + jnp.sum(gain)), None

    begin = jnp.sum(prior.log_prob(x_last) - other_prior.log_prob(x_last))
    return jax.lax.scan(step, (x_last, begin), jnp.arange(model.trajectory_length, 0, -1))[0][1]


def between_models(model: DiffusionModel, other: DiffusionModel, n: int, *, key: Key) -> FreeEnergy:
    """dF between two models of the same columns and T, from n trajectories of each.

    Raises:
        ValueError: the trajectory lengths differ, or n < 2.
    """
    if model.trajectory_length != other.trajectory_length or n < 2:
        lengths = model.trajectory_length, other.trajectory_length
        raise ValueError(f"the models need one T, here {lengths}, and n = {n} must be at least 2")
    here, there = jax.random.split(key)
    return _estimate(_works(model, other, n, here), -_works(other, model, n, there))


def to_product(log_r: np.ndarray, log_r_posterior: np.ndarray) -> FreeEnergy:
    """dF = -log Z from `log r(x_0)` of rows of p and of rows of p r / Z, nats `[n]` each."""
    return _estimate(-np.asarray(log_r, np.float64), -np.asarray(log_r_posterior, np.float64))


def _estimate(forward: np.ndarray, reverse: np.ndarray) -> FreeEnergy:
    value, stderr = bennett(forward, reverse)
    return FreeEnergy(float(value), float(stderr), crooks_slope(forward, reverse))


def _works(model: DiffusionModel, other: DiffusionModel, n: int, key: Key) -> np.ndarray:
    def program(index: np.ndarray) -> Array:
        return _chunk(model, other, jnp.asarray(index, jnp.uint32), key)

    return np.asarray(joined(in_chunks(program, n, min(n, CHUNK))), np.float64)


@eqx.filter_jit
def _chunk(
    model: DiffusionModel, other: DiffusionModel, index: Array, key: Key
) -> Float[Array, " n"]:
    model, other = tabulated((model, other))
    return jax.vmap(lambda i: path_work(model, other, key=jax.random.fold_in(key, i)))(index)
