r"""The fully visible Boltzmann machine (Ising model) on a graph.

    log phi(x) = b . x + sum_(i,j) w_ij x_i x_j,   x in {0, 1}^D,   (i, j) the edges.

Other forms of the same: `E = x'Jx` with `J_ij = -w_ij / 2`, `J_ii = -b_i` (Sohl-Dickstein et al.
2011); spins s = 2x - 1 with `sum h_i s_i + sum K_ij s_i s_j`, where `w = 4K` and
`b_i = 2 h_i - 2 sum_j K_ij` (a constant in log Z apart). Source: Ackley, Hinton, Sejnowski (1985).
"""

from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.rivals.energy import AbstractBinaryEnergy
from quasistatic.rivals.graph import Graph
from quasistatic.typing import Array, Float, Key

__all__ = ["BoltzmannMachine", "dense", "from_spins", "machine"]


class BoltzmannMachine(AbstractBinaryEnergy):
    """A Boltzmann machine without hidden units.

    Args:
        bias: biases b, `[D]` nats.
        coupling: couplings w of the edges in the graph's order, `[E]` nats.
        graph: graph of D sites and E edges.
    """

    bias: Float[Array, " D"]
    coupling: Float[Array, " E"]
    graph: Graph = eqx.field(static=True)

    @property
    def sites(self) -> int:
        return self.graph.sites

    def log_weight(self, x: Float[Array, " D"]) -> Float[Array, ""]:
        return self.bias @ x + 0.5 * x @ (dense(self.graph, self.coupling) @ x)

    def logits(self, x: Float[Array, " D"]) -> Float[Array, " D"]:
        return self.bias + dense(self.graph, self.coupling) @ x

    def sweep(
        self, x: Float[Array, " D"], *, key: Key, reverse: bool = False
    ) -> Float[Array, " D"]:
        matrix = dense(self.graph, self.coupling)

        def of_colour(x: Array, group: tuple[Array, Array]) -> tuple[Array, None]:
            mask, uniform = group
            drawn = (uniform < jax.nn.sigmoid(self.bias + matrix @ x)).astype(x.dtype)
            return jnp.where(mask, drawn, x), None

        masks = jnp.asarray(self.graph.colours)
        uniforms = jax.random.uniform(key, masks.shape, x.dtype)
        return jax.lax.scan(of_colour, x, (masks, uniforms), reverse=reverse)[0]

    def independent(self, bias: Float[Array, " D"]) -> Self:
        return type(self)(bias, jnp.zeros_like(self.coupling), self.graph)

    def centred(self, gradient: Self, mean: Float[Array, " D"]) -> Self:
        i, j = self.graph.ends.T
        coupling = gradient.coupling - mean[i] * gradient.bias[j] - mean[j] * gradient.bias[i]
        bias = gradient.bias - dense(self.graph, coupling) @ mean
        return type(self)(bias, coupling, self.graph)


def dense(graph: Graph, coupling: Float[Array, " E"]) -> Float[Array, "D D"]:
    """The couplings as a symmetric matrix, 0 where there is no edge."""
    i, j = graph.ends.T
    half = jnp.zeros((graph.sites, graph.sites), coupling.dtype).at[i, j].set(coupling)
    return half + half.T


def machine(graph: Graph, bias: Float[Array, " D"] | None = None) -> BoltzmannMachine:
    """A machine without couplings.

    Args:
        graph: graph of the machine.
        bias: biases, `[D]` nats; None (default) is 0.
    """
    bias = jnp.zeros(graph.sites) if bias is None else bias
    return BoltzmannMachine(bias, jnp.zeros(len(graph.edges), bias.dtype), graph)


def from_spins(
    graph: Graph, field: Float[Array, " D"], coupling: Float[Array, " E"]
) -> BoltzmannMachine:
    """The machine of `sum h_i s_i + sum K_ij s_i s_j` over spins s = 2x - 1.

    Args:
        graph: graph of the spins.
        field: fields h, `[D]` nats.
        coupling: couplings K of the edges, `[E]` nats.
    """
    row_sums = jnp.sum(dense(graph, coupling), axis=1)
    return BoltzmannMachine(2.0 * field - 2.0 * row_sums, 4.0 * coupling, graph)
