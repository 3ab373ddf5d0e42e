r"""Exact sums over a Boltzmann machine by transfer matrices: log Z, exact samples, all from one
scan.

Sites are summed out in order. With bandwidth W (`Graph.bandwidth`) a site touches the W before it
only, so a table over the bits of the last W sites is all that has to be kept:

    T_n(last W bits) = sum over the bit that leaves of
        T_(n-1) exp(x_n (b_n + sum_k w_(n,n-k) x_(n-k))),

2^W numbers and D steps: a 10 x 10 lattice takes tables of 1,024, a complete graph of 16 sites is
enumeration. Samples are drawn from the last table backwards. Gradients of log Z with respect to b
and w are the marginals of sites and edges, second derivatives the covariances.

Source: Kramers and Wannier (1941); Baxter, Exactly Solved Models (1982).
"""

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.rivals.boltzmann import BoltzmannMachine, dense
from quasistatic.typing import Array, Float, Int, Key

__all__ = ["draw_bits", "draw_state", "log_partition", "moments", "tables"]

_NEVER = -1e30
"""Stands for log 0: bits before the first site are 0."""


def tables(machine: BoltzmannMachine) -> Float[Array, "steps states"]:
    """`log T_0 .. log T_D`, `[D + 1, 2^W]` nats; in a state the bit of the earliest site is the
    highest.
    """
    width = machine.graph.bandwidth
    start = jnp.full(2**width, _NEVER, machine.bias.dtype).at[0].set(0.0)

    def step(table: Array, site: tuple[Array, Array]) -> tuple[Array, Array]:
        return (after := _grown(table, *site)), after

    _, found = jax.lax.scan(step, start, (machine.bias, _band(machine)))
    return jnp.concatenate([start[None], found])


def log_partition(machine: BoltzmannMachine) -> Float[Array, ""]:
    """log Z, nats."""
    width = machine.graph.bandwidth
    start = jnp.full(2**width, _NEVER, machine.bias.dtype).at[0].set(0.0)

    def step(table: Array, site: tuple[Array, Array]) -> tuple[Array, None]:
        return _grown(table, *site), None

    last, _ = jax.lax.scan(step, start, (machine.bias, _band(machine)))
    return jax.nn.logsumexp(last)


def moments(machine: BoltzmannMachine) -> tuple[Float[Array, " D"], Float[Array, "D D"]]:
    """Mean and covariance of the bits: first and second derivatives of log Z in the biases."""

    def of_bias(bias: Array) -> Array:
        return log_partition(BoltzmannMachine(bias, machine.coupling, machine.graph))

    return jax.grad(of_bias)(machine.bias), jax.hessian(of_bias)(machine.bias)


def draw_bits(
    machine: BoltzmannMachine, known: Float[Array, "steps states"], *, key: Key
) -> Float[Array, " D"]:
    """One exact sample.

    Args:
        machine: machine to draw from.
        known: its `tables`, `[D + 1, 2^W]` nats.
        key: random key.
    """
    width = machine.graph.bandwidth
    first, later = jax.random.split(key)
    state = draw_state(known[-1], jax.random.uniform(first, (), known.dtype))

    def back(state: Array, step: tuple[Array, ...]) -> tuple[Array, Array]:
        table, bias, band, uniform = step
        newest, rest = state & 1, state >> 1
        earlier = jnp.stack([rest, rest + 2 ** (width - 1)])  # the bit that left: 0 or 1
        drive = bias + _bits(earlier, width, band.dtype) @ band
        log_odds = table[earlier] + newest.astype(bias.dtype) * drive
        left = uniform < jax.nn.sigmoid(log_odds[1] - log_odds[0])
        return jnp.where(left, earlier[1], earlier[0]), newest

    uniforms = jax.random.uniform(later, machine.bias.shape, machine.bias.dtype)
    steps = (known[:-1], machine.bias, _band(machine), uniforms)
    _, bits = jax.lax.scan(back, state, steps, reverse=True)
    return bits.astype(machine.bias.dtype)


def draw_state(log_weights: Float[Array, " states"], u: Float[Array, ""]) -> Int[Array, ""]:
    """The state at which the cumulative probability exceeds a uniform u: a draw takes one number,
    that of a Gumbel maximum one for each state.

    Args:
        log_weights: unnormalised log-probabilities of all states, in double precision if there are
            many.
        u: uniform number in [0, 1).
    """
    cumulative = jnp.cumsum(jax.nn.softmax(log_weights))
    found = jnp.searchsorted(cumulative[:-1], u * cumulative[-1], side="right")
    return found.astype(jnp.result_type(int))


def _grown(table: Array, bias: Array, band: Array) -> Array:
    """The table after one more site."""
    width = band.shape[0]
    drive = bias + _bits(jnp.arange(2**width), width, band.dtype) @ band
    joint = jnp.stack([table, table + drive], axis=-1)  # [2^W, 2]
    return jax.nn.logsumexp(joint.reshape(2, -1), axis=0)


def _band(machine: BoltzmannMachine) -> Float[Array, "D W"]:
    """Couplings of every site with the W before it, the earliest first; 0 where there is none."""
    width, sites = machine.graph.bandwidth, machine.graph.sites
    matrix = jnp.pad(dense(machine.graph, machine.coupling), ((0, 0), (width, 0)))
    columns = np.add.outer(np.arange(sites), np.arange(width))
    return jnp.take_along_axis(matrix, columns, axis=1)


def _bits(states: Array, width: int, dtype: jnp.dtype) -> Array:
    """Bits of states, the highest first, `[..., W]`."""
    shifts = jnp.arange(width - 1, -1, -1).reshape((1,) * states.ndim + (width,))
    return ((states[..., None] >> shifts) & 1).astype(dtype)
