r"""Is Crooks' relation kept? Its slope, by logistic regression, should be 1.

`R(W) / F(W) = exp(-(W - dF))` says that the log-odds of a trajectory to come from the reversal are
-W plus a constant. Fitted as `-slope W + constant` to trajectories with labels, slope = 1 up to its
standard error; a wrong weight, bridge or sampler shows as another slope, whatever the quality of
the network.
"""

from typing import NamedTuple

import numpy as np

__all__ = ["Histogram", "Slope", "crooks_slope", "matched_slope", "work_histogram"]

_NEWTON_STEPS = 50
_LEAST_SPREAD = 0.01
"""Of the work of a row, nats: below it, at an exact reversal, there is no relation to see."""


class Slope(NamedTuple):
    """Crooks' slope, 1 where the relation holds.

    Args:
        value: estimate of the slope; NaN where the work values hardly vary or the labels are
            separated perfectly.
        stderr: standard error of `value`.
    """

    value: float
    stderr: float

    @property
    def z(self) -> float:
        """Deviation from 1 in standard errors."""
        return (self.value - 1.0) / self.stderr


class Histogram(NamedTuple):
    """Work in both directions in common bins.

    Args:
        edges: edges of the bins, `[bins + 1]` nats.
        forward: counts of forward work in the bins, `[bins]`.
        reverse: counts of reverse work in the bins, `[bins]`.
        log_ratio: `log F(W) / R(W)` per bin, which rises as W - dF; NaN where either count is 0.
        stderr: standard error of `log_ratio`, per bin.
    """

    edges: np.ndarray
    forward: np.ndarray
    reverse: np.ndarray
    log_ratio: np.ndarray
    stderr: np.ndarray


def work_histogram(forward_work: np.ndarray, reverse_work: np.ndarray, bins: int = 30) -> Histogram:
    """Histograms of work values of both directions, of one dF (for rows with their own: subtract an
    estimate of it from each).
    """
    forward, reverse = np.ravel(forward_work), np.ravel(reverse_work)
    edges = np.histogram_bin_edges(np.concatenate([forward, reverse]), bins)
    n_forward, n_reverse = np.histogram(forward, edges)[0], np.histogram(reverse, edges)[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        both = (n_forward > 0) & (n_reverse > 0)
        ratio = np.where(
            both, np.log(n_forward / len(forward)) - np.log(n_reverse / len(reverse)), np.nan
        )
        stderr = np.where(both, np.sqrt(1.0 / n_forward + 1.0 / n_reverse), np.nan)
    return Histogram(edges, n_forward, n_reverse, ratio, stderr)


def crooks_slope(forward_work: np.ndarray, reverse_work: np.ndarray) -> Slope:
    """Slope of one pair of ensembles with one dF: logistic regression of the direction on W.

    Args:
        forward_work: work W of forward trajectories, `[n_F]` nats.
        reverse_work: work W of reverse trajectories, `[n_R]` nats.
    """
    work = np.concatenate([np.ravel(forward_work), np.ravel(reverse_work)]).astype(np.float64)
    label = np.concatenate([np.zeros(np.size(forward_work)), np.ones(np.size(reverse_work))])
    centre = work.mean()
    design = np.stack([-(work - centre), np.ones_like(work)], axis=1)

    def derivatives(parameters: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        logit = design @ parameters
        share = 0.5 * (1.0 + np.tanh(0.5 * logit))
        log_likelihood = np.sum(label * logit - np.logaddexp(0.0, logit))
        return (
            log_likelihood,
            design.T @ (label - share),
            (design * (share * (1 - share))[:, None]).T @ design,
        )

    start = np.array([0.0, np.log(label.sum() / (1 - label).sum())])
    return _maximum(derivatives, start)


def matched_slope(forward_work: np.ndarray, reverse_work: np.ndarray) -> Slope:
    """Slope of many rows, each with a dF of its own: conditional logistic regression.

    Given the R trajectories of a row, the one that generated it is the k-th with probability
    `w_k^slope / sum_j w_j^slope`: the row's dF drops out.

    Args:
        forward_work: work W of forward trajectories of the rows, `[N, R - 1]` nats.
        reverse_work: work W of the trajectories that generated the rows, `[N]` nats.
    """
    log_weights = -np.concatenate([np.asarray(reverse_work)[:, None], forward_work], axis=1).astype(
        np.float64
    )
    log_weights -= log_weights.mean(axis=1, keepdims=True)
    if log_weights.std() < _LEAST_SPREAD:
        return Slope(float("nan"), float("inf"))

    def derivatives(parameters: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        scaled = parameters[0] * log_weights
        total = np.logaddexp.reduce(scaled, axis=1, keepdims=True)
        share = np.exp(scaled - total)
        mean = np.sum(share * log_weights, axis=1)
        spread = np.sum(share * np.square(log_weights - mean[:, None]), axis=1)
        return (
            float(np.sum(scaled[:, 0] - total[:, 0])),
            np.array([np.sum(log_weights[:, 0] - mean)]),
            np.array([[spread.sum()]]),
        )

    return _maximum(derivatives, np.zeros(1))


def _maximum(derivatives, parameters: np.ndarray) -> Slope:
    """Newton's method with halved steps on a concave log-likelihood; the slope is the first
    parameter.
    """
    value, gradient, information = derivatives(parameters)
    for _ in range(_NEWTON_STEPS):
        if information[0, 0] < 1e-9 or np.linalg.cond(information) > 1e12:
            return Slope(float("nan"), float("inf"))
        step = np.linalg.solve(information, gradient)
        for _ in range(30):
            trial = derivatives(parameters + step)
            if trial[0] >= value:
                break
            step = 0.5 * step
        parameters = parameters + step
        value, gradient, information = trial
        if np.max(np.abs(step)) < 1e-10:
            break
    if information[0, 0] < 1e-9 or np.linalg.cond(information) > 1e12:
        return Slope(float("nan"), float("inf"))
    return Slope(float(parameters[0]), float(np.sqrt(np.linalg.inv(information)[0, 0])))
