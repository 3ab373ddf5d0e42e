"""Pytrees as named arrays, the form in which they are stored."""

import hashlib
import os
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

__all__ = ["arrays_of", "digest_of", "with_arrays", "write_file"]


def arrays_of(tree: Any) -> dict[str, np.ndarray]:
    """The arrays of a pytree by their paths."""
    leaves = jax.tree_util.tree_flatten_with_path(eqx.filter(tree, eqx.is_array))[0]
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): np.asarray(leaf)
        for path, leaf in leaves
    }


def with_arrays(tree: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The pytree with its arrays replaced by those of the same paths.

    Raises:
        KeyError: a path is missing or unknown.
        ValueError: a shape or dtype differs.
    """
    dynamic, static = eqx.partition(tree, eqx.is_array)
    leaves, structure = jax.tree_util.tree_flatten_with_path(dynamic)
    names = [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in leaves]
    if unknown := set(arrays) - set(names):
        raise KeyError(f"unknown array {sorted(unknown)[0]!r}")
    if absent := set(names) - set(arrays):
        raise KeyError(f"missing array {sorted(absent)[0]!r}")
    for name, (_, leaf) in zip(names, leaves, strict=True):
        if arrays[name].shape != leaf.shape or arrays[name].dtype != leaf.dtype:
            raise ValueError(
                f"array {name!r} is {arrays[name].dtype} {arrays[name].shape}, "
                f"not {leaf.dtype} {leaf.shape}"
            )
    return eqx.combine(
        jax.tree_util.tree_unflatten(structure, [jax.device_put(arrays[name]) for name in names]),
        static,
    )


def digest_of(arrays: dict[str, np.ndarray]) -> str:
    """SHA-256 of names, dtypes, shapes and contents."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(
            f"{name}\0{array.dtype}{array.shape}\0".encode() + np.ascontiguousarray(array).tobytes()
        )
    return digest.hexdigest()


def write_file(path: Path, content: bytes) -> None:
    """Write and flush to the disk."""
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
