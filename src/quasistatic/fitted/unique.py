"""Synthetic tables in which no two rows are alike where a constraint wants them unique.

Rows are drawn until enough of them differ: those that are like an earlier one are left out. This
is a condition on the table and not on a row, so it is no part of log p.
"""

from collections.abc import Callable

import polars as pl

from quasistatic.data.constraints.language import Unique
from quasistatic.data.constraints.violations import repeats
from quasistatic.errors import DataError
from quasistatic.fitted.model import Fitted

__all__ = ["unique_of", "without_repeats"]

_LEAST = 64
"""Rows that are drawn at once, at least."""
_PATIENCE = 20
"""Draws for each row that is still wanted, after which it is given up."""


def unique_of(fitted: Fitted) -> tuple[tuple[str, ...], ...]:
    """The columns in which no two rows are alike, as far as they are modelled: a tuple of names for
    each constraint.

    Args:
        fitted: fitted model.
    """
    statements = () if fitted.ties is None else fitted.ties.statements
    found = (one.members for one in statements if isinstance(one, Unique))
    return tuple(names for names in found if set(names) <= set(fitted.schema.names))


def without_repeats(
    frame: pl.DataFrame,
    unique: tuple[tuple[str, ...], ...],
    draw: Callable[[int, int], pl.DataFrame],
) -> pl.DataFrame:
    """As many rows as the frame has, of which no two are alike in any of some sets of columns.

    Args:
        frame: frame of N rows; those that are like an earlier one are replaced by later draws.
        unique: names of the columns of each set.
        draw: function from a number of rows and the number of rows drawn before to new rows.

    Raises:
        DataError: the model hardly has other values any more.
    """
    wanted, drawn = len(frame), len(frame)
    kept = _distinct(frame, unique)
    while len(kept) < wanted:
        short = wanted - len(kept)
        number = max(2 * short, _LEAST)
        for _ in range(_PATIENCE):
            kept = _distinct(pl.concat([kept, draw(number, drawn)]), unique)
            drawn += number
            if wanted - len(kept) < max(short // 2, 1):
                break
        else:
            what = " and ".join(", ".join(map(repr, names)) for names in unique)
            raise DataError(
                f"{wanted} rows are to differ in {what}, and the model has drawn {len(kept)}"
                f" different ones in {drawn}",
                fix="ask for fewer rows, or fit without the constraint (--unique)",
            )
    return kept.head(wanted)


def _distinct(frame: pl.DataFrame, unique: tuple[tuple[str, ...], ...]) -> pl.DataFrame:
    """The rows that are like no earlier one that is kept."""
    for names in unique:
        frame = frame.filter(pl.Series(~repeats(frame, names)))
    return frame
