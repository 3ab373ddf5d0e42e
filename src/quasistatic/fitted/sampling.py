"""New rows of a fitted model."""

import jax
import numpy as np
import polars as pl

from quasistatic.data.memory import require_rows
from quasistatic.data.reading import table_of
from quasistatic.data.table import Table
from quasistatic.errors import SettingError
from quasistatic.fitted.model import Fitted
from quasistatic.fitted.room import within_room
from quasistatic.fitted.unique import unique_of, without_repeats
from quasistatic.trajectory import sample_numbered
from quasistatic.typing import Key

__all__ = ["SOURCE", "sample"]

SOURCE = "the sampled rows"
"""`Table.source` of rows of the model."""


def sample(
    fitted: Fitted, n_samples: int = 1, steps: int | None = None, *, key: Key, first: int = 0
) -> Table:
    """New rows, with the columns, dtypes and categories of the fitted table.

    Args:
        fitted: model and codec.
        n_samples: number of rows (default 1).
        steps: length of the best sub-schedule that is walked; None walks all T steps.
        key: random key of all rows.
        first: number of the first row (default 0): rows that are drawn a piece at a time are those
            that are drawn at once, but for constraints that want rows unique: they hold within
            a piece.

    Raises:
        SettingError: a negative number of rows, or steps out of range.
        DataError: more rows than there is memory for, or than differ where they are to be unique.
    """
    if not isinstance(n_samples, int | np.integer) or n_samples < 0:
        raise SettingError(f"n_samples = {n_samples!r} must be a whole number, not negative")
    require_rows(int(n_samples), len(fitted.schema.names))
    model, unique = fitted.walked(steps), unique_of(fitted)

    def states(numbers: np.ndarray, attempt: int) -> tuple[np.ndarray, ...]:
        again = jax.random.fold_in(key, attempt) if attempt else key
        return sample_numbered(model, numbers, key=again)

    def draw(number: int, first: int) -> pl.DataFrame:
        numbers = np.arange(first, first + number)
        return fitted.decode(within_room(fitted.codec, fitted.ties, states, numbers))

    frame = draw(int(n_samples), first)
    if unique:
        frame = without_repeats(frame, unique, lambda n, drawn: draw(n, first + drawn))
    return table_of(frame, fitted.schema, SOURCE)
