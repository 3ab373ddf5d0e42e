"""Sequences of one length from a `.npy` array `[N, L]`: binary, categorical or real."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from quasistatic.data.cells import Cells
from quasistatic.data.images.files import read_npy
from quasistatic.errors import DataError

SequenceKind = Literal["binary", "categorical", "real"]
MAX_STATES = 256


@dataclass(frozen=True)
class Sequences:
    """Sequences with their kind.

    Args:
        values: array `[N, L]` of int32 codes 0 .. n_states - 1, or of float32 numbers.
        kind: kind of the places: "binary", "categorical" or "real".
        n_states: number of states of each place; 0 for real ones.
    """

    values: np.ndarray
    kind: SequenceKind
    n_states: int

    def cells(self) -> Cells:
        """One column per place."""
        return Cells(self.values, np.ones(self.values.shape, bool))


def read_sequences(path: str | Path) -> Sequences:
    """Sequences from a `.npy` file: bool or 0/1 integers are binary, other integers from 0 on
    categorical, floats real.

    Raises:
        DataError: no such file, no 2-D array of numbers, negative or too many states, numbers that
            are not finite.
    """
    return sequences_of(read_npy(path), str(path))


def sequences_of(array: np.ndarray, where: str) -> Sequences:
    """An array `[N, L]` as sequences; see `read_sequences`.

    Args:
        array: array `[N, L]` of bools, integers or floats.
        where: name of what the array came from, for the message.

    Raises:
        DataError: as `read_sequences`.
    """
    if array.dtype.kind not in "buif":
        raise DataError(
            "the places hold no numbers",
            where=where,
            fix="number the states from 0, or give real numbers",
        )
    if array.ndim != 2 or 0 in array.shape:
        raise DataError(
            f"an array of shape {array.shape} is no table of sequences",
            where=where,
            fix="give [N, L]: N sequences of length L",
        )
    if array.dtype.kind == "f":
        if not np.all(np.isfinite(array)):
            raise DataError(
                "some numbers are not finite", where=where, fix="remove or replace those sequences"
            )
        return Sequences(array.astype(np.float32), "real", 0)
    lowest, highest = int(array.min()), int(array.max())
    if lowest < 0 or highest >= MAX_STATES:
        raise DataError(
            f"states run from {lowest} to {highest}",
            where=where,
            fix=(
                f"number the states from 0, at most {MAX_STATES} of them, or save real numbers as"
                " floats"
            ),
        )
    n_states = max(highest + 1, 2)
    return Sequences(array.astype(np.int32), "binary" if n_states == 2 else "categorical", n_states)
