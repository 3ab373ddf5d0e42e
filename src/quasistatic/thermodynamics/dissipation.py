r"""Dissipation, log p - K, shared out among the steps so that the shares add up to it exactly.

With increments g_t of a forward trajectory's log-weight (log w = sum_t g_t) K = E sum_t g_t and log
p = log E exp(sum_t g_t). Turn all increments on together, `F(a) = log E exp(a sum_t g_t)` from F(0)
= 0 to F(1) = log p: by the chain rule

    log p = sum_t A_t,   A_t = integral_0^1 E_a[g_t] da,   E_a the mean over trajectories weighted by w^a,

and the share of step t is `D_t = A_t - E_0[g_t]`, by how much its increment is *better on the
trajectories that matter* than on the average one: the Aumann-Shapley value of step t. To second
order D_t = Cov(g_t, log w) / 2, the fluctuation-dissipation relation (dissipation = half the
variance of the work). A share can be negative: a step that makes up for what another one lost.

With R trajectories the means are weighted averages over them, and the shares add up to `log mean w
- mean log w` of those R: like the importance-weighted bound it misses what no trajectory has met.
"""

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.model import DiffusionModel
from quasistatic.trajectory import Row, start
from quasistatic.typing import Array, Float, Key, Step

NODES = 64


def log_weight_increments(model: DiffusionModel, row: Row, *, key: Key) -> Float[Array, " steps"]:
    """Increments `[T + 1]` of a forward trajectory's log-weight: steps t = 1..T, then `log pi(x_T)
    / q(x_T|x_0)`; nats.

    With the key of `trajectory.log_weight` it is the same trajectory, and they add up to its
    result.
    """
    forward, last = model.forward, model.trajectory_length
    fill_key, last_key, walk_key = jax.random.split(key, 3)
    begin = start(row, key=fill_key)
    marginal = forward.marginal(begin.x_0, last)
    x_last = marginal.sample(key=last_key)

    def total(columns: Float[Array, " D"]) -> Float[Array, ""]:
        return jnp.sum(jnp.where(begin.columns, columns, 0.0))

    def step(x_t, t: Step):
        bridge = forward.bridge(x_t, begin.x_0, t)
        x_before = bridge.sample(key=jax.random.fold_in(walk_key, t))
        reverse = model.reverse_kernel(x_t, begin.observed, t)
        return x_before, total(reverse.log_prob(x_before) - bridge.log_prob(x_before))

    x_1, later = jax.lax.scan(step, x_last, jnp.arange(last, 1, -1))
    first = total(
        model.reverse_kernel(x_1, begin.observed, 1).log_cell(begin.x_0, begin.width)
    ) + jnp.sum(begin.filler)
    end = total(forward.prior().log_prob(x_last) - marginal.log_prob(x_last))
    return jnp.concatenate([first[None], later[::-1], end[None]])


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
