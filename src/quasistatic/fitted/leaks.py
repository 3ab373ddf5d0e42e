r"""What tells training rows from a hold-out: numbers whose expectation is known if nothing leaked.

**Nearest records.** Of drawn rows, the share whose nearest record among all real ones is a training
row. With n training rows and m of the hold-out, and nothing leaked, any n of the N = n + m records
might as well be the training rows: the share is `p = n / N` in expectation, whatever the sizes. If
`w_i` is the share of drawn rows that record i is nearest to, its variance over the choice of the n
is

    p (1 - p) N / (N - 1) sum_i (w_i - 1/N)^2

A binomial error would take drawn rows that have one nearest record in common for independent.

**Membership.** A score of rows, such as log p, tells with the probability `P(s > s') + P(s = s')/2`
(area under the curve) which of a training row and a row of the hold-out is which. Its error is that
of DeLong, DeLong and Clarke-Pearson (1988): the spread of each row's share of the pairs.
"""

from typing import NamedTuple

import numpy as np

from quasistatic.fitted.likelihood import mean_and_stderr

__all__ = ["Guess", "Membership", "Nearer", "guess", "membership", "nearer"]


class Nearer(NamedTuple):
    """The drawn rows that are nearer to a training row than to any of the hold-out.

    Args:
        share: share of the drawn rows, 0 to 1; a row as near to both counts in parts.
        expected: share of the training rows among all real ones: `share` if nothing leaked.
        stderr: standard deviation of `share` if nothing leaked.
        rows: number of drawn rows.
    """

    share: float
    expected: float
    stderr: float
    rows: int


class Membership(NamedTuple):
    """Log p of training rows against that of the hold-out.

    Args:
        train: mean over training rows, nats.
        holdout: mean over rows of the hold-out, nats.
        gap: `train - holdout`, nats; 0 if nothing leaked.
        gap_stderr: standard error of `gap`, nats.
        auc: probability that a training row is likelier than one of the hold-out; 1/2 if nothing
            leaked.
        auc_stderr: standard error of `auc`.
        rows: number of rows of the training table and of the hold-out that were scored.
    """

    train: float
    holdout: float
    gap: float
    gap_stderr: float
    auc: float
    auc_stderr: float
    rows: tuple[int, int]


class Guess(NamedTuple):
    """Errors of guessed cells: the share of wrong states, or the mean distance of numbers, 0 to 1.

    Args:
        train: mean error on training rows.
        holdout: mean error on rows of the hold-out.
        advantage: `holdout - train`; 0 if nothing leaked.
        stderr: standard error of `advantage`; NaN with fewer than two cells.
    """

    train: float
    holdout: float
    advantage: float
    stderr: float


def nearer(shares: np.ndarray, train: int, rows: int) -> Nearer:
    """The share of drawn rows that are nearest to a training row, with its error.

    Args:
        shares: share of the drawn rows that each real row is nearest to, `[N]`, the training rows
            first.
        train: number of training rows.
        rows: number of drawn rows.

    Example:
        >>> import numpy as np
        >>> found = nearer(np.array([0.5, 0.5, 0.0, 0.0]), 2, 10)
        >>> found.share, found.expected, round(found.stderr, 3)
        (1.0, 0.5, 0.289)
    """
    total = len(shares)
    p = train / total
    spread = np.sum((shares - 1.0 / total) ** 2) * total / (total - 1)
    share = float(shares[:train].sum() / shares.sum())
    return Nearer(share, p, float(np.sqrt(p * (1 - p) * spread)), rows)


def membership(train: np.ndarray, holdout: np.ndarray) -> Membership:
    """How well a score tells training rows from a hold-out.

    Args:
        train: log p of training rows, nats `[n]`, two at least.
        holdout: log p of rows of the hold-out, nats `[m]`, two at least.

    Example:
        >>> import numpy as np
        >>> membership(np.array([3.0, 2.0]), np.array([1.0, 2.0])).auc
        0.875
    """
    (mean, stderr), (other, other_stderr) = mean_and_stderr(train), mean_and_stderr(holdout)
    auc, spread = mean_and_stderr(_below(holdout, train))
    _, other_spread = mean_and_stderr(_below(train, holdout))
    return Membership(
        mean,
        other,
        mean - other,
        float(np.hypot(stderr, other_stderr)),
        auc,
        float(np.hypot(spread, other_spread)),
        (len(train), len(holdout)),
    )


def _below(scores: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Share of the scores that lie below each of others, equal ones counting half."""
    order = np.sort(scores)
    sides = [np.searchsorted(order, of, side) for side in ("left", "right")]
    return (sides[0] + sides[1]) / (2 * len(order))


def guess(train: np.ndarray, holdout: np.ndarray) -> Guess:
    """How much better cells of training rows are guessed than those of the hold-out.

    Args:
        train: errors of guesses on training rows, `[n]`; NaN counts for nothing.
        holdout: errors of guesses on rows of the hold-out, `[m]`; NaN counts for nothing.
    """
    known = [errors[~np.isnan(errors)] for errors in (train, holdout)]
    if not all(len(errors) for errors in known):
        return Guess(*[float("nan")] * 4)
    (mean, stderr), (other, other_stderr) = (mean_and_stderr(errors) for errors in known)
    return Guess(mean, other, other - mean, float(np.hypot(stderr, other_stderr)))
