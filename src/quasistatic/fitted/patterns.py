"""How often patterns of flags occur."""

from collections import Counter

import numpy as np

__all__ = ["log_frequency"]


def log_frequency(known: np.ndarray, new: np.ndarray) -> np.ndarray:
    """log-probability of rows of flags by the frequencies of such rows, each counted half a time
    more, nats `[M]`.

    Args:
        known: rows that are counted, bool `[N, K]`.
        new: rows whose probability is wanted, bool `[M, K]`.

    Example:
        >>> known, new = np.array([[True], [True], [False]]), np.array([[True], [False]])
        >>> np.exp(log_frequency(known, new)).round(3).tolist()
        [0.625, 0.375]
    """
    counts = Counter(map(bytes, np.asarray(known, bool)))
    kinds = min(len(counts) + 1, 2 ** known.shape[1])
    total = len(known) + 0.5 * kinds
    found = [counts[bytes(row)] + 0.5 for row in np.asarray(new, bool)]
    return np.log(np.asarray(found) / total)
