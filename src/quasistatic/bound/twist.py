r"""The twist of a reverse walk: a prediction of a particle's final log-weight from what is known at
step t.

The log-weight G_t gained so far is the wrong measure: it says how probable the noisy state is under
p, not whether x_0 can follow from it, and resampling by it walks away from the row. The model's own
guess at what is to come is

    A_t = log p_{t->0}(x_0|x_t),

the reverse kernel with a stride of t, from the network evaluation that the step to t - 1 needs
anyway. But it treats the columns as independent, so that G_t + A_t may vary more than the final
log-weight does, and resampling by it adds noise. So the log-twist is a regression,

    S_t = slope_t G_t + ahead_t A_t,

with coefficients of least squares against the final log w, within rows, fitted on trajectories of
rows that the model generates: they depend on the model alone, not on the table to be scored. A
log-twist cannot vary more than the final log-weight: where the state says nothing about it, nothing
is resampled.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.distribution import Mixture, Product
from quasistatic.forward import tabulated
from quasistatic.model import DiffusionModel
from quasistatic.rows import Row
from quasistatic.trajectory import (
    Start,
    arrive,
    cells_of,
    first_state,
    generate_rows,
    move,
    start,
)
from quasistatic.typing import Array, Float, Key, State, Step

__all__ = ["Look", "Twist", "fit_twist", "look", "pilot", "regress"]


class Twist(eqx.Module):
    """Coefficients of the log-twist `S_t = slope[t] G_t + ahead[t] A_t`, both `[T + 1]`, index
    t.
    """

    slope: Float[Array, " steps"]
    ahead: Float[Array, " steps"]

    def __call__(self, gained: Array, ahead: Array, t: Step) -> Array:
        """S_t of particles, nats.

        Args:
            gained: G_t of each particle, nats.
            ahead: A_t of each particle, nats.
            t: number t of the step.
        """
        return self.slope[t] * gained + self.ahead[t] * ahead


class Look(NamedTuple):
    """What one network evaluation says at x_t.

    Args:
        reverse: reverse kernel p(x_{t-1}|x_t).
        ahead: A_t, nats; at t = 1 the last factor of the weight.
    """

    reverse: Product | Mixture
    ahead: Float[Array, ""]


def look(model: DiffusionModel, begin: Start, x_t: State, t: Step) -> Look:
    """The reverse kernel at x_t, and A_t with the `-log N(c; 0, 1)` of the filler cells.

    Args:
        model: model p of the row.
        begin: row at t = 0.
        x_t: state of the row, one array [D] per block.
        t: number t of the step.
    """
    outputs = model.outputs(x_t, begin.observed, t)
    reverse, of_data = (
        model.reverse_kernel_of(outputs, x_t, begin.observed, t, s) for s in (None, 0)
    )
    return Look(reverse, arrive(begin, of_data))


def pilot(model: DiffusionModel, row: Row, *, key: Key) -> tuple[Array, Array, Array]:
    """G_t and A_t at t = 2..T, `[T - 1]` each, and the final log-weight of one forward trajectory,
    nats.
    """
    fill_key, last_key, walk_key = jax.random.split(key, 3)
    begin = start(model.forward, row, key=fill_key)
    x_last, gained = first_state(model, begin, key=last_key)

    def step(carry: tuple, t: Step) -> tuple:
        x_t, gained = carry
        found = look(model, begin, x_t, t)
        x_before, gain = move(
            model, begin, found.reverse, x_t, t, key=jax.random.fold_in(walk_key, t)
        )
        return (x_before, gained + gain), (gained, found.ahead)

    # At t = 1 nothing is moved: the guess of x_0 is the last factor.
    walk = jnp.arange(model.trajectory_length, 0, -1)
    _, (past, ahead) = jax.lax.scan(step, (x_last, gained), walk)
    return past[-2::-1], ahead[-2::-1], past[-1] + ahead[-1]


@eqx.filter_jit
def _pilots(model: DiffusionModel, rows: Row, keys: Key) -> tuple[Array, Array, Array]:
    model = tabulated(model)
    return jax.vmap(lambda row, ks: jax.vmap(lambda k: pilot(model, row, key=k))(ks))(rows, keys)


def fit_twist(
    model: DiffusionModel, *, key: Key, n_rows: int = 64, trajectories: int = 16
) -> Twist:
    """The coefficients of a model.

    Args:
        model: model whose twist is fitted.
        key: random key of the rows and of their trajectories.
        n_rows: number of rows that the model generates (default 64).
        trajectories: number of forward trajectories of a row (default 16).
    """
    row_key, walk_key = jax.random.split(key)
    rows = jax.tree.map(jnp.asarray, cells_of(generate_rows(model, n_rows, key=row_key).x_0))
    return regress(*_pilots(model, rows, jax.random.split(walk_key, (n_rows, trajectories))))


def regress(past: Array, ahead: Array, final: Array) -> Twist:
    """Least squares within rows, one regression a step; a ridge of 1e-3 of the variances keeps
    constant columns at 0.

    Args:
        past: G_t of R trajectories of N rows at t = 2..T, `[N, R, T - 1]` nats.
        ahead: A_t of the same trajectories, `[N, R, T - 1]` nats.
        final: log w of the same trajectories, `[N, R]` nats.
    """
    g, a, w = (np.asarray(x, np.float64) for x in (past, ahead, np.asarray(final)[:, :, None]))
    g, a, w = (x - x.mean(axis=1, keepdims=True) for x in (g, a, w))
    gg, ga, aa, gw, aw = (
        np.mean(x * y, axis=(0, 1)) for x, y in ((g, g), (g, a), (a, a), (g, w), (a, w))
    )
    ridge = 1e-3 * (gg + aa) + 1e-6
    gg, aa = gg + ridge, aa + ridge
    determinant = gg * aa - ga**2
    slope, look = (aa * gw - ga * aw) / determinant, (gg * aw - ga * gw) / determinant
    unused = [0.0, 0.0]  # t = 0 and 1
    return Twist(*(jnp.asarray(np.concatenate([unused, x]), jnp.float32) for x in (slope, look)))
