"""Exact answers of small models in float64: every state of a discrete block, a grid for every
continuous column.

Given x_t (and a component, where the reverse kernel is a mixture) the blocks, and the columns of a
Gaussian block, are independent, so a step of the chain is a product of one matrix per *axis*: a
continuous column, or a whole discrete block."""

from functools import reduce
from itertools import product
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from laws.models import all_observed, is_gaussian, n_states
from quasistatic.distribution import Product
from quasistatic.forward import AbsorbingDiffusion


class Axis(NamedTuple):
    """One factor of the state space: `points` `[n]` (grid) or `[n, D]` (joint states), each of this
    `volume`."""

    block: int
    column: int | None
    points: np.ndarray
    volume: float


def discrete_states(block, masked: bool = True) -> np.ndarray:
    """All joint states `[S, D]` of a discrete block, those with masks included."""
    sizes = n_states(block)
    mask = [block.mask_state] if masked and isinstance(block, AbsorbingDiffusion) else []
    return np.array(list(product(*[[*range(k), *mask] for k in sizes])), np.int32)


def axes_of(forward, half_width: float = 6.0, n_points: int = 65) -> list[Axis]:
    """The axes of the state space, block by block."""
    grid = np.linspace(-half_width, half_width, n_points)
    axes = []
    for b, block in enumerate(forward.blocks):
        if is_gaussian(block):
            axes += [Axis(b, d, grid, grid[1] - grid[0]) for d in range(block.n_columns)]
        else:
            axes.append(Axis(b, None, discrete_states(block), 1.0))
    return axes


def joint_states(forward, axes):
    """The product of the axes as states of the process `[S, D]`, the last axis running fastest."""
    index = np.stack(
        np.meshgrid(*[np.arange(len(a.points)) for a in axes], indexing="ij"), -1
    ).reshape(-1, len(axes))
    states = []
    for b, block in enumerate(forward.blocks):
        parts = [a.points[index[:, i]] for i, a in enumerate(axes) if a.block == b]
        states.append(
            jnp.asarray(np.stack(parts, -1), jnp.float32)
            if is_gaussian(block)
            else jnp.asarray(parts[0])
        )
    return tuple(states)


@eqx.filter_jit
def pairwise_log_prob(distribution, points):
    """`[S, n]`: log-probability of n joint states under S discrete distributions."""
    return jax.vmap(lambda d: jax.vmap(lambda y: jnp.sum(d.log_prob(y)))(points))(distribution)


def _probabilities(part, axis: Axis, points) -> np.ndarray:
    """`[S, n]`: probability (density) of the points on an axis under S distributions of its
    block."""
    if axis.column is None:
        return np.exp(np.asarray(pairwise_log_prob(part, jnp.asarray(points)), np.float64))
    return _cell_mass(part, axis, points, np.zeros(len(points)))


def _cell_mass(part, axis: Axis, values, width) -> np.ndarray:
    """`[S, n]`: mass of the cells, density where the width is 0, within the limits of the block's
    distributions."""
    if axis.column is None:
        return _probabilities(part, axis, values)
    mean, log_variance = (
        np.asarray(x[:, axis.column], np.float64)[:, None] for x in (part.mean, part.log_variance)
    )
    scale, half = np.exp(0.5 * log_variance), 0.5 * width
    low, high = (
        side * np.inf if x is None else np.asarray(x[:, axis.column], np.float64)[:, None]
        for side, x in ((-1, part.low), (1, part.high))
    )

    def mass(a, b):
        a, b = (np.clip(x, low, high) - mean for x in (a, b))
        a, b = np.where(a > 0, -b, a) / scale, np.where(a > 0, -a, b) / scale  # the lower tail
        return stats.norm.cdf(b) - stats.norm.cdf(a)

    density = stats.norm.pdf(values[None], mean, scale) * ((values >= low) & (values <= high))
    found = np.where(width == 0, density, mass(values - half, values + half))
    return found / np.maximum(mass(low, high), np.finfo(float).tiny)


@eqx.filter_jit
def _reverse_kernels(model, states, observed, t):
    return jax.vmap(lambda x: model.reverse_kernel(x, observed, t))(states)


def _combine(factors):
    """`[S, n1], [S, n2], ... -> [S, n1 * n2 * ...]`."""
    return reduce(lambda a, b: (a[:, :, None] * b[:, None, :]).reshape(len(a), -1), factors)


def _pushed(p, factors):
    """`[S] -> [S]`: a law of x_t through the transition that is the product of the factors."""
    first, rest = factors[0], _combine(factors[1:]) if len(factors) > 1 else None
    return p @ first if rest is None else ((first * p[:, None]).T @ rest).ravel()


