"""Which rows make which batch: a function of (seed, epoch) alone, so that any process can work it
out.
"""

import numpy as np


def epoch_batches(n: int, batch_size: int, seed: int, epoch: int) -> np.ndarray:
    """Row numbers of every batch of one epoch.

    A permutation of the rows, wrapped around cyclically so that each batch is full; with n <
    batch_size rows repeat.

    Args:
        n: number of rows, at least 1.
        batch_size: rows in a batch, at least 1.
        seed: seed of the run.
        epoch: 0, 1, 2, ...

    Returns:
        int32 `[ceil(n / batch_size), batch_size]`.
    """
    if n < 1 or batch_size < 1:
        raise ValueError(f"n = {n} and batch_size = {batch_size} must be positive")
    order = np.random.default_rng([seed, epoch]).permutation(n).astype(np.int32)
    n_batches = -(-n // batch_size)
    return np.resize(order, (n_batches, batch_size))
