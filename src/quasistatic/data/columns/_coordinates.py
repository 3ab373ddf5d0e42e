"""Coordinates of a continuous column <-> cells of the model's space: value, width, log g'."""

import numpy as np

from quasistatic.data.columns.numbers import (
    atom_coordinates,
    lattice_error,
    limits_of,
    read_coordinates,
)
from quasistatic.data.columns.transform import Transform
from quasistatic.data.schema import Column
from quasistatic.data.table import Table
from quasistatic.errors import warn

_FARTHEST = 1e12
"""z is kept within this, so that its square is finite in float32."""
_THINNEST = np.finfo(np.float32).tiny
"""Least width of a cell: 0 would mean a density."""


def read_on_lattice(table: Table, column: Column) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates at their lattice points, and the observed cells; warns about values off the
    lattice.
    """
    coordinate, observed = read_coordinates(table.frame[column.name], column, table.source)
    if not column.has_lattice:
        return coordinate, observed
    nearest = np.rint(coordinate)
    off = np.count_nonzero(np.abs(coordinate - nearest) > lattice_error(column, coordinate))
    if off:
        unit = f" {column.unit}" if column.unit else ""
        warn(
            f"{table.source}, column {column.name!r}: {off} value(s) lie between the multiples of"
            f" {column.step:g}{unit} that the model was fitted on, and count as the nearest one",
        )
    return nearest, observed


def atom_codes(coordinate: np.ndarray, observed: np.ndarray, column: Column) -> np.ndarray:
    """int32 `[N]`: 0 away from the atoms (or missing), i at the i-th one."""
    codes = np.zeros(len(coordinate), dtype=np.int32)
    for i, atom in enumerate(atom_coordinates(column), start=1):
        codes[observed & (coordinate == atom)] = i
    return codes


def at_atoms(coordinate: np.ndarray, codes: np.ndarray, column: Column) -> np.ndarray:
    """The coordinates `[N]`, those with a code of an atom moved to that atom."""
    return np.where(codes > 0, atom_coordinates(column)[np.maximum(codes, 1) - 1], coordinate)


def to_z(
    coordinate: np.ndarray, used: np.ndarray, column: Column, transform: Transform
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Value and width (float32) and log g' (float64) of each cell, arrays of one shape; 0 where it
    is not used.

    Args:
        coordinate: coordinates of the cells; at lattice points, where there is a lattice.
        used: bool flags, True where the cell is there and not at an atom.
        column: column that the cells belong to.
        transform: transform of the column's coordinate to z.
    """
    x = np.where(used, coordinate, _inner_point(transform))
    with np.errstate(over="ignore"):  # infinite z of extreme values are clipped
        if column.has_lattice:
            low = np.clip(transform.forward(x - 0.5), -_FARTHEST, _FARTHEST)
            high = np.clip(transform.forward(x + 0.5), -_FARTHEST, _FARTHEST)
            z, width, volume = (
                (low + high) / 2,
                np.maximum(high - low, _THINNEST),
                np.zeros(x.shape),
            )
        else:
            z = np.clip(transform.forward(x), -_FARTHEST, _FARTHEST)
            width, volume = np.zeros(x.shape), transform.log_derivative(x)
    return (
        np.where(used, z, 0.0).astype(np.float32),
        np.where(used, width, 0.0).astype(np.float32),
        np.where(used, volume, 0.0),
    )


def z_limits(column: Column, transform: Transform) -> tuple[float, float]:
    """The limits that the model holds in the model's space, infinite where there is none.

    Args:
        column: column of numbers.
        transform: transform of the column's coordinate to z.
    """
    low, high = (
        edge if np.isinf(edge) else float(transform.forward(np.array(edge)))
        for edge in limits_of(column)
    )
    return low, high


def _inner_point(transform: Transform) -> float:
    """Any harmless argument, to put where there is no value."""
    return float(transform.inverse(np.zeros(1))[0])
