r"""Dissipation, log p - K, shared out among the steps so that the shares add up to it exactly.

With increments g_t of a forward trajectory's log-weight (`trajectory.increments`, log w = sum_t
g_t) K = E sum_t g_t and log p = log E exp(sum_t g_t). Turn all increments on together, `F(a) = log
E exp(a sum_t g_t)` from F(0) = 0 to F(1) = log p: by the chain rule

    log p = sum_t A_t,    A_t = integral_0^1 E_a[g_t] da,

E_a the mean over trajectories weighted by w^a, and the share of step t is `D_t = A_t - E_0[g_t]`,
by how much its increment is *better on the trajectories that matter* than on the average one: the
Aumann-Shapley value of step t. To second order D_t = Cov(g_t, log w) / 2, the
fluctuation-dissipation relation (dissipation = half the variance of the work). A share can be
negative: a step that makes up for what another one lost.

With R trajectories the means are weighted averages over them, and the shares add up to `log mean w
- mean log w` of those R: like the importance-weighted bound it misses what no trajectory has met.
"""

import numpy as np

NODES = 64


def dissipation_shares(increments: np.ndarray) -> np.ndarray:
    """Shares `[N, T + 1]`, nats, from increments `[N, R, T + 1]` of R trajectories a row; each
    row's add up to its dissipation.

    Example:
        >>> shares = dissipation_shares(np.array([[[0.0, 1.0, 3.0], [0.0, -1.0, 3.0]]]))
        >>> shares.round(6).tolist() == [[0.0, round(float(np.log(np.cosh(1.0))), 6), 0.0]]
        True
    """
    increments = np.asarray(increments, np.float64)
    log_weights = increments.sum(axis=2)
    log_weights = log_weights - log_weights.mean(axis=1, keepdims=True)
    n = log_weights.shape[1]
    root, weight = np.polynomial.legendre.leggauss(NODES)
    # Widely spread weights turn over near a = 0: nodes a = u^3 are dense there.
    u = 0.5 * (root + 1.0)
    tilt = np.zeros(log_weights.shape)
    for node, share in zip(u**3, 0.5 * weight * 3 * u**2, strict=True):
        tilted = node * log_weights
        tilt += share * np.exp(tilted - np.logaddexp.reduce(tilted, axis=1, keepdims=True))
    dissipation = np.logaddexp.reduce(log_weights, axis=1) - np.log(n)
    integral = np.sum(
        tilt * log_weights, axis=1
    )  # the dissipation, up to the error of the quadrature
    exact = np.divide(
        dissipation, integral, out=np.ones_like(integral), where=np.abs(integral) > 1e-12
    )
    shares = np.einsum(
        "nr,nrt->nt", tilt - 1.0 / n, increments - increments.mean(axis=1, keepdims=True)
    )
    return shares * exact[:, None]
