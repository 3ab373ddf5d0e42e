r"""Sequential Monte Carlo along the reverse trajectory: a lower bound on log p of a row from
particles that are resampled on their way.

P particles walk from T down to 1. The proposal is the bridge q(x_{t-1}|x_t,x_0), the weight of a
step p/q as in `trajectory.log_weight`; where the log-twists S_t of the particles (`twist.py`) have
become uneven, the particles are resampled in proportion to exp(S_t), the intermediate target being

    gamma_t(x_t..x_T) = q(x_t..x_T|x_0) exp(S_t),   gamma_0 = p(x_0, x_1..x_T):

the last target is the model for *every* S, so the estimate Z of p(x_0) is unbiased, E Z = p(x_0),
hence E log Z <= log p(x_0). With S_t = log p(x_0) + log p(x_t..x_T|x_0) / q(x_t..x_T|x_0) all
weights would be equal; with S_t = 0 nothing is resampled before the end, and Z is the
importance-weighted mean. A filler cell's value is drawn with its particle.

Source: Del Moral (2004); twisted targets as in Naesseth, Lindsten, Schoen (2019). Resampling is
systematic, where the effective sample size of exp(S_t) falls below P/2.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.bound.lower import WeightedBound
from quasistatic.bound.twist import Look, Twist, look
from quasistatic.model import DiffusionModel
from quasistatic.numerics import log_mean_exp
from quasistatic.particles import ParticleState, combine, families, init, of_the_row, resample
from quasistatic.rows import CHUNK, Row, map_rows, rows_at_once
from quasistatic.trajectory import Start, first_state, move, start
from quasistatic.typing import Array, Float, Key, Step

__all__ = ["ParticleWalk", "Population", "evaluate_populations", "population_bound"]


class Population(NamedTuple):
    """What a run of SMC leaves: scalars for a row, `[N, runs]` for a table.

    Args:
        log_z: log Z, nats; E Z = p(x_0).
        ess: effective number of *first ancestors* (`particles.Families`), between 1 and P; without
            resampling it is the usual effective sample size.
        variance: estimate of Var(Z) / p(x_0)^2 within a run that never resampled; NaN of others.
        n_resampled: number of resamplings.
    """

    log_z: Float[Array, ""]
    ess: Float[Array, ""]
    variance: Float[Array, ""]
    n_resampled: Float[Array, ""]


_Carry = tuple[ParticleState, Start]
"""Particles, and the row that each of them started from: its filler cells are drawn with it."""


class ParticleWalk(eqx.Module):
    """The estimate for one row; call it with `(model, row, key=key)`.

    Args:
        twist: coefficients of the log-twist.
        particles: number P of particles.
        threshold: share of P below which the effective sample size makes resample (default 1/2).
    """

    twist: Twist
    particles: int = eqx.field(static=True)
    threshold: float = eqx.field(static=True, default=0.5)

    def __call__(self, model: DiffusionModel, row: Row, *, key: Key) -> Population:
        n = self.particles
        fill_key, last_key, walk_key = jax.random.split(key, 3)
        begins = jax.vmap(lambda k: start(model.forward, row, key=k))(jax.random.split(fill_key, n))
        x_last, gain = jax.vmap(lambda b, k: first_state(model, b, key=k))(
            begins, jax.random.split(last_key, n)
        )

        def walk_on(state: ParticleState, begins: Start, found: Look, t: Step) -> _Carry:
            select_key, move_key = jax.random.split(jax.random.fold_in(walk_key, t))
            log_twist = self.twist(state.log_weight, found.ahead, t)
            state, (begins, found) = resample(
                state, log_twist, (begins, found), self.threshold, key=select_key
            )
            x_before, gain = jax.vmap(lambda b, p, x, k: move(model, b, p, x, t, key=k))(
                begins, found.reverse, state.x_t, jax.random.split(move_key, n)
            )
            return state._replace(x_t=x_before, log_weight=state.log_weight + gain), begins

        def last(state: ParticleState, begins: Start, found: Look, t: Step) -> _Carry:
            log_weight = state.log_weight - state.log_applied + found.ahead
            return state._replace(log_weight=log_weight), begins

        def step(carry: _Carry, t: Step) -> tuple[_Carry, None]:
            state, begins = carry
            found = jax.vmap(lambda b, x: look(model, b, x, t))(begins, state.x_t)
            return jax.lax.cond(t > 1, walk_on, last, state, begins, found, t), None

        walk = jnp.arange(model.trajectory_length, 0, -1)
        begin = of_the_row((init(x_last, gain), begins), key=key)
        (state, _), _ = jax.lax.scan(step, begin, walk)
        log_weight = state.log_weight
        found = families(state, log_weight)
        return Population(
            state.log_z + log_mean_exp(log_weight),
            found.effective,
            found.variance,
            state.n_resampled,
        )


def evaluate_populations(
    model: DiffusionModel,
    rows: Row,
    twist: Twist,
    *,
    particles: int,
    runs: int,
    key: Key,
    threshold: float = 0.5,
    chunk: int = CHUNK,
) -> Population:
    """Independent runs for every row of a table, `[N, runs]`.

    Args:
        model: model p of the rows.
        rows: table of N rows, blocks [N, D], at least one row.
        twist: coefficients of the log-twist, from `twist.fit_twist`.
        particles: number P of particles of every run.
        runs: number of independent runs of a row; their network evaluations are `runs * particles *
            T`.
        key: random key of the whole table.
        threshold: share of P below which the effective sample size makes resample (default 1/2).
        chunk: number of particles held at once, at most (default 1024).
    """
    walk, size = (
        ParticleWalk(twist, particles, threshold),
        rows_at_once(model, chunk, chunk, walks=particles),
    )
    return Population(*map_rows(walk, model, rows, runs, key=key, chunk=size))


def population_bound(populations: Population) -> WeightedBound:
    """`log mean Z` over the runs of each row (Z is unbiased, so their mean is), with its error.

    The standard error is that of the runs by the delta method when there are at least 2, and else
    the square root of the within-run variance, if there is one; the effective sample size is that
    of all families of all runs together.

    Example:
        >>> import numpy as np
        >>> z = np.log([[1.0, 3.0]])
        >>> ones, zeros = np.ones((1, 2)), np.zeros((1, 2))
        >>> found = population_bound(Population(z, ones, zeros, zeros))
        >>> float(found.lower[0].round(3)), float(found.ess[0].round(3))
        (0.693, 1.6)
    """
    log_z, ess, variance, _ = (np.asarray(x, np.float64) for x in populations)
    found = combine(log_z, ess, variance)
    return WeightedBound(found.log_z, found.stderr, found.ess)
