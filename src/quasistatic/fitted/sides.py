"""Both sides of log p that a method finds of some rows."""

from typing import NamedTuple

import numpy as np

from quasistatic.bound.upper import UpperKind

__all__ = ["Sides"]


class Sides(NamedTuple):
    """What a method finds of N rows, in the model's units; NumPy, nats.

    Args:
        lower: lower side, `[N]` nats, below log p in expectation.
        stderr: Monte Carlo standard error of `lower`, `[N]` nats; NaN with one draw.
        ess: effective sample size, `[N]`; NaN where nothing is weighted.
        upper: upper side, `[N]` nats; None (default) for a one-sided method.
        stderr_upper: Monte Carlo standard error of `upper`, `[N]` nats; None (default) for a
            one-sided method.
        upper_kind: sense in which `upper` is above log p; None (default) for a one-sided method.
        terms: named terms that add up to `lower`, `[N]` nats each; None (default) where there are
            none.
    """

    lower: np.ndarray
    stderr: np.ndarray
    ess: np.ndarray
    upper: np.ndarray | None = None
    stderr_upper: np.ndarray | None = None
    upper_kind: UpperKind | None = None
    terms: dict[str, np.ndarray] | None = None

    def impossible(self, rows: np.ndarray) -> "Sides":
        """The same with log p minus infinity, exactly, where the flags `[N]` say so."""
        none = {"lower": -np.inf, "stderr": 0.0, "upper": -np.inf, "stderr_upper": 0.0}
        sides = {
            name: np.where(rows, value, side)
            for name, value in none.items()
            if (side := getattr(self, name)) is not None
        }
        return self._replace(**sides)
