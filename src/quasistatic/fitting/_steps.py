r"""How many steps the correlations of a table's numbers need, before anything is trained.

A component of a reverse step is independent over columns, and what x_{t-1} keeps given x_t of their
correlation is lost to the bound. Of a normal distribution with covariance S, erased by per-column
schedules with alpha_bar_t, that is in nats, with the exact means and variances,

    loss(T) = sum_{t=1..T} [ sum_j log (C_t)_jj - log det C_t ] / 2,
    1 / C_t = 1 / P_{t-1} + diag(alpha_t / (1 - alpha_t)),   P_t = A_t S A_t + 1 - A_t^2,
    A_t = diag(sqrt(alpha_bar_t)),   alpha_t = alpha_bar_t / alpha_bar_{t-1},

the total correlation of S for T = 1 and about a T-th of a constant for many steps. S is that within
the classes of a mixture of products: what classes explain, components of the reverse step do, too.
"""

from itertools import pairwise

import numpy as np

from quasistatic.assemble import finest_noise
from quasistatic.data.cells import EncodedTable
from quasistatic.data.codec import Codec
from quasistatic.fitting._clusters import FEW_ROWS, classes
from quasistatic.fitting._defaults import MIXTURE_STEPS
from quasistatic.fitting._em import Sample
from quasistatic.forward.schedule import LearnedSchedule

LENGTHS = (MIXTURE_STEPS, 16)
"""T that is chosen from. With 64, whose particles are resampled (`posterior.query.SHORT`), the
draws for the holes of breast_cancer_diagnostic were nearly alike; 32 were not looked at."""
WORTH = 1.0
"""Nats that twice as many steps have to win back by the formula, at least. Learned schedules and
components win back some by themselves: where the formula promised .6 nats (crabs) and .4 (wine),
held-out rows gained nothing."""
_LEAST_VARIANCE = 1e-5
"""Of a direction: what is narrower than the noise of the first step is not told apart."""
_ROWS_A_COLUMN = 3
"""Rows for each number of a row, at least: with fewer their covariance is chance."""


def enough_steps(encoded: EncodedTable, codec: Codec, n_clusters: int, seed: int) -> int:
    """The least T of `LENGTHS` at which twice as many steps would win back less than `WORTH`.

    Args:
        encoded: rows that are trained on.
        codec: codec of the rows.
        n_clusters: number of classes that explain some of the correlation.
        seed: seed of the estimation.
    """
    width = codec.typical_width
    n_rows = min(len(encoded), FEW_ROWS)
    if len(width) < 2 or n_rows < _ROWS_A_COLUMN * len(width):
        return LENGTHS[0]
    covariance = covariance_within(*classes(encoded, codec, n_clusters, seed))
    lost = [independence_loss(covariance, width, T) for T in LENGTHS]
    gained = np.array(lost[:-1]) - np.array(lost[1:])
    return LENGTHS[int(np.argmax([*(gained < WORTH), True]))]


def independence_loss(covariance: np.ndarray, typical_width: np.ndarray, T: int) -> float:
    """Nats that T >= 2 reverse steps with independent columns lose on a normal distribution, at the
    schedules that a training starts from.

    Args:
        covariance: covariance S of the numbers in z, `[D, D]`.
        typical_width: z-width of the columns' cells, `[D]`; 0 for a density.
        T: number of steps.
    """
    highest = -2.0 * np.log(finest_noise(typical_width))
    log_snr = np.linspace(highest, np.full_like(highest, LearnedSchedule.LOWEST), T)
    kept = np.concatenate([np.ones((1, len(highest))), 1.0 / (1.0 + np.exp(-log_snr))])
    lost = 0.0
    for before, after in pairwise(kept):
        signal = np.sqrt(before)
        p = signal[:, None] * covariance * signal + np.diag(1.0 - before)
        alpha = after / before
        c = np.linalg.inv(np.linalg.inv(p) + np.diag(alpha / (1.0 - alpha)))
        lost += 0.5 * float(np.log(np.diag(c)).sum() - np.linalg.slogdet(c)[1])
    return lost


def covariance_within(sample: Sample, of_classes: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Covariance of the numbers within classes, from the pairs of cells that are there, `[D, D]`.

    Args:
        sample: rows.
        of_classes: share of every class in every row, `[N, C]`.
        means: means of the classes, `[C, D]`.
    """
    seen = sample.seen & ~sample.filler
    total, pairs = 0.0, np.maximum(seen.T.astype(float) @ seen, 1.0)
    for share, mean in zip(of_classes.T, means, strict=True):
        apart = np.where(seen, sample.value - mean, 0.0)
        total = total + (share[:, None] * apart).T @ apart
    covariance = total / pairs + np.diag(np.full(len(pairs), _LEAST_VARIANCE))
    lowest = float(np.linalg.eigvalsh(covariance)[0])
    # Of pairs it may be no covariance.
    return covariance + np.diag(np.full(len(pairs), max(_LEAST_VARIANCE - lowest, 0.0)))
