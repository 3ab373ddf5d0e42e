"""What `log_likelihood` returns: numbers with their error, unit and base measure."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Likelihood:
    """Lower bounds on log p, one per row.

    Args:
        lower: `[N]` lower bound on log p(row) in expectation over the Monte Carlo noise, nats, in the data's own units.
        stderr: `[N]` Monte Carlo standard error of `lower`, nats; NaN with one trajectory.
        ess: `[N]` effective sample size of the trajectories; NaN for the bound K, which weights nothing.
        method: "bound" (K) or "ais" (importance-weighted over trajectories).
        trajectories: draws per row.
        base_measure: what the density refers to: which columns are counted, which measured and in which units.
        terms: `[N]` each, nats, named; they add up to `lower` (method "bound" only).
        unit: of all these numbers.
    """

    lower: np.ndarray
    stderr: np.ndarray
    ess: np.ndarray
    method: str
    trajectories: int
    base_measure: str
    terms: dict[str, np.ndarray] = field(default_factory=dict)
    unit: str = "nats per row"

    @property
    def mean(self) -> float:
        """Mean of `lower` over the rows, nats."""
        return float(np.mean(self.lower))

    @property
    def mean_stderr(self) -> float:
        """Standard error of `mean` over the rows (their spread contains the Monte Carlo noise), nats; NaN for one row."""
        n = len(self.lower)
        return float(np.std(self.lower, ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
