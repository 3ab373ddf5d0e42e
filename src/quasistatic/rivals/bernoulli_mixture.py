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

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jax.scipy.special import betaln, digamma, gammaln

from quasistatic.errors import warn
from quasistatic.rivals.double import in_double
from quasistatic.rivals.learning import as_bits

__all__ = ["Mixture", "fit"]


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
    prior = 1.0 / components
    for _ in range(rounds):
        dirichlet = prior + shares.sum(axis=0)
        ones, zeros = 1.0 + shares.T @ rows, 1.0 + shares.T @ (1.0 - rows)
        of_total = _np(digamma, ones + zeros)
        log_pi = _np(digamma, dirichlet) - _np(digamma, dirichlet.sum())
        log_on, log_off = _np(digamma, ones) - of_total, _np(digamma, zeros) - of_total
        joint = rows @ log_on.T + (1.0 - rows) @ log_off.T + log_pi
        # With q(z) at its best for these factors its share of the bound is one log-sum.
        total = np.logaddexp.reduce(joint, axis=1, keepdims=True)
        shares = np.exp(joint - total)
        bounds.append(
            float(total.sum())
            - _dirichlet_kl(dirichlet, prior, log_pi)
            - _beta_kl(ones, zeros, log_on, log_off)
        )
        if len(bounds) > 1 and bounds[-1] - bounds[-2] < 1e-9 * abs(bounds[-1]):
            return Mixture(dirichlet, ones, zeros, bounds[-1], tuple(bounds), True)
    return Mixture(dirichlet, ones, zeros, bounds[-1], tuple(bounds), False)


def _dirichlet_kl(a: np.ndarray, prior: float, log_pi: np.ndarray) -> float:
    k = len(a)
    constant = _np(gammaln, a.sum()) - _np(gammaln, a).sum()
    of_prior = _np(gammaln, np.asarray(k * prior)) - k * _np(gammaln, np.asarray(prior))
    return float(constant - of_prior + (a - prior) @ log_pi)


def _beta_kl(ones: np.ndarray, zeros: np.ndarray, log_on: np.ndarray, log_off: np.ndarray) -> float:
    return float(np.sum((ones - 1.0) * log_on + (zeros - 1.0) * log_off - _np(betaln, ones, zeros)))


def _np(function: Callable[..., Any], *arrays: Any) -> np.ndarray:
    """A special function of JAX in double precision."""
    return in_double(function, *arrays)
