r"""An upper estimate of log p for rows whose posterior trajectory is not known: iterated
sampling-importance-resampling (i-SIR).

A chain holds one trajectory, the first a forward one. At each sweep R - 1 fresh forward
trajectories join it; the upper estimate of the sweep is the log of the mean of the R weights, and
one of the R is retained with a probability proportional to its weight (Andrieu, Lee, Vihola 2018).
The posterior trajectory is the chain's stationary state, in which the estimate is that of
`upper.py`; before, it is lower. Hence "asymptotic": with weights whose tail was not met by any of
the trajectories, it may lie below log p.

Fresh trajectories do not depend on the retained one, so the chain needs nothing but log-weights,
and the expectation over *which* one is retained is taken exactly: with rho the distribution of the
retained one over all weights met so far and S the sum of the fresh weights,

    estimate = sum_k rho_k log((w_k + S) / R),
    rho_k <- rho_k w_k / (w_k + S),
    rho_fresh <- w_fresh sum_k rho_k / (w_k + S).
"""

import numpy as np

from quasistatic.bound.lower import weighted_bound
from quasistatic.bound.upper import Bracket

__all__ = ["chain_bracket", "sweep_estimates"]


def sweep_estimates(log_weights: np.ndarray, sweeps: int) -> np.ndarray:
    """Estimates of the sweeps, `[N, sweeps]`, nats, from log-weights `[N, M]`: the first starts the
    chain, the others are shared out.

    R - 1 = (M - 1) // sweeps trajectories are fresh in each sweep; a remainder is not used.
    """
    log_weights = np.asarray(log_weights, np.float64)
    fresh = (log_weights.shape[1] - 1) // sweeps
    if fresh < 1:
        raise ValueError(
            f"{sweeps} sweeps need at least {sweeps + 1} trajectories, got {log_weights.shape[1]}"
        )
    rho = np.zeros(log_weights.shape)
    rho[:, 0] = 1.0
    estimates = np.empty((len(log_weights), sweeps))
    for sweep in range(sweeps):
        met, end = 1 + sweep * fresh, 1 + (sweep + 1) * fresh
        known, new = log_weights[:, :met], log_weights[:, met:end]
        together = np.logaddexp(known, np.logaddexp.reduce(new, axis=1)[:, None])
        estimates[:, sweep] = np.sum(rho[:, :met] * together, axis=1) - np.log(fresh + 1)
        moved = np.exp(new[:, :, None] - together[:, None, :]) @ rho[:, :met, None]
        rho[:, :met] *= np.exp(known - together)
        rho[:, met:end] = moved[:, :, 0]
    return estimates


def chain_bracket(log_weights: np.ndarray, sweeps: int = 4) -> Bracket:
    """The bracket of `[N, M]` log-weights of forward trajectories.

    The lower side is the importance-weighted bound of all M; the upper the mean over the later half
    of the sweeps, with the jackknife's standard error (one sweep's fresh trajectories left out at a
    time; it does not see the bias of a chain that is too short); NaN for a single sweep.
    """
    log_weights = np.asarray(log_weights, np.float64)
    below = weighted_bound(log_weights)
    upper = _later(sweep_estimates(log_weights, sweeps))
    if sweeps == 1:
        return Bracket(
            below.lower, upper, below.stderr, np.full(len(upper), np.nan), below.ess, "asymptotic"
        )
    fresh = (log_weights.shape[1] - 1) // sweeps
    left_out = []
    for sweep in range(sweeps):
        kept = np.delete(
            log_weights[:, : 1 + sweeps * fresh],
            np.s_[1 + sweep * fresh : 1 + (sweep + 1) * fresh],
            axis=1,
        )
        left_out.append(_later(sweep_estimates(kept, sweeps - 1)))
    stderr = np.sqrt((sweeps - 1) * np.var(left_out, axis=0))
    return Bracket(below.lower, upper, below.stderr, stderr, below.ess, "asymptotic")


def _later(estimates: np.ndarray) -> np.ndarray:
    return estimates[:, estimates.shape[1] // 2 :].mean(axis=1)
