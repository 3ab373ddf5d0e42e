"""The shape of a row: one `Cells` per block of columns that share a kernel (see
docs/architecture.md).
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Shaped

__all__ = ["Cells", "EncodedTable"]


class Cells(NamedTuple):
    """One block of one row (`[D]`) or of a table (`[N, D]`); NumPy in this room, JAX above it.

    Args:
        value: numbers (float32, in the model's space) or states (int32 codes `0 .. K_d - 1`); 0
            where a cell is missing.
        observed: bool flags of the cells that are there, False where a cell is missing.
        width: z-widths of the cells of rounded or integer numbers, 0 where a cell is a density;
            None (default): all are densities, or states.
        filler: bool flags of the numbers at an atom, whose value is to be drawn from N(0, 1); None
            (default): no column has atoms, or the block has states.
    """

    value: Shaped[Any, "*N D"]
    observed: Bool[Any, "*N D"]
    width: Float[Any, "*N D"] | None = None
    filler: Bool[Any, "*N D"] | None = None

    def take(self, indices: Any) -> "Cells":
        """The rows `indices` of a block `[N, D]`, in that order."""
        parts: tuple[Any, ...] = self
        return Cells(*(None if part is None else part[indices] for part in parts))


@dataclass(frozen=True)
class EncodedTable:
    """A table in the model's space.

    Args:
        rows: blocks `[N, D]`: the continuous one if there is any, then the discrete one if there is
            any.
        log_volume: float64 `[N]`, sum of log g'(x) over the observed density cells, nats.
    """

    rows: tuple[Cells, ...]
    log_volume: np.ndarray

    def __len__(self) -> int:
        return len(self.log_volume)

    @property
    def whole(self) -> np.ndarray:
        """Rows without a missing cell, bool `[N]`."""
        return np.all(np.concatenate([cells.observed for cells in self.rows], axis=1), axis=1)

    def take(self, indices: np.ndarray | slice) -> "EncodedTable":
        """The rows `indices`, in that order."""
        return EncodedTable(
            tuple(block.take(indices) for block in self.rows), self.log_volume[indices]
        )
