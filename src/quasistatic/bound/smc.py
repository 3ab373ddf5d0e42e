r"""Sequential Monte Carlo along the reverse trajectory: a lower bound on log p of a row from
particles that are resampled on their way.

P particles walk from T down to 1. The proposal is the bridge q(x_{t-1}|x_t,x_0), the weight of a
step p/q as in `trajectory.log_weight`; where the promises S_t of the particles (`twist.py`) have
become uneven, they are resampled in proportion to exp(S_t), the intermediate target being

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

from quasistatic.bound.evaluate import CHUNK, evaluate_rows
from quasistatic.bound.lower import WeightedBound
from quasistatic.bound.twist import Twist, first_state, lookahead, move
from quasistatic.model import DiffusionModel
from quasistatic.trajectory import Row, rows_at_once, start
from quasistatic.typing import Array, Bool, Float, Int, Key, Step


class Population(NamedTuple):
    """What a run of SMC leaves: scalars for a row, `[N, runs]` for a table.

    Args:
        log_normaliser: log Z, nats; E Z = p(x_0).
        ess: effective number of *first ancestors*, `1 / sum_a (sum of the weights of a's
        descendants)^2`, between 1 and P; without resampling it is the usual effective sample size.
        After many resamplings few ancestors are left, and it is pessimistic.
        variance: within-run estimate of Var(Z) / p(x_0)^2 from the same families (Lee and Whiteley
            2018), `1 - (P / (P-1))^(r+1) sum over pairs of different families of W_i W_j`, r the
            number of resamplings; at least 0. Unbiased for multinomial resampling; the systematic
            one here varies less, so that it errs on the side of caution.
        resamplings: r.
    """

    log_normaliser: Float[Array, ""]
    ess: Float[Array, ""]
    variance: Float[Array, ""]
    resamplings: Float[Array, ""]


def systematic_ancestors(log_weights: Float[Array, " P"], *, key: Key) -> Int[Array, " P"]:
    """Indices of the survivors: particle i is taken `P W_i` times in expectation, rounded up or
    down (Carpenter et al. 1999).
    """
    n = log_weights.shape[0]
    edges = jnp.cumsum(jax.nn.softmax(log_weights))
    comb = (jnp.arange(n, dtype=jnp.float32) + jax.random.uniform(key)) / n
    return jnp.clip(jnp.searchsorted(edges / edges[-1], comb), 0, n - 1)


class ParticleWalk(eqx.Module):
    """The estimate for one row; call it with `(model, row, key=key)`.

    Args:
        particles: P.
        twist: which particles to prefer.
        threshold: resample below this share of P.
    """

    twist: Twist
    particles: int = eqx.field(static=True)
    threshold: float = eqx.field(static=True, default=0.5)

    def __call__(self, model: DiffusionModel, row: Row, *, key: Key) -> Population:
        n, last = self.particles, model.trajectory_length
        fill_key, last_key, walk_key = jax.random.split(key, 3)
        begins = jax.vmap(lambda k: start(row, key=k))(jax.random.split(fill_key, n))
        x_last, work = jax.vmap(lambda b, k: first_state(model, b, key=k))(
            begins, jax.random.split(last_key, n)
        )

        def step(carry: tuple, t: Step) -> tuple:
            begins, x_t, gained, due, families, total, count = carry
            select_key, move_key = jax.random.split(jax.random.fold_in(walk_key, t))
            ahead = jax.vmap(lambda b, x: lookahead(model, b, x, t))(begins, x_t)
            promise = self.twist.slope[t] * gained + self.twist.ahead[t] * ahead
            preference = promise - due
            uneven = is_uneven(effective_sample_size(preference), self.threshold, n)
            ancestors = jnp.where(
                uneven, systematic_ancestors(preference, key=select_key), jnp.arange(n)
            )
            begins, x_t, gained, promise, due, families = jax.tree.map(
                lambda x: x[ancestors], (begins, x_t, gained, promise, due, families)
            )
            total = total + jnp.where(uneven, _log_mean(preference), 0.0)
            due = jnp.where(uneven, promise, due)
            x_t, gains = jax.vmap(lambda b, x, k: move(model, b, x, t, key=k))(
                begins, x_t, jax.random.split(move_key, n)
            )
            return (
                begins,
                x_t,
                gained + gains,
                due,
                families,
                total,
                count + uneven.astype(jnp.int32),
            ), None

        carry = (
            begins,
            x_last,
            work,
            jnp.zeros(n),
            jnp.arange(n),
            jnp.zeros(()),
            jnp.zeros((), jnp.int32),
        )
        (begins, x_1, gained, due, families, total, count), _ = jax.lax.scan(
            step, carry, jnp.arange(last, 1, -1)
        )
        log_weights = gained - due + jax.vmap(lambda b, x: lookahead(model, b, x, 1))(begins, x_1)
        kin = jax.ops.segment_sum(jax.nn.softmax(log_weights), families, n)
        same = jnp.sum(jnp.square(kin))
        inflation = (count.astype(jnp.float32) + 1.0) * -jnp.log1p(-1.0 / n) if n > 1 else jnp.nan
        variance = jnp.maximum(1.0 - jnp.exp(inflation) * (1.0 - same), 0.0)
        return Population(
            total + _log_mean(log_weights), 1.0 / same, variance, count.astype(jnp.float32)
        )


def effective_sample_size(log_weights: Float[Array, " P"]) -> Float[Array, ""]:
    """`(sum w)^2 / sum w^2`."""
    return 1.0 / jnp.sum(jnp.square(jax.nn.softmax(log_weights)))


def is_uneven(ess: Float[Array, ""], threshold: float, particles: int) -> Bool[Array, ""]:
    """Whether to resample: the effective sample size is below `threshold` P, and clearly so.

    Equal weights of a part of the particles give a whole number, often `threshold` P itself: its
    rounding shall not decide.
    """
    return ess < threshold * particles - 1e-3


def _log_mean(log_weights: Float[Array, " P"]) -> Float[Array, ""]:
    return jax.nn.logsumexp(log_weights) - jnp.log(float(log_weights.shape[0]))


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
        model: the model.
        rows: a table.
        twist: which particles to prefer, of `twist.fit_twist`.
        particles: P, of every run.
        runs: independent runs a row; their network evaluations are `runs * particles * T`.
        key: random key.
        threshold: resample below this share of P.
        chunk: particles held at once.
    """
    walk = ParticleWalk(twist, particles, threshold)
    return Population(
        *evaluate_rows(
            walk,
            model,
            rows,
            runs,
            key=key,
            chunk=rows_at_once(model, chunk, chunk, walks=particles),
        )
    )


def population_bound(populations: Population) -> WeightedBound:
    """`log mean Z` over the runs of each row (Z is unbiased, so their mean is), with its error.

    The standard error is that of the runs by the delta method when there are at least 2, and else
    the square root of the within-run variance; the effective sample size is that of all families of
    all runs together.

    Example:
        >>> import numpy as np
        >>> z = np.log([[1.0, 3.0]])
        >>> found = population_bound(Population(z, np.ones((1, 2)), np.zeros((1, 2)), np.zeros((1, 2))))
        >>> float(found.lower[0].round(3)), float(found.ess[0].round(3))
        (0.693, 1.6)
    """
    log_z = np.asarray(populations.log_normaliser, np.float64)
    runs = log_z.shape[1]
    highest = log_z.max(axis=1, keepdims=True)
    z = np.exp(log_z - highest)
    mean = z.mean(axis=1)
    if runs > 1:
        stderr = z.std(axis=1, ddof=1) / mean / np.sqrt(runs)
    else:
        stderr = np.sqrt(populations.variance[:, 0])
    ess = z.sum(axis=1) ** 2 / np.sum(z**2 / populations.ess, axis=1)
    return WeightedBound(np.log(mean) + highest[:, 0], stderr, ess)
