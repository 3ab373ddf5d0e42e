r"""Bennett's acceptance ratio: a free-energy difference from work values of both directions, with
less variance than either alone.

Derivation. Two ensembles F and R of trajectories with `R(path) / F(path) = exp(-(W(path) - dF))`
for a known function W. Pool n_F draws of one and n_R of the other: by Bayes a trajectory of the
pool came from R with probability

    P(R|W) = 1 / (1 + exp(M + W - dF)),     M = log(n_F / n_R),

and the maximum of the likelihood of dF over the true labels is where expected and actual numbers
agree,

    sum over F of P(R|W)  =  sum over R of P(F|W).

The left side rises with dF and the right side falls: one root, found by bisection. The standard
error is that of the maximum of the likelihood, `1 / sum over the pool of P(F|W) P(R|W) - 1/n_F -
1/n_R` (Bennett 1976; Shirts et al. 2003); it is large where the two histograms do not overlap, and
not to be trusted where no more than a few trajectories overlap.

What the two directions are:

- a row x_0 of the model: F = q(x_1..x_T|x_0), R = p(x_1..x_T|x_0), W = -log w, and
  `-dF = log p(x_0)` (`work.py`);
- two models p and p' of the same rows: difference of the two, or directly F = p(x_0..x_T),
  R = p'(x_0..x_T), W = log p - log p' of the trajectory; both are normalised, so dF = 0 is a check,
  and the error says how much they overlap. With unnormalised p' it is -log Z'/Z;
- a model and its product with r(x_0), of normaliser Z = E_p r: F = p(x_0..x_T), R = p r / Z,
  W = -log r(x_0), and `-dF = log Z`.
"""

import numpy as np

__all__ = ["bennett"]

_BISECTIONS = 100


def bennett(forward_work: np.ndarray, reverse_work: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """dF and its standard error, nats, from W of n_F forward and n_R reverse trajectories.

    Args:
        forward_work: work W of trajectories of F, `[..., n_F]` nats.
        reverse_work: work, the same function W (not -W), of trajectories of R, `[..., n_R]` nats.

    Returns:
        Two arrays `[...]`.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> # F: W ~ N(3, 2), so that dF = 3 - 2/2 and R: W ~ N(1, 2)
        >>> free_energy, stderr = bennett(rng.normal(3, 2**0.5, 1000), rng.normal(1, 2**0.5, 1000))
        >>> bool(abs(free_energy - 2) < 4 * stderr), bool(stderr < 0.1)
        (True, True)
    """
    forward, reverse = np.asarray(forward_work, np.float64), np.asarray(reverse_work, np.float64)
    n_forward, n_reverse = forward.shape[-1], reverse.shape[-1]
    if n_forward < 1 or n_reverse < 1:
        raise ValueError("both directions need at least one work value")
    log_ratio = np.log(n_forward / n_reverse)
    pool = np.concatenate([forward, reverse], axis=-1) + log_ratio
    if not np.all(np.isfinite(pool)):
        raise ValueError("work values must be finite")
    # A sigmoid is below 1/(n_F + n_R) and the sum has its sign beyond this distance from all
    # values.
    margin = np.log(n_forward + n_reverse) + 1.0
    low, high = pool.min(axis=-1) - margin, pool.max(axis=-1) + margin
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        expected = np.sum(_from_reverse(pool - middle[..., None]), axis=-1)
        low, high = (
            np.where(expected < n_reverse, middle, low),
            np.where(expected < n_reverse, high, middle),
        )
    free_energy = 0.5 * (low + high)
    share = _from_reverse(pool - free_energy[..., None])
    with np.errstate(divide="ignore"):
        variance = 1.0 / np.sum(share * (1.0 - share), axis=-1) - 1.0 / n_forward - 1.0 / n_reverse
    return np.asarray(free_energy), np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def _from_reverse(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(x)) without overflow."""
    return 0.5 * (1.0 - np.tanh(0.5 * x))
