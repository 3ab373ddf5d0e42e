r"""The best K of T steps, by dynamic programming over the costs of all strides (Watson et al. 2021,
"Learning to efficiently sample").

A chain that keeps the steps 0 = t_0 < t_1 < ... < t_K = T has the bound

    -K = sum_k cost[t_{k-1}, t_k] + KL(q(x_T|x_0) || pi),
    cost[s, t] = E KL(q(x_s|x_t,x_0) || p(x_s|x_t)),    s >= 1,
    cost[0, t] = -E log p(x_0|x_t):

a sum over strides, so the best chain is a shortest path. This needs nothing of the kernel but its
bridge and reverse kernel over a stride, and holds for discrete ones too. The costs of all strides
that end at x_t share one network evaluation.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.distribution import divergence
from quasistatic.model import DiffusionModel
from quasistatic.rows import Row, iterate_rows, row_numbers
from quasistatic.trajectory import start
from quasistatic.typing import Array, Float, Key, Step

__all__ = [
    "CHUNK",
    "StrideCosts",
    "best_steps",
    "best_subschedule",
    "candidate_steps",
    "stride_costs",
]

_MAX_CANDIDATES = 128
CHUNK = 32


class StrideCosts(eqx.Module):
    """Draws of the costs between candidate steps for one row; call it with `(model, row, key=key)`.

    Args:
        candidates: numbers of the n candidate steps, int `[n]`, increasing, the last T.
    """

    candidates: Array | np.ndarray  # NumPy int [n]: no part of the compiled program

    def __call__(self, model: DiffusionModel, row: Row, *, key: Key) -> Float[Array, "n n"]:
        fill_key, walk_key = jax.random.split(key)
        move_key = jax.random.fold_in(walk_key, 1)
        begin = start(model.forward, row, key=fill_key)
        ends = jnp.asarray(self.candidates)
        to = jnp.concatenate([jnp.zeros(1, ends.dtype), ends[:-1]])

        def ending_at(t: Step) -> Float[Array, " n"]:
            # One noise for all t: neighbouring steps err alike, and the shortest path cannot pick
            # the lucky ones among them.
            x_t = model.forward.marginal(begin.x_0, t).sample(key=walk_key)

            def stride(s: Step) -> Float[Array, ""]:
                # Strides that do not go back are computed as 0 <- t and left out below.
                end = jnp.where(s < t, s, 0)
                reverse = model.reverse_kernel(x_t, begin.observed, t, end)
                bridge = model.forward.bridge(x_t, begin.x_0, t, end)
                lost = divergence(bridge, reverse, begin.columns, key=move_key)
                found = reverse.log_cell(begin.x_0, begin.width, begin.columns)
                return jnp.sum(jnp.where(s == 0, -found, lost))

            return jnp.where(to < t, jax.vmap(stride)(to), jnp.inf)

        return jax.lax.map(ending_at, ends).T


def candidate_steps(trajectory_length: int, n: int = _MAX_CANDIDATES) -> tuple[int, ...]:
    """All steps, or n of them: dense near the data, where the strides are short, and T."""
    if trajectory_length <= n:
        return tuple(range(1, trajectory_length + 1))
    spread = np.linspace(0, 1, 4 * n) ** 1.5 * (trajectory_length - 1) + 1
    steps = np.unique(np.round(spread).astype(int))
    kept = steps[np.unique(np.round(np.linspace(0, len(steps) - 1, n)).astype(int))]
    return tuple(int(t) for t in kept)


def stride_costs(
    model: DiffusionModel,
    rows: Row,
    candidates: tuple[int, ...],
    *,
    key: Key,
    repetitions: int = 1,
    chunk: int = CHUNK,
) -> np.ndarray:
    """Mean costs `[n + 1, n + 1]` over the rows, nats a row: entry (i, j) from candidate j back to
    candidate i, 0 being the data.

    Infinite where i >= j. Memory: `chunk` matrices.
    """
    total, n_rows = np.zeros(()), 0
    costs_of, identity = StrideCosts(np.array(candidates, np.int32)), row_numbers(rows)
    for draws in iterate_rows(
        costs_of, model, rows, repetitions, key=key, chunk=chunk, identity=identity
    ):
        total, n_rows = total + draws.mean(axis=1).sum(axis=0), n_rows + len(draws)
    costs = np.full((len(candidates) + 1, len(candidates) + 1), np.inf)
    costs[:-1, 1:] = total / n_rows
    return costs


def best_steps(costs: np.ndarray, n_steps: int) -> tuple[np.ndarray, float]:
    """The shortest path of exactly `n_steps` strides from the first to the last node.

    Args:
        costs: costs of going from node j back to node i, `[n + 1, n + 1]` nats a row, infinite
            unless i < j.
        n_steps: number K of strides, between 1 and n.

    Returns:
        The nodes on the path but the first, `[K]`, and its cost, nats a row.

    Example:
        >>> costs = np.array([[np.inf, 1.0, 5.0], [np.inf, np.inf, 1.0], [np.inf, np.inf, np.inf]])
        >>> best_steps(costs, 2)[0].tolist(), best_steps(costs, 2)[1]
        ([1, 2], 2.0)
    """
    last = len(costs) - 1
    if not 1 <= n_steps <= last:
        raise ValueError(f"n_steps = {n_steps} must lie between 1 and {last}")
    reach = np.full(last + 1, np.inf)
    reach[0] = 0.0
    came_from = np.zeros((n_steps + 1, last + 1), int)
    for k in range(1, n_steps + 1):
        through = reach[:, None] + costs
        came_from[k] = np.argmin(through, axis=0)
        reach = np.min(through, axis=0)
    path = [last]
    for k in range(n_steps, 1, -1):
        path.append(int(came_from[k, path[-1]]))
    return np.array(path[::-1]), float(reach[last])


def best_subschedule(
    model: DiffusionModel,
    rows: Row,
    n_steps: int,
    *,
    key: Key,
    repetitions: int = 1,
    n_candidates: int = _MAX_CANDIDATES,
) -> tuple[int, ...]:
    """The steps of the K-step sub-schedule with the best bound on these rows, for `model.thin`."""
    candidates = candidate_steps(model.trajectory_length, max(n_candidates, n_steps))
    costs = stride_costs(model, rows, candidates, key=key, repetitions=repetitions)
    nodes, _ = best_steps(costs, n_steps)
    return tuple(candidates[node - 1] for node in nodes)
