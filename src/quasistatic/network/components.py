"""The last layer of a network that answers for the C components of a mixture."""

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.network._linear import random_linear, zero_linear
from quasistatic.typing import Array, Float, Key

__all__ = ["ComponentReadout"]


class ComponentReadout(eqx.Module):
    """`[C (P + 1)]`: of every component the departure of its P parameters, then that of its
    log-weight,

        g_k = silu(B_k h + b_k),    (V g_k + W h + c, u g_k),

    V, W and u shared by all components. They start at 0 and so does the output; B is random, so
    that components part as soon as V and u are no longer 0.

    Args:
        width: length of h.
        n_outputs: length C (P + 1) of the output.
        components: number C of components.
        rank: length of g_k.
        key: random key of B.
    """

    hidden: eqx.nn.Linear
    each: eqx.nn.Linear
    shared: eqx.nn.Linear
    components: int = eqx.field(static=True)

    def __init__(self, width: int, n_outputs: int, components: int, rank: int, *, key: Key) -> None:
        n_each = n_outputs // components
        self.hidden = random_linear(width, components * rank, key=key)
        self.each = zero_linear(rank, n_each)
        self.shared = zero_linear(width, n_each - 1)
        self.components = components

    def __call__(self, h: Float[Array, " width"]) -> Float[Array, " P"]:
        g = jax.nn.silu(self.hidden(h)).reshape(self.components, -1)
        # As one product of matrices, whose result lies as it is needed.
        assert self.each.bias is not None
        of_all = self.each.bias + jnp.append(self.shared(h), 0.0)
        return (g @ self.each.weight.T + of_all[None, :]).reshape(-1)
