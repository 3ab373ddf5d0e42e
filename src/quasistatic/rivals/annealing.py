r"""Annealed importance sampling: from independent bits to an energy along a path, in small steps.

On the straight line of parameters from phi_0 (independent bits) to phi_N, at shares 0 = s_0 < ... <
s_N = 1, a path is drawn with one Gibbs sweep per step, and its log-weight is

    log w = sum_k [log phi_k(x_(k-1)) - log phi_(k-1)(x_(k-1))],     Z_N / Z_0 = E_forward w.

The same path backwards from exact samples of phi_N gives Z_0 / Z_N = E_reverse 1/w. By Jensen the
logarithm of the first mean lies below log Z_N on average, that of the second above: together they
bracket it (Burda, Grosse and Salakhutdinov 2015). From samples that are not exact (a Gibbs chain)
the upper side holds only as far as the chain has mixed. Source: Neal (2001).
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.errors import SettingError
from quasistatic.rivals.double import in_double
from quasistatic.rivals.energy import (
    AbstractBinaryEnergy,
    between,
    independent_bits,
    independent_log_partition,
)
from quasistatic.rivals.monte_carlo import Estimate, estimate
from quasistatic.typing import Array, Float, Key

__all__ = ["Sandwich", "log_weights", "sandwich", "schedule"]

_ERRORS = 3.0


class Sandwich(NamedTuple):
    """log Z from both directions, nats.

    Args:
        forward: estimate from independent bits, below log Z on average.
        reverse: estimate from samples of the energy, above log Z on average.
    """

    forward: Estimate
    reverse: Estimate

    @property
    def interval(self) -> tuple[float, float]:
        """From three standard errors below the lower of the two estimates to three above the
        higher.
        """
        sides = (self.forward, self.reverse)
        return (
            min(side.log_z - _ERRORS * side.stderr for side in sides),
            max(side.log_z + _ERRORS * side.stderr for side in sides),
        )


def schedule(steps: int, kind: Literal["linear", "sigmoid"] = "sigmoid") -> np.ndarray:
    """Shares of the path, increasing from 0 to 1, `[steps + 1]`.

    Args:
        steps: number of steps.
        kind: "linear": equal steps; "sigmoid" (default): small steps at both ends.

    Raises:
        SettingError: fewer than 1 step.
    """
    if steps < 1:
        raise SettingError(f"steps = {steps} must be at least 1")
    even = np.linspace(0.0, 1.0, steps + 1)
    if kind == "linear":
        return even
    curve = 1.0 / (1.0 + np.exp(-4.0 * (2.0 * even - 1.0)))
    return (curve - curve[0]) / (curve[-1] - curve[0])


def log_weights(
    energy: AbstractBinaryEnergy,
    bias: np.ndarray,
    shares: np.ndarray,
    *,
    samples: np.ndarray | None = None,
    n: int = 100,
    seed: int = 0,
) -> np.ndarray:
    """`log w + log Z_0` of paths, `[n]` nats, of the same function w in both directions.

    Args:
        energy: energy phi_N.
        bias: log-odds of the independent bits of phi_0, `[D]` nats.
        shares: shares of the path, increasing from 0 to 1, `[steps + 1]`.
        samples: samples of phi_N, `[n, D]`, for paths backwards; None (default): forward.
        n: number of forward paths (default 100).
        seed: seed of the paths (default 0).
    """
    key = jax.random.key(seed)
    if samples is None:
        return in_double(_forward, energy, bias, shares, np.zeros(n), key)
    return in_double(_backward, energy, bias, shares, samples, key)


def sandwich(
    energy: AbstractBinaryEnergy,
    bias: np.ndarray,
    samples: np.ndarray,
    *,
    steps: int = 1000,
    kind: Literal["linear", "sigmoid"] = "sigmoid",
    seed: int = 0,
) -> Sandwich:
    """log Z from both directions, with as many paths as there are samples.

    Args:
        energy: energy of D bits.
        bias: log-odds of the independent bits at the start, `[D]` nats.
        samples: samples of the energy, `[n, D]`.
        steps: number of steps of the path (default 1000).
        kind: schedule of the path (default "sigmoid").
        seed: seed of the paths (default 0).
    """
    shares = schedule(steps, kind)
    forward = log_weights(energy, bias, shares, n=len(samples), seed=seed)
    backward = log_weights(energy, bias, shares, samples=samples, seed=seed + 1)
    upper = estimate(-backward)
    return Sandwich(estimate(forward), upper._replace(log_z=-upper.log_z))


def _forward(
    energy: AbstractBinaryEnergy, bias: Array, shares: Array, places: Array, key: Key
) -> Float[Array, " n"]:
    start = energy.independent(bias)
    first, later = jax.random.split(key)
    x = independent_bits(bias, places.shape[0], key=first)

    def step(state: tuple[Array, Array], at: tuple[Array, Array, Array]):
        x, total = state
        here, there, key = at
        before, after = between(start, energy, here), between(start, energy, there)
        total = total + jax.vmap(after.log_weight)(x) - jax.vmap(before.log_weight)(x)
        keys = jax.random.split(key, x.shape[0])
        return (jax.vmap(lambda row, key: after.sweep(row, key=key))(x, keys), total), None

    keys = jax.random.split(later, shares.shape[0] - 1)
    begin = x, jnp.zeros_like(x[:, 0])
    (_, total), _ = jax.lax.scan(step, begin, (shares[:-1], shares[1:], keys))
    return total + independent_log_partition(start)


def _backward(
    energy: AbstractBinaryEnergy, bias: Array, shares: Array, x: Array, key: Key
) -> Float[Array, " n"]:
    start = energy.independent(bias)

    def step(state: tuple[Array, Array], at: tuple[Array, Array, Array]):
        x, total = state
        here, there, key = at
        before, after = between(start, energy, here), between(start, energy, there)
        total = total + jax.vmap(after.log_weight)(x) - jax.vmap(before.log_weight)(x)
        keys = jax.random.split(key, x.shape[0])
        back = jax.vmap(lambda row, key: before.sweep(row, key=key, reverse=True))
        return (back(x, keys), total), None

    keys = jax.random.split(key, shares.shape[0] - 1)
    begin = x, jnp.zeros_like(x[:, 0])
    steps = shares[:-1], shares[1:], keys
    (_, total), _ = jax.lax.scan(step, begin, steps, reverse=True)
    return total + independent_log_partition(start)
