"""Linear layers with the weights that the training starts from."""

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.typing import Array, Float, Key


def random_linear(n_in: int, n_out: int, *, scale: float = 1.0, key: Key) -> eqx.nn.Linear:
    """A linear layer with N(0, scale^2 / n_in) weights and no bias at the start."""
    return linear(jax.random.normal(key, (n_out, n_in)) * (scale * n_in**-0.5))


def zero_linear(n_in: int, n_out: int) -> eqx.nn.Linear:
    """A linear layer that starts at 0: nothing is learned before the first step, whatever the
    seed.
    """
    return linear(jnp.zeros((n_out, n_in)))


def linear(weight: Float[Array, "P F"]) -> eqx.nn.Linear:
    """A layer with these weights; those that Equinox would draw are not drawn."""
    n_out, n_in = weight.shape
    layer = eqx.filter_eval_shape(eqx.nn.Linear, n_in, n_out, key=jax.random.key(0))
    return eqx.tree_at(lambda x: (x.weight, x.bias), layer, (weight, jnp.zeros(n_out)))
