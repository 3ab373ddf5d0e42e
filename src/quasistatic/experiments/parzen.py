r"""Log-likelihood by Parzen windows, the protocol behind the paper's table 2 (Breuleux et al. 2011;
Goodfellow et al. 2014).

    log p(x) = log (1/n) sum_i N(x; y_i, sigma^2 I)

for samples y_i of the model; sigma is the best of `logspace(-1, 0, 10)` on validation rows. It is a
crude measure: it rewards samples that look like the training data, and cannot tell a good model of
them from a perfect one.
"""

import math
from typing import NamedTuple

import numpy as np

SIGMAS = np.logspace(-1, 0, 10)


class Parzen(NamedTuple):
    """The outcome.

    Args:
        nats: mean over the test rows, nats per row.
        stderr: standard error of the mean, nats per row.
        sigma: bandwidth, in the units of a pixel.
    """

    nats: float
    stderr: float
    sigma: float


def squared_distances(x: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """|x_j - y_i|^2, `[N, n]`, float64."""
    x, samples = np.asarray(x, np.float64), np.asarray(samples, np.float64)
    return np.maximum(np.sum(x**2, 1)[:, None] - 2 * x @ samples.T + np.sum(samples**2, 1), 0.0)


def log_density(squared: np.ndarray, sigma: float, n_columns: int) -> np.ndarray:
    """log p of every row from `squared_distances`, nats `[N]`."""
    exponent = -squared / (2 * sigma**2)
    highest = exponent.max(axis=1, keepdims=True)
    mean = np.mean(np.exp(exponent - highest), axis=1)
    return highest[:, 0] + np.log(mean) - 0.5 * n_columns * math.log(2 * math.pi * sigma**2)


def parzen(
    samples: np.ndarray, valid: np.ndarray, test: np.ndarray, *, chunk: int = 1000
) -> Parzen:
    """The protocol.

    Args:
        samples: samples drawn from the model, `[n, D]`; 10,000 in the table, pixels in [0, 1].
        valid: rows on which sigma is chosen, `[N, D]`; 1,000 in the table.
        test: rows whose log-likelihood is reported, `[N, D]`; 10,000 in the table.
        chunk: number of rows evaluated at once (default 1000).
    """
    n_columns = samples.shape[1]
    squared = squared_distances(valid, samples)
    sigma = float(max(SIGMAS, key=lambda s: log_density(squared, s, n_columns).mean()))
    parts = [
        log_density(squared_distances(test[i : i + chunk], samples), sigma, n_columns)
        for i in range(0, len(test), chunk)
    ]
    found = np.concatenate(parts)
    return Parzen(float(found.mean()), float(found.std() / math.sqrt(len(found))), sigma)
