"""Numbers far outside the table that was fitted: the model has learned nothing there, and what it
says of them is extrapolation.
"""

from collections.abc import Sequence

import numpy as np

from quasistatic.data.cells import Cells
from quasistatic.data.codec import Codec
from quasistatic.errors import warn

FAR = 8.0
"""|z| beyond this is far; z is about standard normal in the fitted table."""


def warn_of_far_cells(
    codec: Codec, rows: Sequence[Cells], source: str, among: np.ndarray | None = None
) -> None:
    """Warn, once, of observed numbers whose z is beyond `FAR`, with the first of them and its z.

    Args:
        codec: codec of the model.
        rows: blocks `[N, D]` of encoded cells.
        source: name of what the rows come from, for the message.
        among: bool flags `[N]` of the rows that are looked at; None (default) looks at all.
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
        name, count = codec.continuous_names[j], int(np.count_nonzero(far))
        warn_of_far(where, name, float(z.value[row, j]), count)


def warn_of_far(where: str, column: str, z: float, count: int = 1) -> None:
    """Warn of one number, or of the first of several.

    Args:
        where: name of the source and number of the row.
        column: name of the column.
        z: number in the model's space, in standard deviations.
        count: number of such cells (default 1).
    """
    others = "" if count == 1 else f" (so do {count - 1} other cells)"
    warn(
        f"{where}, column {column!r}: the value lies {abs(z):.3g} standard deviations (of the "
        f"model's normal scale) from the middle of the fitted table{others}; what follows from it "
        "is extrapolation"
    )
