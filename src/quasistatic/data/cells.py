"""The shape of a row: one `Cells` per block of columns that share a kernel (see
docs/architecture.md).
"""

from typing import Any, NamedTuple


class Cells(NamedTuple):
    """One block of one row (`[D]`) or of a table (`[N, D]`); NumPy in this room, JAX above it.

    Args:
        value: continuous block: float32, in the model's space; discrete block: int32 codes `0 ..
            K_d - 1`; 0 where missing.
        observed: bool; False is a missing cell.
        width: continuous only: z-width of the cell of a rounded or integer value; 0 is a density,
            None: all are densities.
        filler: continuous only: the cell is at an atom, its value is drawn from N(0, 1); None: no
            column has atoms.
    """

    value: Any
    observed: Any
    width: Any = None
    filler: Any = None

    def take(self, indices: Any) -> "Cells":
        """The rows `indices` of a block `[N, D]`."""
        return Cells(*(None if part is None else part[indices] for part in self))
