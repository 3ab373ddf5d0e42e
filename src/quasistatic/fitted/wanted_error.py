"""How many trajectories a wanted error takes: rows differ in what they need, and models more so."""

import numpy as np

from quasistatic.data.table import Table
from quasistatic.errors import SettingError
from quasistatic.fitted.likelihood import METHODS, log_likelihood, trajectories_of
from quasistatic.fitted.model import Fitted
from quasistatic.typing import Key

__all__ = ["trajectories_within"]

_PILOT_ROWS = 256
"""Rows that the number is found with, evenly spaced in the table."""
_MOST_TRAJECTORIES = 4096


def trajectories_within(
    fitted: Fitted, table: Table, method: str, stderr: float, steps: int | None = None, *, key: Key
) -> int:
    """The number of trajectories, a power of 2, whose Monte Carlo standard errors have a wanted
    mean, or less: found with up to 256 of the rows.

    Args:
        fitted: model and codec.
        table: rows that are to be scored.
        method: name of a line of `METHODS`.
        stderr: mean standard error that is wanted, nats.
        steps: length of the best sub-schedule that is walked; None walks all T steps.
        key: random key of the rows.

    Raises:
        SettingError: an unknown method, an error that is not positive, or one that
            `_MOST_TRAJECTORIES` do not reach.
        DataError, SchemaError: rows that the model cannot score.
    """
    if not stderr > 0:
        raise SettingError(f"stderr = {stderr!r} must be positive")
    n = max(trajectories_of(method, None) // 16, METHODS[method].least, 2)
    some = table.take(np.unique(np.linspace(0, len(table) - 1, _PILOT_ROWS).astype(int)))
    while True:
        found = log_likelihood(fitted, some, method, n, steps, key=key)
        # A row that the model makes impossible has no error, whatever the number.
        known = found.stderr[np.isfinite(found.stderr)]
        reached = float(np.mean(known)) if len(known) else 0.0
        if reached <= stderr:
            return n
        if n >= _MOST_TRAJECTORIES:
            raise SettingError(
                f"the standard error of {n} trajectories is {reached:.3g} nats, not {stderr:g}",
                fix="ask for a larger one, or give the number of trajectories",
            )
        n = min(2 ** (n.bit_length()), _MOST_TRAJECTORIES)
