"""A word about evidence far outside the table that was fitted: the model has learned nothing
there.
"""

import warnings
from collections.abc import Sequence

import numpy as np

from quasistatic.data.cells import Cells
from quasistatic.data.codec import Codec

FAR = 8.0
"""|z| beyond this is far; z is about standard normal in the fitted table."""


def warn_of_far_cells(
    codec: Codec,
    rows: Sequence[Cells],
    source: str,
    stacklevel: int = 3,
    among: np.ndarray | None = None,
) -> None:
    """Warn, once, of observed numbers whose z is beyond `FAR`, with the first of them and its z.

    Args:
        codec: of the model.
        rows: blocks `[N, D]`.
        source: of the rows, for the message.
        stacklevel: of the warning.
        among: bool `[N]`, the rows that are looked at; None: all.
    """
    if codec.numbers is None:
        return
    z = rows[codec.numbers]
    used = z.observed if z.filler is None else z.observed & ~z.filler
    far = used & (np.abs(z.value) > FAR)
    if among is not None:
        far &= among[:, None]
    if far.any():
        row, j = np.argwhere(far)[0]
        where = f"{source}, row {row + 1}" if len(far) > 1 else source
        warn_of_far(
            where,
            codec.continuous_names[j],
            float(z.value[row, j]),
            int(np.count_nonzero(far)),
            stacklevel + 1,
        )


def warn_of_far(where: str, column: str, z: float, count: int = 1, stacklevel: int = 3) -> None:
    """Warn of one number, or of the first of several.

    Args:
        where: the row.
        column: its name.
        z: in the model's space.
        count: how many there are.
        stacklevel: of the warning.
    """
    others = "" if count == 1 else f" (so do {count - 1} other cells)"
    warnings.warn(
        f"{where}, column {column!r}: the value lies {abs(z):.3g} standard deviations (of the model's normal scale) from the middle of "
        f"the fitted table{others}; what follows from it is extrapolation",
        stacklevel=stacklevel,
    )
