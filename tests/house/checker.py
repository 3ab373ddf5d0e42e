"""The type checker behind the import hook of `conftest.py`: beartype, which checks the shapes and
dtypes of jaxtyping's annotations on every call."""

import types
from collections.abc import Callable
from typing import Any, Self, Union, get_args, get_origin

import jax
import numpy as np
from beartype import beartype
from jaxtyping import AbstractArray

ROOMS = (
    "typing", "numerics", "distribution", "belief", "particles", "forward", "network", "model",
    "rows", "trajectory", "bound", "posterior", "thermodynamics", "rivals",
)  # fmt: skip
PACKAGES = tuple(f"quasistatic.{room}" for room in ROOMS)
NUMBERS = np.generic | bool | int | float


def checked(function: Callable) -> Callable:
    """The function with its arguments and its result checked against their annotations.

    The hook decorates methods one by one, and beartype knows `Self` in whole classes only: there it
    stands for anything.
    """
    if callable(function) and not isinstance(function, type):
        function.__annotations__ = {
            name: _understood(hint) for name, hint in function.__annotations__.items()
        }
    return beartype(function)


def _understood(hint: Any) -> Any:
    """The hint without `Self`, and with what JAX takes for an array where one is annotated: NumPy's
    arrays of the same shape and dtype, and numbers for a scalar of any kind.
    """
    if hint is Self:
        return Any
    if hint is jax.Array:
        return jax.Array | np.ndarray | NUMBERS
    if isinstance(hint, type) and issubclass(hint, AbstractArray):
        if hint.array_type is jax.Array:
            numpy = hint.dtype[np.ndarray, hint.dim_str]
            scalar = hint.dim_str.strip() in ("", "...")
            return Union[hint, numpy, np.generic] if scalar else Union[hint, numpy]  # noqa: UP007
        return hint
    if get_origin(hint) is tuple:
        return types.GenericAlias(tuple, tuple(_understood(part) for part in get_args(hint)))
    if get_origin(hint) in (Union, types.UnionType):
        return Union[tuple(_understood(part) for part in get_args(hint))]  # noqa: UP007
    return hint
