r"""The bound K of one row as named terms, in nats (paper, equation (14) with a reconstruction term
at t = 1).

    K(x_0) = - KL(q(x_T|x_0) || pi)                                      prior
             - sum_{t=2..T} E KL(q(x_{t-1}|x_t,x_0) || p(x_{t-1}|x_t))   diffusion
             + E log p(x_0|x_1)                                          reconstruction

plus `filler`, the entropy of the values drawn in place of an atom's. `E K <= log p(x_0)`; no term
is counted T/(T-1) times.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.distribution import divergence
from quasistatic.model import DiffusionModel
from quasistatic.rows import Row
from quasistatic.trajectory import Start, forward_trajectory, start
from quasistatic.typing import Array, Float, Key, Step

__all__ = ["Bound", "Terms", "bound", "bound_costs", "bound_terms", "prior_cost", "step_cost"]


class Terms(NamedTuple):
    """Named terms of K, nats; they add up to it. Scalars for a row, `[N, draws]` for a table."""

    prior: Float[Array, ""]
    diffusion: Float[Array, ""]
    reconstruction: Float[Array, ""]
    filler: Float[Array, ""]

    @property
    def total(self) -> Float[Array | np.ndarray, "..."]:
        """K, nats."""
        return self.prior + self.diffusion + self.reconstruction + self.filler


def step_cost(
    model: DiffusionModel, begin: Start, t: Step, *, key: Key, dropout_key: Key | None = None
) -> Float[Array, " D"]:
    """An unbiased draw of minus the t-th term of K, nats per column: the KL for t >= 2, `-log
    p(x_0|x_1)` at t = 1.
    """
    x_t = model.forward.marginal(begin.x_0, t).sample(key=key)
    reverse = model.reverse_kernel(x_t, begin.observed, t, key=dropout_key)
    bridge = model.forward.bridge(x_t, begin.x_0, t)
    lost = divergence(bridge, reverse.whole(), begin.columns, key=jax.random.fold_in(key, 1))
    found = reverse.log_cell(begin.x_0, begin.width, begin.columns)
    return jnp.where(jnp.asarray(t) == 1, -found, lost)


def prior_cost(model: DiffusionModel, begin: Start) -> Float[Array, " D"]:
    """`KL(q(x_T|x_0) || pi)`, nats per column."""
    cost = model.forward.marginal(begin.x_0, model.trajectory_length).kl(model.forward.prior())
    return jnp.where(begin.columns, cost, 0.0)


class Bound(NamedTuple):
    """One draw of K of a row, nats.

    Args:
        terms: named terms of the bound, nats.
        costs: `[T + 1]` terms of -K step by step, nats: t = 1..T, the filler's with the first, then
            the prior's.
    """

    terms: Terms
    costs: Float[Array, " steps"]


def bound(model: DiffusionModel, row: Row, *, key: Key) -> Bound:
    """One draw of K: the full sum over t.

    With an independent x_t at every t and the divergences in closed form; where the reverse kernels
    are mixtures, whose divergences have none, the increments of log w of one trajectory (`E log w =
    E K`), which vary little where the reversal is nearly exact.
    """
    if model.start is not None:
        return _of_trajectory(model, row, key)
    fill_key, walk_key = jax.random.split(key)
    begin = start(model.forward, row, key=fill_key)

    def step(carry: tuple[Array, Array], t: Step) -> tuple[tuple[Array, Array], Array]:
        first, total = carry
        cost = jnp.sum(step_cost(model, begin, t, key=jax.random.fold_in(walk_key, t)))
        return (jnp.where(t == 1, cost, first), total + jnp.where(t == 1, 0.0, cost)), cost

    # The sums are carried along: the compiler drops the costs of the steps where only they are
    # asked for, and memory does not grow with T.
    walk, zero = jnp.arange(1, model.trajectory_length + 1), jnp.zeros(())
    (first, total), costs = jax.lax.scan(step, (zero, zero), walk)
    prior, filler = jnp.sum(prior_cost(model, begin)), jnp.sum(begin.filler)
    costs = jnp.concatenate([costs.at[0].add(-filler), prior[None]])
    return Bound(Terms(-prior, -total, -first, filler), costs)


def _of_trajectory(model: DiffusionModel, row: Row, key: Key) -> Bound:
    walk = forward_trajectory(model, row, key=key)
    first, later, end = walk.increments[0], walk.increments[1:-1], walk.increments[-1]
    terms = Terms(end, jnp.sum(later), first - walk.filler, walk.filler)
    return Bound(terms, -walk.increments)


def bound_terms(model: DiffusionModel, row: Row, *, key: Key) -> Terms:
    """One draw of K's named terms, nats; memory does not grow with T."""
    return bound(model, row, key=key).terms


def bound_costs(model: DiffusionModel, row: Row, *, key: Key) -> Float[Array, " steps"]:
    """The terms of -K of `bound_terms` step by step, of the same draw at the same key, `[T + 1]`
    nats: t = 1..T, the filler's with the first, then the prior's.
    """
    return bound(model, row, key=key).costs
