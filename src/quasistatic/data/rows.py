"""Which rows validate, and which make which batch: functions of seeds alone, so that any process
can work them out.
"""

import numpy as np

__all__ = ["epoch_batches", "split_validation"]


def split_validation(n: int, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split the rows 0 .. n - 1 at random into training and validation rows.

    Each side keeps at least one row when n >= 2 and 0 < fraction < 1; with fraction 0 all rows
    train.

    Args:
        n: number of rows.
        fraction: share of the validation rows, in [0, 1).
        seed: seed of the split.

    Returns:
        Sorted int32 row numbers `(training, validation)`.
    """
    if not 0 <= fraction < 1:
        raise ValueError(f"fraction = {fraction} must lie in [0, 1)")
    n_valid = round(n * fraction)
    if fraction > 0 and n >= 2:
        n_valid = min(max(n_valid, 1), n - 1)
    order = np.random.default_rng(seed).permutation(n).astype(np.int32)
    return np.sort(order[n_valid:]), np.sort(order[:n_valid])


def epoch_batches(n: int, batch_size: int, seed: int, epoch: int) -> np.ndarray:
    """Row numbers of every batch of one epoch.

    A permutation of the rows, wrapped around cyclically so that each batch is full; with n <
    batch_size rows repeat.

    Args:
        n: number of rows, at least 1.
        batch_size: number of rows in a batch, at least 1.
        seed: seed of the run.
        epoch: number of the epoch, counted from 0.

    Returns:
        int32 `[ceil(n / batch_size), batch_size]`.
    """
    if n < 1 or batch_size < 1:
        raise ValueError(f"n = {n} and batch_size = {batch_size} must be positive")
    order = np.random.default_rng([seed, epoch]).permutation(n).astype(np.int32)
    n_batches = -(-n // batch_size)
    return np.resize(order, (n_batches, batch_size))
