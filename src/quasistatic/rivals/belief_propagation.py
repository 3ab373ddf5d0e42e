r"""Loopy belief propagation on a Boltzmann machine: messages along edges, as if the graph were a
tree.

In log-odds, with h the cavity field of a site towards a neighbour and u the message it sends:

    h_(i->j) = b_i + sum_k rho_ki u_(k->i) - u_(j->i),
    u_(i->j) = softplus(w_ij / rho_ij + h_(i->j)) - softplus(h_(i->j)).

rho = 1 is the sum-product algorithm (Pearl 1988); its fixed points are those of Bethe's free energy
(Yedidia, Freeman and Weiss 2001), exact on trees. With rho = the probability that an edge lies in a
spanning tree drawn at random it is the tree-reweighted form, whose log Z is an *upper bound*
(Wainwright, Jaakkola and Willsky 2005); for the uniform spanning tree that probability is the
edge's effective resistance (Kirchhoff). Messages are damped; whether they come to rest is told.

Inverse, `fit`: pseudo-moment matching. The couplings under which beliefs equal the data's
frequencies are known in closed form, w_ij = log p11 p00 / (p10 p01): maximum likelihood in Bethe's
approximation, and exact on trees (Wainwright, Jaakkola and Willsky 2003).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.errors import warn
from quasistatic.rivals.boltzmann import BoltzmannMachine
from quasistatic.rivals.double import in_double, in_single
from quasistatic.rivals.graph import Graph
from quasistatic.rivals.learning import Learned, as_bits
from quasistatic.typing import Array, Float

__all__ = ["Beliefs", "fit", "propagate", "tree_shares"]

_DAMPING = 0.5


class Beliefs(NamedTuple):
    """What the messages say.

    Args:
        log_z: Bethe's log Z, nats; with `reweighted` an upper bound, if converged.
        mean: probability of 1 of every site, `[D]`.
        both: probability that both ends of an edge are 1, `[E]`.
        converged: whether the messages came to rest.
        change: largest change of a message in the last step, nats.
    """

    log_z: float
    mean: np.ndarray
    both: np.ndarray
    converged: bool
    change: float


def propagate(
    machine: BoltzmannMachine,
    *,
    reweighted: bool = False,
    steps: int = 2000,
    damping: float = _DAMPING,
) -> Beliefs:
    """Send messages until they rest; a warning where they do not.

    Args:
        machine: machine to ask.
        reweighted: whether edges are weighted by spanning trees, for an upper bound (default
            False).
        steps: number of rounds of messages (default 2000).
        damping: share of the old message that stays, 0 to 1 (default 0.5).
    """
    rho = tree_shares(machine.graph) if reweighted else np.ones(len(machine.graph.edges))
    rounds = np.zeros(steps)
    found = in_double(_propagated, machine, rho, rounds, np.asarray(damping))
    log_z, mean, both, change = found
    converged = bool(change < 1e-8)
    if not converged:
        warn(
            f"belief propagation did not converge in {steps} rounds (its messages still change by "
            f"{float(change):.1e} nats): more damping may help, and its numbers mean nothing"
        )
    return Beliefs(float(log_z), mean, both, converged, float(change))


def tree_shares(graph: Graph) -> np.ndarray:
    """Probability that an edge lies in the uniform spanning tree (forest), `[E]`: the effective
    resistance between its ends.

    Args:
        graph: graph, connected or not.
    """
    i, j = graph.ends.T
    incidence = np.zeros((len(i), graph.sites))
    incidence[np.arange(len(i)), i], incidence[np.arange(len(i)), j] = 1.0, -1.0
    return np.einsum("ea,ab,eb->e", incidence, np.linalg.pinv(incidence.T @ incidence), incidence)


def fit(graph: Graph, rows: np.ndarray) -> Learned:
    """The machine whose beliefs are the data's frequencies.

    Args:
        graph: graph whose edges get couplings.
        rows: bits, `[N, D]`; an eighth of a row is added to every pair of states.
    """
    rows = np.asarray(as_bits(rows), np.float64)
    i, j = graph.ends.T
    n = len(rows) + 0.5
    both = (np.sum(rows[:, i] * rows[:, j], axis=0) + 0.125) / n
    mean = (rows.sum(axis=0) + 0.25) / n
    first, second = mean[i] - both, mean[j] - both
    neither = 1.0 - both - first - second
    coupling = np.log(both) + np.log(neither) - np.log(first) - np.log(second)
    odds = np.log(mean) - np.log1p(-mean)
    bias = odds.copy()
    np.add.at(bias, i, np.log(first) - np.log(neither) - odds[i])
    np.add.at(bias, j, np.log(second) - np.log(neither) - odds[j])
    return Learned(in_single(BoltzmannMachine(bias, coupling, graph)), {"converged": True})


def _propagated(machine: BoltzmannMachine, rho: Array, rounds: Array, damping: Array):
    i, j = machine.graph.ends.T
    source, target = np.concatenate([i, j]), np.concatenate([j, i])
    n = len(i)
    weight, strength = jnp.tile(rho, 2), jnp.tile(machine.coupling / rho, 2)

    def cavity(u: Float[Array, " edges"]) -> Array:
        """h of every directed edge, from what its source receives but from its target."""
        received = jax.ops.segment_sum(weight * u, target, machine.sites)
        return machine.bias[source] + received[source] - jnp.roll(u, n)

    def step(u: Array, _: Array) -> tuple[Array, Array]:
        h = cavity(u)
        sent = jax.nn.softplus(strength + h) - jax.nn.softplus(h)
        moved = damping * u + (1.0 - damping) * sent
        return moved, jnp.max(jnp.abs(moved - u), initial=0.0)

    u, changes = jax.lax.scan(step, jnp.zeros(2 * n, machine.bias.dtype), rounds)
    received = jax.ops.segment_sum(weight * u, target, machine.sites)
    q = jax.nn.sigmoid(machine.bias + received)
    h = cavity(u)
    log_pair = _log_pair(strength[:n], h[:n], h[n:])
    pair = jnp.exp(log_pair)
    of_sites = jax.scipy.special.entr(q) + jax.scipy.special.entr(1.0 - q)
    mutual = of_sites[i] + of_sites[j] - jnp.sum(jax.scipy.special.entr(pair), axis=0)
    energy = machine.bias @ q + machine.coupling @ pair[3]
    return energy + jnp.sum(of_sites) - rho @ mutual, q, pair[3], changes[-1]


def _log_pair(strength: Array, first: Array, second: Array) -> Float[Array, "4 E"]:
    """log of the beliefs of the states 00, 10, 01, 11 of every edge."""
    zero = jnp.zeros_like(first)
    joint = jnp.stack([zero, first, second, first + second + strength])
    return joint - jax.nn.logsumexp(joint, axis=0, keepdims=True)
