"""From the log-weights of several trajectories to a lower bound on log p, with its error (annealed
importance sampling).
"""

from typing import NamedTuple

import numpy as np

__all__ = ["WeightedBound", "weighted_bound"]


class WeightedBound(NamedTuple):
    """Importance-weighted bound per row; NumPy `[N]`, float64.

    Args:
        lower: `log mean w`, nats; below log p in expectation, rising with the number of
            trajectories R.
        stderr: Monte Carlo standard error of `lower` (delta method), nats; NaN when R = 1.
        ess: effective sample size `(sum w)^2 / sum w^2`, between 1 and R.
    """

    lower: np.ndarray
    stderr: np.ndarray
    ess: np.ndarray


def weighted_bound(log_weights: np.ndarray) -> WeightedBound:
    """The bound of `[N, R]` log-weights, R trajectories a row.

    Example:
        >>> import numpy as np
        >>> weighted_bound(np.log([[1.0, 3.0]])).lower.round(3)
        array([0.693])
    """
    log_weights = np.asarray(log_weights, np.float64)
    n_trajectories = log_weights.shape[1]
    highest = log_weights.max(axis=1, keepdims=True)
    highest = np.where(np.isfinite(highest), highest, 0.0)
    weights = np.exp(log_weights - highest)
    mean = weights.mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        lower = np.log(mean) + highest[:, 0]
        ess = n_trajectories * mean**2 / np.mean(weights**2, axis=1)
        spread = (
            weights.std(axis=1, ddof=1) if n_trajectories > 1 else np.full(len(weights), np.nan)
        )
        stderr = spread / mean / np.sqrt(n_trajectories)
    return WeightedBound(lower, stderr, ess)
