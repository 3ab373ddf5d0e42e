"""What all methods that learn an energy from rows share: the mean of a loss over rows, penalties,
and what is told of the fit.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from quasistatic.errors import DataError, warn
from quasistatic.rivals.double import in_double, in_single
from quasistatic.rivals.energy import AbstractBinaryEnergy
from quasistatic.rivals.lbfgs import minimise
from quasistatic.typing import Array, Float

__all__ = ["Learned", "RowLoss", "as_bits", "fit_rows", "mean_loss"]

RowLoss = Callable[[Any, Float[Array, " D"]], Float[Array, ""]]
"""A loss of one row: `loss(energy, x)`."""
_BATCH = 2048


class Learned(NamedTuple):
    """An energy that was learned.

    Args:
        energy: energy, in single precision.
        told: what the method itself reports of the fit, by name: its objective, its steps,
            whether it converged.
    """

    energy: Any
    told: Mapping[str, float | bool]


def as_bits(rows: Any) -> np.ndarray:
    """Rows as float32 `[N, D]` of 0.0 and 1.0.

    Raises:
        DataError: another shape, or a cell that is no bit.
    """
    rows = np.asarray(rows)
    if rows.ndim != 2 or len(rows) == 0:
        raise DataError(f"bits are an array [rows, columns], not of shape {rows.shape}")
    wrong = ~((rows == 0) | (rows == 1))
    if wrong.any():
        row, column = (int(k) for k in np.argwhere(wrong)[0])
        raise DataError(
            f"{rows[row, column]} is no bit",
            where=f"row {row + 1}, column {column + 1}",
            fix="an energy of bits takes cells of 0 and 1 alone",
        )
    return rows.astype(np.float32)


def fit_rows(
    loss: RowLoss,
    start: AbstractBinaryEnergy,
    rows: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    normaliser: Callable[[Any], Array] | None = None,
    l2: float = 0.0,
    l1: float = 0.0,
    steps: int = 1000,
    tolerance: float = 1e-6,
) -> Learned:
    """The minimum of `mean loss + log Z + l2/2 |coupling|^2 + l1 |coupling|`, by L-BFGS in double
    precision.

    Args:
        loss: loss of one row.
        start: energy to begin with.
        rows: bits, `[N, D]`.
        weights: weight of every row, `[N]` with sum 1; None (default) is 1/N.
        normaliser: function from an energy to log Z, added to the mean; None (default): none.
        l2: weight of the squared couplings (default 0).
        l1: weight of the absolute couplings (default 0).
        steps: number of steps at most (default 1000).
        tolerance: largest entry of the gradient at the end (default 1e-6).
    """
    rows = np.asarray(as_bits(rows), np.float64)
    shares = np.full(len(rows), 1.0 / len(rows)) if weights is None else weights
    flat, rebuild = ravel_pytree(in_single(start))
    couplings, _ = ravel_pytree(_of_couplings(in_single(start)))

    def value_and_gradient(point: np.ndarray) -> tuple[float, np.ndarray]:
        energy = _refilled(start, point)
        value, slope = in_double(_objective, loss, normaliser, energy, rows, shares)
        gradient = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(slope)])
        pulled = l2 * np.asarray(couplings) * point
        return float(value) + 0.5 * float(pulled @ point), gradient + pulled

    mean = np.average(rows, axis=0, weights=shares)

    def centred(gradient: np.ndarray) -> np.ndarray:
        turned = in_double(_centred, start, _refilled(start, gradient), mean)
        return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(turned)])

    found = minimise(
        value_and_gradient,
        np.asarray(flat, np.float64),
        l1=l1 * np.asarray(couplings, np.float64),
        metric=(lambda g: g) if l1 else centred,
        steps=steps,
        tolerance=tolerance,
    )
    if not found.converged:
        warn(
            f"the fit did not converge in {found.steps} steps (its slope is {found.slope:.1e}): "
            "give it more steps, or an l2 penalty where bits are constant or copies of each other"
        )
    told = {"objective": found.value, "steps": found.steps, "converged": found.converged}
    return Learned(rebuild(jnp.asarray(found.point, flat.dtype)), told)


def mean_loss(
    loss: RowLoss, energy: Any, rows: Float[Array, "N D"], weights: Float[Array, " N"]
) -> Float[Array, ""]:
    """The weighted sum of a loss over rows, in batches that are computed again for the gradient."""
    row = jax.checkpoint(lambda x: loss(energy, x))
    return weights @ jax.lax.map(row, rows, batch_size=min(_BATCH, rows.shape[0]))


def _objective(loss: RowLoss, normaliser: Any, energy: Any, rows: Array, weights: Array) -> Any:
    def total(energy: Any) -> Array:
        mean = mean_loss(loss, energy, rows, weights)
        return mean if normaliser is None else mean + normaliser(energy)

    return eqx.filter_value_and_grad(total)(energy)


def _centred(energy: AbstractBinaryEnergy, gradient: Any, mean: Array) -> Any:
    return energy.centred(gradient, mean)


def _of_couplings(energy: AbstractBinaryEnergy) -> Any:
    """1 for every coupling and 0 for every bias, in the energy's structure."""
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: jnp.full_like(leaf, "coupling" in jax.tree_util.keystr(path)), energy
    )


def _refilled(energy: Any, point: np.ndarray) -> Any:
    """The energy with its parameters from a flat array, which stay NumPy's."""
    leaves, structure = jax.tree.flatten(energy)
    ends = np.cumsum([np.size(leaf) for leaf in leaves])
    parts = np.split(point, ends[:-1])
    return jax.tree.unflatten(
        structure, [p.reshape(np.shape(leaf)) for p, leaf in zip(parts, leaves, strict=True)]
    )
