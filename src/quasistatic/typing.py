"""Shared names for arrays, and how to read shapes.

`D` columns of a block, `K` states of a discrete column (the largest of the block; shorter columns
are padded), `T` steps, `N` rows, `F` features and `P` outputs of a network. Everything from
`forward` up to `bound` is written for ONE row and batched by `vmap`.
"""

from collections.abc import Sequence
from typing import Any

import jax
from jax.typing import ArrayLike as _ArrayOrNumber
from jaxtyping import Array, Bool, Float, Int, UInt8

__all__ = ["Array", "ArrayLike", "Bool", "Float", "Int", "Key", "State", "Step", "UInt8"]

ArrayLike = _ArrayOrNumber | Sequence[Any]
"""What `jnp.asarray` takes: an array, a number, or nested lists of numbers."""

Key = jax.Array
"""A typed JAX random key; keyword-only wherever it is a parameter."""

State = tuple[Array, ...]
"""The state x_t of a row: one array per block of columns, float or int [D]."""

Step = Int[Array, ""] | int
"""A step t of the trajectory, 1..T."""
