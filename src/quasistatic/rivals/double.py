"""Double precision where digits decide: normalisers, and objectives near their minimum.

JAX computes in single precision unless it is told otherwise; the package leaves that as it is and
enters double precision for single calls.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["in_double", "in_single"]


def in_double(function: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a compiled function of arrays, computed in float64; arrays in it are NumPy's.

    Args:
        function: function of pytrees of arrays; what is no array is constant. It is compiled once
            for the same function and shapes, so give one that has a name.
        arguments: arguments, whose floating arrays are taken as float64.
    """
    with jax.enable_x64(True):
        wide = jax.tree.map(_to(np.float64), arguments)
        return jax.tree.map(_plain, _compiled(function, *wide))


def in_single(tree: Any) -> Any:
    """The floating arrays of a pytree as JAX arrays in float32."""
    return jax.tree.map(lambda leaf: jnp.asarray(_to(np.float32)(leaf)), tree)


@eqx.filter_jit
def _compiled(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def _to(dtype: Any) -> Callable[[Any], Any]:
    def cast(leaf: Any) -> Any:
        if eqx.is_array(leaf) and jnp.issubdtype(leaf.dtype, jnp.floating):
            return np.asarray(leaf, dtype)
        return leaf

    return cast


def _plain(leaf: Any) -> Any:
    return np.asarray(leaf) if eqx.is_array(leaf) and not _is_key(leaf) else leaf


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
