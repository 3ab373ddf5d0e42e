"""States along trajectories of models of one block, kept for figures."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.data.cells import Cells
from quasistatic.distribution import Mixture, Normal, Product
from quasistatic.model import DiffusionModel
from quasistatic.typing import Array, Float, Key, State


def forward_states(
    model: DiffusionModel, rows: Cells, steps: Sequence[int], *, key: Key
) -> list[np.ndarray]:
    """x_t of every row at the given steps, each `[N, D]`; 0 is the data. Marginals, not one
    trajectory.
    """
    return [
        np.asarray(rows.value)
        if t == 0
        else _marginal(model, jnp.asarray(rows.value), jnp.asarray(t), key)
        for t in steps
    ]


def _marginal(model: DiffusionModel, x_0: Array, t: Array, key: Key) -> np.ndarray:
    keys = jax.random.split(key, len(x_0))
    return np.asarray(_marginals(model, x_0, t, keys))


@eqx.filter_jit
def _marginals(model: DiffusionModel, x_0: Array, t: Array, keys: Key) -> Array:
    return jax.vmap(lambda x, k: model.forward.marginal((x,), t).sample(key=k)[0])(x_0, keys)


def reverse_states(
    model: DiffusionModel, n_rows: int, steps: Sequence[int], *, key: Key
) -> list[np.ndarray]:
    """x_t of reverse trajectories from the prior at the given decreasing steps, each `[n_rows, D]`;
    at step 0 the samples.
    """
    keys = jax.random.split(key, n_rows)
    state, at, kept = _from_prior(model, keys), model.trajectory_length, []
    for t in steps:
        state = _walk(model, state, jnp.asarray(at), jnp.asarray(t), keys)
        at = t
        kept.append(np.asarray(state[0]))
    return kept


@eqx.filter_jit
def _from_prior(model: DiffusionModel, keys: Key) -> State:
    return jax.vmap(lambda k: model.forward.prior().sample(key=jax.random.fold_in(k, 0)))(keys)


@eqx.filter_jit
def _walk(model: DiffusionModel, states: State, begin: Array, end: Array, keys: Key) -> State:
    """From x_begin down to x_end."""

    def one(x: State, k: Key) -> State:
        def step(i: Array, y: State) -> State:
            t = begin - i
            observed = (jnp.ones(y[0].shape, bool),)
            return model.reverse_kernel(y, observed, t).sample(key=jax.random.fold_in(k, t))

        return jax.lax.fori_loop(0, begin - end, step, x)

    return jax.vmap(one)(states, keys)


@eqx.filter_jit
def drift(model: DiffusionModel, states: Float[Array, "N D"], t: Array) -> Float[Array, "N D"]:
    """`f_mu(x_t, t) - x_t` of a continuous model: where the reverse step goes (paper, figure 1,
    last row).
    """

    def one(x: Array) -> Array:
        return _mean(model.reverse_kernel((x,), (jnp.ones(x.shape, bool),), t)) - x

    return jax.vmap(one)(states)


def _mean(reverse: Product | Mixture) -> Float[Array, " D"]:
    if isinstance(reverse, Mixture):
        return jnp.exp(reverse.log_weights) @ jax.vmap(_mean)(reverse.components)
    (step,) = reverse.parts
    assert isinstance(step, Normal)
    return step.mean
