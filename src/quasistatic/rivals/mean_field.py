r"""Mean field theory of a Boltzmann machine: every bit sees the means of the others.

Forward, naive: the best product of independent bits q bounds the normaliser from below,

    log Z >= sum_i H(q_i) + b . q + sum_(i,j) w_ij q_i q_j,     q_i = sigmoid(b_i + sum_j w_ij q_j),

by coordinate ascent, which a sweep over the graph's colours is; several starts, the best kept.
Thouless, Anderson and Palmer (1977) add Plefka's second order, 1/2 sum w_ij^2 v_i v_j with v = q (1
- q): mostly closer, no bound, and no sure convergence.

Inverse, from means m and covariances C of the bits: linear response says -(C^-1)_ij = w_ij for
the naive theory (Kappen and Rodriguez 1998), and for TAP

    -(C^-1)_ij = w_ij + 1/2 w_ij^2 (1 - 2 m_i) (1 - 2 m_j),

a quadratic equation; fields from the mean equations. No iteration, one matrix inverse; wrong where
couplings are strong. Source: Plefka (1982); Tanaka (1998).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.errors import warn
from quasistatic.rivals.boltzmann import BoltzmannMachine, dense
from quasistatic.rivals.double import in_double, in_single
from quasistatic.rivals.graph import Graph
from quasistatic.rivals.learning import Learned, as_bits
from quasistatic.typing import Array, Float

__all__ = ["MeanField", "fit_naive", "fit_tap", "naive", "tap"]

_SWEEPS = 2000
_DAMPING = 0.5
_STARTS = 16


class MeanField(NamedTuple):
    """What mean field theory says of a machine.

    Args:
        log_z: estimate of log Z, nats; a lower bound in the naive theory.
        mean: means of the bits, `[D]`.
        converged: whether the means came to rest.
    """

    log_z: float
    mean: np.ndarray
    converged: bool


class _Rule(NamedTuple):
    """Log-odds of the bits, and log Z, from means q `[D]`."""

    logits: Callable[[BoltzmannMachine, Array, Array], Array]
    log_z: Callable[[BoltzmannMachine, Array, Array], Array]


def naive(machine: BoltzmannMachine, seed: int = 0) -> MeanField:
    """The best product distribution, and its lower bound on log Z.

    Args:
        machine: machine to approximate.
        seed: seed of the starts (default 0).
    """
    return _rested(_naive, machine, seed, damping=0.0)


def tap(machine: BoltzmannMachine, seed: int = 0) -> MeanField:
    """The fixed point of Thouless, Anderson and Palmer with the highest log Z; no bound.

    Args:
        machine: machine to approximate.
        seed: seed of the starts (default 0).
    """
    return _rested(_tap, machine, seed, damping=_DAMPING)


def fit_naive(graph: Graph, rows: np.ndarray) -> Learned:
    """The machine of the naive inversion.

    Args:
        graph: graph whose edges get couplings.
        rows: bits, `[N, D]`.
    """
    return _inverted(graph, rows, second_order=False)


def fit_tap(graph: Graph, rows: np.ndarray) -> Learned:
    """The machine of the TAP inversion.

    Args:
        graph: graph whose edges get couplings.
        rows: bits, `[N, D]`.
    """
    return _inverted(graph, rows, second_order=True)


def _rested(rule: _Rule, machine: BoltzmannMachine, seed: int, damping: float) -> MeanField:
    starts = np.random.default_rng(seed).uniform(0.0, 1.0, (_STARTS, machine.sites))
    log_z, mean, change = in_double(_iterated, rule, machine, starts, np.asarray(damping))
    rested = change < 1e-8
    if not rested.any():
        warn(
            f"mean field theory did not come to rest in {_SWEEPS} sweeps from {_STARTS} starts: "
            "its couplings are too strong for it, and its numbers mean nothing"
        )
    best = int(np.argmax(np.where(rested, log_z, -np.inf) if rested.any() else log_z))
    return MeanField(float(log_z[best]), mean[best], bool(rested[best]))


def _iterated(
    rule: _Rule, machine: BoltzmannMachine, starts: Array, damping: Array
) -> tuple[Array, Array, Array]:
    matrix = dense(machine.graph, machine.coupling)
    masks = jnp.asarray(machine.graph.colours)

    def sweep(q: Array, _: None) -> tuple[Array, Array]:
        def of_colour(q: Array, mask: Array) -> tuple[Array, None]:
            moved = damping * q + (1.0 - damping) * jax.nn.sigmoid(rule.logits(machine, matrix, q))
            return jnp.where(mask, moved, q), None

        moved = jax.lax.scan(of_colour, q, masks)[0]
        return moved, jnp.max(jnp.abs(moved - q))

    def of_start(q: Array):
        q, changes = jax.lax.scan(sweep, q, None, length=_SWEEPS)
        return rule.log_z(machine, matrix, q), q, changes[-1]

    return jax.vmap(of_start)(starts)


def _naive_logits(machine: BoltzmannMachine, matrix: Array, q: Array) -> Array:
    return machine.bias + matrix @ q


def _naive_log_z(machine: BoltzmannMachine, matrix: Array, q: Array) -> Array:
    return _entropy(q) + machine.bias @ q + 0.5 * q @ matrix @ q


def _tap_logits(machine: BoltzmannMachine, matrix: Array, q: Array) -> Array:
    reaction = 0.5 * jnp.square(matrix) @ (q * (1.0 - q)) * (1.0 - 2.0 * q)
    return _naive_logits(machine, matrix, q) + reaction


def _tap_log_z(machine: BoltzmannMachine, matrix: Array, q: Array) -> Array:
    spread = q * (1.0 - q)
    return _naive_log_z(machine, matrix, q) + 0.25 * spread @ jnp.square(matrix) @ spread


_naive, _tap = _Rule(_naive_logits, _naive_log_z), _Rule(_tap_logits, _tap_log_z)


def _entropy(q: Float[Array, " D"]) -> Array:
    return -jnp.sum(jax.scipy.special.xlogy(q, q) + jax.scipy.special.xlogy(1.0 - q, 1.0 - q))


def _inverted(graph: Graph, rows: np.ndarray, *, second_order: bool) -> Learned:
    rows = np.asarray(as_bits(rows), np.float64)
    # Half a row more for 0 and for 1: no bit is then constant.
    mean = (rows.sum(axis=0) + 0.5) / (len(rows) + 1.0)
    # A ridge of the size of a covariance's sampling error: copies of a bit have an inverse.
    covariance = (rows - mean).T @ (rows - mean) / len(rows) + np.eye(graph.sites) / np.sqrt(
        len(rows)
    )
    i, j = graph.ends.T
    response = -np.linalg.inv(covariance)[i, j]
    coupling, real = response, np.ones(len(response), bool)
    if second_order:
        curvature = 0.5 * (1.0 - 2.0 * mean[i]) * (1.0 - 2.0 * mean[j])
        root = 1.0 + 4.0 * curvature * response
        real = root >= 0.0  # else the theory has no solution, and the nearest is taken
        coupling = 2.0 * response / (1.0 + np.sqrt(np.maximum(root, 0.0)))
    matrix = np.zeros((graph.sites, graph.sites))
    matrix[i, j] = matrix[j, i] = coupling
    bias = np.log(mean) - np.log1p(-mean) - matrix @ mean
    if second_order:
        bias -= 0.5 * np.square(matrix) @ (mean * (1.0 - mean)) * (1.0 - 2.0 * mean)
    told = {"converged": bool(real.all()), "without_solution": float(np.sum(~real))}
    return Learned(in_single(BoltzmannMachine(bias, coupling, graph)), told)