class Chain:
    """The exact law of a small model, p(x_1) computed by running the reverse chain over all
    states."""

    def __init__(self, model, observed=None) -> None:
        self.model, forward = model, model.forward
        self.axes = axes_of(forward)
        self.states = joint_states(forward, self.axes)
        self.observed = all_observed(forward) if observed is None else observed
        prior = forward.prior()
        start = [
            _probabilities(self._one(prior.parts[a.block]), a, a.points) * a.volume
            for a in self.axes
        ]
        p = _combine(start)[0]
        assert abs(p.sum() - 1) < 1e-5
        for t in range(model.trajectory_length, 1, -1):
            p = sum(_pushed(p * weight, self._factors(parts)) for weight, parts in self.step(t))
        self.p_1 = p

    @staticmethod
    def _one(part):
        return jax.tree.map(lambda x: x[None], part)

    def step(self, t: int) -> list[tuple[np.ndarray, tuple]]:
        """The reverse kernels from every x_t to t - 1: weights `[S]` and parts of each component, a
        product being one."""
        reverse = _reverse_kernels(self.model, self.states, self.observed, jnp.asarray(t))
        if isinstance(reverse, Product):
            return [(np.ones(len(self.states[0])), reverse.parts)]
        weights = np.exp(np.asarray(reverse.log_weights, np.float64))
        return [
            (weights[:, k], jax.tree.map(lambda x, k=k: x[:, k], reverse.components.parts))
            for k in range(weights.shape[1])
        ]

    def _factors(self, parts) -> list[np.ndarray]:
        """Transition probabilities from every x_t to the points of every axis."""
        return [_probabilities(parts[a.block], a, a.points) * a.volume for a in self.axes]

    def log_prob(self, x_0, width: Any = 0.0) -> np.ndarray:
        """log p(x_0) `[N]` of data states, or of the cells of the given width around the continuous
        columns: one width, or `[N, D]` of a first continuous block, 0 for a density."""
        total = 0.0
        for weight, parts in self.step(1):
            likelihood = weight[:, None]
            for a in self.axes:
                values = (
                    np.asarray(x_0[a.block], np.float64)[:, a.column]
                    if a.column is not None
                    else x_0[a.block]
                )
                of_axis = width[:, a.column] if np.ndim(width) and a.column is not None else width
                likelihood = likelihood * _cell_mass(parts[a.block], a, values, of_axis)
            total = total + self.p_1 @ likelihood
        return np.log(total)

    def mass(self) -> float:
        """The total probability of all x_0."""
        return float(
            sum(
                self.p_1 @ (weight * np.prod([f.sum(1) for f in self._factors(parts)], axis=0))
                for weight, parts in self.step(1)
            )
        )


@eqx.filter_jit
def _tables(model, x_0, states):
    """Log-probabilities of the joint states for t = 1..T: marginal `[T, S]`, bridge and reverse
    kernel `[T, S, S]`."""
    forward, observed = model.forward, all_observed(model.forward)

    def at(t):
        marginal = jax.vmap(lambda y: jnp.sum(forward.marginal(x_0, t).log_prob(y)))(states)
        bridge = pairwise_log_prob(jax.vmap(lambda x: forward.bridge(x, x_0, t))(states), states)
        reverse = pairwise_log_prob(
            jax.vmap(lambda x: model.reverse_kernel(x, observed, t))(states), states
        )
        return marginal, bridge, reverse

    prior = jax.vmap(lambda y: jnp.sum(forward.prior().log_prob(y)))(states)
    return prior, jax.lax.map(at, jnp.arange(1, forward.trajectory_length + 1))


def exact_terms(model, x_0) -> tuple[float, float, float]:
    """E of the prior, diffusion and reconstruction terms of K for one row `(x [D],)` of a single
    discrete block, by enumeration."""
    (block,), (x_0,) = model.forward.blocks, x_0
    states = discrete_states(block)
    tables = _tables(model, (jnp.asarray(x_0),), (jnp.asarray(states),))
    prior, (marginals, bridges, reverses) = jax.tree.map(
        lambda x: np.asarray(x, np.float64), tables
    )

    def divergence(p, q):
        """KL(p || q) over the last axis, of log-probabilities."""
        return np.sum(np.where(p > -1e6, np.exp(p) * (p - q), 0.0), -1)

    def mean(values, marginal):
        """E of values `[S]` under the marginal; those of impossible states have no meaning."""
        return float(np.sum(np.where(marginal > -1e6, np.exp(marginal) * values, 0.0)))

    diffusion = -sum(
        mean(divergence(b, r), m)
        for m, b, r in zip(marginals[1:], bridges[1:], reverses[1:], strict=True)
    )
    at_x_0 = np.flatnonzero(np.all(states == np.asarray(x_0), axis=1))[0]
    return (
        -float(divergence(marginals[-1], prior)),
        diffusion,
        mean(reverses[0][:, at_x_0], marginals[0]),
    )
