"""The type checker behind the import hook of `conftest.py`: beartype, which checks the shapes and
dtypes of jaxtyping's annotations on every call."""

import types
from collections.abc import Callable
from typing import Any, Self, get_args, get_origin

from beartype import beartype

ROOMS = (
    "typing", "numerics", "distribution", "belief", "particles", "forward", "network", "model",
    "rows", "trajectory", "bound", "posterior", "thermodynamics",
)  # fmt: skip
PACKAGES = tuple(f"quasistatic.{room}" for room in ROOMS)


def checked(function: Callable) -> Callable:
    """The function with its arguments and its result checked against their annotations.

    The hook decorates methods one by one, and beartype knows `Self` in whole classes only: there it
    stands for anything.
    """
    if callable(function) and not isinstance(function, type):
        function.__annotations__ = {
            name: _without_self(hint) for name, hint in function.__annotations__.items()
        }
    return beartype(function)


def _without_self(hint: Any) -> Any:
    if hint is Self:
        return Any
    if get_origin(hint) is tuple and Self in get_args(hint):
        return types.GenericAlias(tuple, tuple(_without_self(part) for part in get_args(hint)))
    return hint
