r"""Plain Monte Carlo: normalisers by importance sampling, samples by Gibbs chains, and when to
believe them.

    Z = E_q phi(x) / q(x),   x ~ q independent bits:

unbiased, and hopeless in many dimensions: the effective sample size (Kish) says so, unless no draw
has found where the mass is. Gibbs chains forget their start slowly; two diagnostics compare several
chains. R-hat (Gelman and Rubin 1992, of half chains): spread between over spread within, 1 when
they agree. The effective sample size n / (1 + 2 sum of autocorrelations), cut where pairs of them
sum to less than 0 (Geyer 1992). Both are of one number per row, here log phi.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.errors import warn
from quasistatic.rivals.double import in_double, in_single
from quasistatic.rivals.energy import AbstractBinaryEnergy, independent_bits
from quasistatic.typing import Array, Key

__all__ = [
    "Chains",
    "Estimate",
    "autocorrelation_ess",
    "estimate",
    "gibbs",
    "log_partition",
    "r_hat",
]

_ENOUGH = 1.05
"""R-hat up to which chains are said to agree (Gelman et al. use 1.1, Vehtari et al. 1.01)."""


class Estimate(NamedTuple):
    """log Z with its error.

    Args:
        log_z: estimate of log Z, nats; below it on average.
        stderr: standard error by the spread of the weights, nats: too small where few draws count.
        ess: effective sample size of the weights.
    """

    log_z: float
    stderr: float
    ess: float


class Chains(NamedTuple):
    """Samples of Gibbs chains.

    Args:
        rows: every kept row, `[chains, kept, D]`.
        r_hat: R-hat of log phi.
        ess: effective sample size of log phi, of all chains together.
    """

    rows: np.ndarray
    r_hat: float
    ess: float


def log_partition(
    energy: AbstractBinaryEnergy, bias: np.ndarray, n: int = 10_000, seed: int = 0
) -> Estimate:
    """log Z by importance sampling from independent bits.

    Args:
        energy: energy of D bits.
        bias: log-odds of the independent bits, `[D]` nats.
        n: number of draws (default 10,000).
        seed: seed of the draws (default 0).
    """
    found = in_double(_log_weights, energy, bias, np.zeros(n), jax.random.key(seed))
    return estimate(found)


def estimate(log_weights: np.ndarray) -> Estimate:
    """log of the mean of weights.

    Args:
        log_weights: log-weights, `[n]` nats.
    """
    highest = np.max(log_weights)
    weights = np.exp(log_weights - highest)
    mean = weights.mean()
    relative = np.std(weights, ddof=1) / (mean * np.sqrt(len(weights)))
    ess = weights.sum() ** 2 / np.sum(weights**2)
    return Estimate(float(highest + np.log(mean)), float(relative), float(ess))


def gibbs(
    energy: AbstractBinaryEnergy,
    start: np.ndarray,
    *,
    kept: int = 100,
    apart: int = 10,
    burn_in: int = 200,
    seed: int = 0,
) -> Chains:
    """Rows of Gibbs chains; a warning where the chains disagree.

    Args:
        energy: energy of D bits.
        start: first row of every chain, `[chains, D]`.
        kept: number of rows kept of every chain (default 100).
        apart: number of sweeps between them (default 10).
        burn_in: number of sweeps before the first (default 200).
        seed: seed of the sweeps (default 0).
    """
    key = jax.random.key(seed)
    shape = kept, apart, burn_in
    rows, logs = _walked(shape, in_single(energy), jnp.asarray(start, jnp.float32), key)
    rows, logs = np.asarray(rows).swapaxes(0, 1), np.asarray(logs, np.float64).T
    spread = r_hat(logs)
    if not spread < _ENOUGH:
        warn(
            f"the Gibbs chains do not mix (R-hat of the energy is {spread:.2f}, not below "
            f"{_ENOUGH}): the samples are not the model's; run more sweeps"
        )
    return Chains(rows, spread, autocorrelation_ess(logs))


def r_hat(values: np.ndarray) -> float:
    """R-hat of half chains.

    Args:
        values: one number per row, `[chains, rows]`.
    """
    half = values.shape[1] // 2
    halves = np.concatenate([values[:, :half], values[:, -half:]])
    within = np.mean(np.var(halves, axis=1, ddof=1))
    means = np.var(np.mean(halves, axis=1), ddof=1)
    if within == 0.0:
        return 1.0 if means == 0.0 else float("inf")
    return float(np.sqrt((half - 1) / half + means / within))


def autocorrelation_ess(values: np.ndarray) -> float:
    """Effective number of independent rows.

    Args:
        values: one number per row, `[chains, rows]`.
    """
    chains, n = values.shape
    centred = values - values.mean()
    padded = np.fft.rfft(centred, 2 * n, axis=1)
    covariance = np.fft.irfft(np.abs(padded) ** 2, axis=1)[:, :n].mean(axis=0) / n
    if covariance[0] == 0.0:
        return float(chains * n)
    pairs = (covariance / covariance[0])[: n - n % 2].reshape(-1, 2).sum(axis=1)
    ends = int(np.argmax(pairs <= 0)) if np.any(pairs <= 0) else len(pairs)
    time = -1.0 + 2.0 * np.sum(np.minimum.accumulate(pairs[:ends]))
    return float(chains * n / max(time, 1.0 / np.log10(chains * n + 10)))


def _log_weights(energy: AbstractBinaryEnergy, bias: Array, places: Array, key: Key) -> Array:
    rows = independent_bits(bias, places.shape[0], key=key)
    log_q = jax.vmap(lambda x: jnp.sum(x * bias - jax.nn.softplus(bias)))
    return jax.vmap(energy.log_weight)(rows) - log_q(rows)


def _walk(shape, energy: AbstractBinaryEnergy, x: Array, key: Key):
    kept, apart, burn_in = shape

    def sweep(n: Array, x: Array, key: Array) -> Array:
        keys = jax.random.split(jax.random.fold_in(key, n), x.shape[0])
        return jax.vmap(lambda row, key: energy.sweep(row, key=key))(x, keys)

    def keep(x: Array, key: Array) -> tuple[Array, tuple[Array, Array]]:
        x = jax.lax.fori_loop(0, apart, lambda n, x: sweep(n, x, key), x)
        return x, (x, jax.vmap(energy.log_weight)(x))

    first, later = jax.random.split(key)
    x = jax.lax.fori_loop(0, burn_in, lambda n, x: sweep(n, x, first), x)
    return jax.lax.scan(keep, x, jax.random.split(later, kept))[1]


_walked = jax.jit(_walk, static_argnums=0)
