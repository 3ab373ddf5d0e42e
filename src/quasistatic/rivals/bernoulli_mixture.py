r"""Variational Bayes: a mixture of independent bits whose parameters are distributions, too.

    pi ~ Dirichlet(1/K .. 1/K),  theta_kd ~ Beta(1, 1),  z_n ~ pi,  x_nd ~ Bernoulli(theta_(z_n) d).

The posterior p(z, pi, theta | X) is replaced by the best product q(z) q(pi) q(theta), found by
coordinate ascent on the evidence bound

    log p(X) >= E_q [log p(X, z, pi, theta) - log q(z, pi, theta)],

each factor being conjugate: a Dirichlet, Betas, shares of the components. The bound never falls,
and with one component it is the evidence. Under q the probability of a new row is a mixture again,
`sum_k E pi_k prod_d E p(x_d | theta_kd)`: normalised, and sampled exactly. What it cannot do: more
than its components say; bits within one are independent. Source: Attias (1999); Bishop (2006),
10.2.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import betaln, digamma, gammaln

from quasistatic.errors import warn
from quasistatic.rivals.double import in_double
from quasistatic.rivals.learning import as_bits
from quasistatic.typing import Array

__all__ = ["Mixture", "fit"]

_REST = 1e-8
"""Share of the bound that a round gains at rest."""


class Mixture(NamedTuple):
    """The factors q(pi) and q(theta), and the bound.

    Args:
        dirichlet: parameters of q(pi), `[K]`.
        ones: first parameters of the Betas of q(theta), `[K, D]`.
        zeros: second parameters, `[K, D]`.
        evidence: evidence bound on log p(X), nats, of all rows.
        rounds: the bound after every round.
        converged: whether the bound came to rest.
    """

    dirichlet: np.ndarray
    ones: np.ndarray
    zeros: np.ndarray
    evidence: float
    rounds: tuple[float, ...]
    converged: bool

    @property
    def shares(self) -> np.ndarray:
        """Mean shares of the components, `[K]`."""
        return self.dirichlet / self.dirichlet.sum()

    @property
    def means(self) -> np.ndarray:
        """Mean probabilities of 1, `[K, D]`."""
        return self.ones / (self.ones + self.zeros)

    def log_prob(self, rows: np.ndarray) -> np.ndarray:
        """log p of new rows `[N, D]` under q, nats `[N]`: exact."""
        p = self.means
        joint = rows @ np.log(p).T + (1.0 - rows) @ np.log1p(-p).T + np.log(self.shares)
        return np.logaddexp.reduce(joint, axis=1)

    def sample(self, n: int, seed: int = 0) -> np.ndarray:
        """Exact samples, float32 `[n, D]`."""
        rng = np.random.default_rng(seed)
        component = rng.choice(len(self.shares), n, p=self.shares)
        p = self.means[component]
        return (rng.random(p.shape) < p).astype(np.float32)


def fit(
    rows: np.ndarray, components: int, *, rounds: int = 500, starts: int = 1, seed: int = 0
) -> Mixture:
    """The mixture with the highest bound of several starts.

    Args:
        rows: bits, `[N, D]`.
        components: number of components K.
        rounds: number of rounds of coordinate ascent at most (default 500).
        starts: number of random starts (default 1).
        seed: seed of the starts (default 0).
    """
    rows = np.asarray(as_bits(rows), np.float64)
    found = [_ascended(rows, components, rounds, [seed, start]) for start in range(starts)]
    best = max(found, key=lambda mixture: mixture.evidence)
    if not best.converged:
        warn(f"the evidence bound still rises after {rounds} rounds: give it more")
    return best


def _ascended(rows: np.ndarray, components: int, rounds: int, seed: list[int]) -> Mixture:
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(components), len(rows))
    bounds: list[float] = []
    for _ in range(rounds):
        dirichlet = 1.0 / components + shares.sum(axis=0)
        ones, zeros = 1.0 + shares.T @ rows, 1.0 + shares.T @ (1.0 - rows)
        log_pi, log_on, log_off, divergence = in_double(_expectations, dirichlet, ones, zeros)
        joint = rows @ log_on.T + (1.0 - rows) @ log_off.T + log_pi
        # With q(z) at its best for these factors its share of the bound is one log-sum.
        total = np.logaddexp.reduce(joint, axis=1, keepdims=True)
        shares = np.exp(joint - total)
        bounds.append(float(total.sum()) - float(divergence))
        if len(bounds) > 1 and bounds[-1] - bounds[-2] < _REST * abs(bounds[-1]):
            return Mixture(dirichlet, ones, zeros, bounds[-1], tuple(bounds), True)
    return Mixture(dirichlet, ones, zeros, bounds[-1], tuple(bounds), False)


def _expectations(dirichlet: Array, ones: Array, zeros: Array) -> tuple[Array, ...]:
    """`E log pi`, `E log theta`, `E log(1 - theta)` under q, and KL(q, prior) of pi and theta."""
    k = dirichlet.shape[0]
    of_total = digamma(ones + zeros)
    log_pi = digamma(dirichlet) - digamma(jnp.sum(dirichlet))
    log_on, log_off = digamma(ones) - of_total, digamma(zeros) - of_total
    prior = jnp.full_like(dirichlet, 1.0 / k)
    of_pi = _log_norm(dirichlet) - _log_norm(prior) + (dirichlet - prior) @ log_pi
    of_theta = jnp.sum((ones - 1.0) * log_on + (zeros - 1.0) * log_off - betaln(ones, zeros))
    return log_pi, log_on, log_off, of_pi + of_theta


def _log_norm(dirichlet: Array) -> Array:
    """Minus the log of the Dirichlet's normaliser."""
    return gammaln(jnp.sum(dirichlet)) - jnp.sum(gammaln(dirichlet))
