"""What `log_likelihood` returns: numbers with their error, unit and base measure."""

from dataclasses import dataclass, field

import numpy as np

from quasistatic.bound.upper import UpperKind


@dataclass(frozen=True)
class Likelihood:
    """Bounds on log p, one per row.

    Args:
        lower: `[N]` lower bound on log p(row) in expectation over the Monte Carlo noise, nats, in
            the data's own units.
        stderr: `[N]` Monte Carlo standard error of `lower`, nats; NaN with one trajectory.
        ess: `[N]` effective sample size of the trajectories; NaN for the bound K, which weights
            nothing.
        method: "bound" (K), "ais" (importance-weighted over trajectories), "smc" (over particles
            that are resampled on their way) or "sandwich" ("ais" with an upper side).
        trajectories: draws per row.
        steps: of the trajectory that was walked: T, or fewer on a sub-schedule.
        base_measure: what the density refers to: which columns are counted, which measured and in
            which units.
        terms: `[N]` each, nats, named; they add up to `lower` (method "bound" only).
        upper: `[N]` the upper side, nats; None for the one-sided methods.
        stderr_upper: `[N]` its Monte Carlo standard error, nats.
        upper_kind: "exact-sample": above log p in expectation; "asymptotic": above it in the limit
            of many trajectories.
        unit: of all these numbers.
    """

    lower: np.ndarray
    stderr: np.ndarray
    ess: np.ndarray
    method: str
    trajectories: int
    steps: int
    base_measure: str
    terms: dict[str, np.ndarray] = field(default_factory=dict)
    upper: np.ndarray | None = None
    stderr_upper: np.ndarray | None = None
    upper_kind: UpperKind | None = None
    unit: str = "nats per row"

    @property
    def stderr_lower(self) -> np.ndarray:
        """`stderr`, by the name that goes with `stderr_upper`."""
        return self.stderr

    @property
    def mean(self) -> float:
        """Mean of `lower` over the rows, nats."""
        return float(np.mean(self.lower))

    @property
    def mean_stderr(self) -> float:
        """Standard error of `mean`, nats; NaN for one row.

        The spread over the rows contains the Monte Carlo noise as far as it is independent. Equal
        rows share theirs, which n of them leave n (n - 1) stderr^2 / N^2 more of in the variance of
        the mean.
        """
        _, first, counts = np.unique(self.lower, return_index=True, return_counts=True)
        shared = np.sum(counts * (counts - 1.0) * np.square(np.nan_to_num(self.stderr[first])))
        return float(np.hypot(mean_and_stderr(self.lower)[1], np.sqrt(shared) / len(self.lower)))

    @property
    def gap(self) -> tuple[float, float]:
        """Mean of `upper - lower` over the rows and its standard error over them, nats; NaN without
        an upper side.
        """
        return (
            (float("nan"), float("nan"))
            if self.upper is None
            else mean_and_stderr(self.upper - self.lower)
        )


def mean_and_stderr(values: np.ndarray) -> tuple[float, float]:
    """Mean of `[N]` values and its standard error from their spread; NaN for a single one."""
    n = len(values)
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(n)) if n > 1 else float(
        "nan"
    )
