r"""Upper bounds on log p, from trajectories of the posterior p(x_1..x_T|x_0) (bidirectional Monte
Carlo; Grosse et al. 2015).

A row that the model itself generated comes with its trajectory, and that trajectory is an exact
draw of the posterior given the row. Among R weights of one row let R - 1 be of forward trajectories
and one, w*, of a posterior trajectory. Their mean W has

    prod_{k} q(path_k) W / p(x_0)   as the density of the R paths (in random order), so that   E log W - log p = KL >= 0:

log W is a stochastic *upper* bound, for every R, falling to log p as R grows. For any other row the
posterior draw is replaced by the state of a chain (iterated sampling-importance-resampling) that
was started from a forward trajectory: an upper bound only in the limit of many sweeps, and labelled
"asymptotic".
"""

from typing import Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.bound.evaluate import CHUNK, evaluate_log_weights
from quasistatic.bound.lower import weighted_bound
from quasistatic.data.cells import Cells
from quasistatic.model import DiffusionModel
from quasistatic.numerics import log_normal_density
from quasistatic.trajectory import Row, rows_at_once
from quasistatic.typing import Array, Float, Key, State

UpperKind = Literal["exact-sample", "asymptotic"]


class Generated(NamedTuple):
    """What is kept of a trajectory of the model: enough to weigh it for its row, whatever T. Rows
    `[n, ...]` for a table.

    Args:
        x_0: the row.
        x_1: the state before it.
        log_ratio: `log pi(x_T) + sum_{t=2..T} log p(x_{t-1}|x_t) / q(x_t|x_{t-1})`, nats.
    """

    x_0: State
    x_1: State
    log_ratio: Float[Array, ""]


class Bracket(NamedTuple):
    """Both sides of log p, per row; NumPy `[N]`, float64, nats.

    Args:
        lower: below log p in expectation.
        upper: above log p in expectation (`upper_kind` "exact-sample"), or in the limit of many
            sweeps ("asymptotic").
        stderr_lower: Monte Carlo standard error of `lower`.
        stderr_upper: Monte Carlo standard error of `upper`.
        ess: effective sample size of the forward trajectories behind `lower`.
        upper_kind: where the posterior trajectory comes from.
    """

    lower: np.ndarray
    upper: np.ndarray
    stderr_lower: np.ndarray
    stderr_upper: np.ndarray
    ess: np.ndarray
    upper_kind: UpperKind

    @property
    def gap(self) -> tuple[float, float]:
        """Mean of upper - lower over the rows and its standard error from their spread, nats; the
        error of one row is NaN.
        """
        width = self.upper - self.lower
        n = len(width)
        return float(width.mean()), float(width.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")


def generate(model: DiffusionModel, observed: State, *, key: Key) -> Generated:
    """One row of the model with the weight of its trajectory; memory does not grow with T."""
    forward = model.forward

    def step(carry: tuple, t: Array) -> tuple:
        x_t, total = carry
        reverse = model.reverse_kernel(x_t, observed, t)
        x_before = reverse.sample(key=jax.random.fold_in(key, t))
        gain = reverse.log_prob(x_before) - forward.kernel(x_before, t).log_prob(x_t)
        return (x_before, total + jnp.sum(gain)), None

    x_last = forward.prior().sample(key=jax.random.fold_in(key, 0))
    carry = (x_last, jnp.sum(forward.prior().log_prob(x_last)))
    (x_1, total), _ = jax.lax.scan(step, carry, jnp.arange(model.trajectory_length, 1, -1))
    x_0 = model.reverse_kernel(x_1, observed, 1).sample(key=jax.random.fold_in(key, 1))
    return Generated(x_0, x_1, total)


def posterior_log_weight(model: DiffusionModel, row: Row, generated: Generated) -> Float[Array, ""]:
    r"""log w of the trajectory that generated a row, nats.

        log w = log_ratio + log p(x_0|x_1) - log q(x_1|x_0)

    `row` holds the cells of the generated state, without holes. They may be wider than a point (the
    value was rounded on its way through the codec): given that x_0 fell into the cell, the
    trajectory is a draw of the posterior of the *cell*, and is weighed by the cell's mass. A filler
    cell takes the value that was generated for it.
    """
    x_0, fillers = zip(
        *(_filled(cells, x) for cells, x in zip(row, generated.x_0, strict=True)), strict=True
    )
    observed, width = tuple(cells.observed for cells in row), tuple(cells.width for cells in row)
    first = model.reverse_kernel(generated.x_1, observed, 1).log_cell(x_0, width)
    back = model.forward.marginal(x_0, 1).log_prob(generated.x_1)
    return generated.log_ratio + jnp.sum(first - back + jnp.concatenate(fillers))


def _filled(cells: Cells, x: Array) -> tuple[Array, Float[Array, " D"]]:
    if cells.filler is None:
        return cells.value, jnp.zeros(cells.value.shape)
    return jnp.where(cells.filler, x, cells.value), jnp.where(
        cells.filler, -log_normal_density(x, 0.0, 0.0), 0.0
    )


def generate_rows(model: DiffusionModel, n_rows: int, *, key: Key, chunk: int = CHUNK) -> Generated:
    """`n_rows` independent rows with what weighs their trajectories, NumPy, in chunks."""
    if n_rows < 1:
        raise ValueError(f"n_rows = {n_rows} must be at least 1")
    size = rows_at_once(model, n_rows, chunk)
    indices = (
        jnp.arange(begin, begin + size, dtype=jnp.uint32) for begin in range(0, n_rows, size)
    )
    parts = [jax.tree.map(np.asarray, _generate(model, index, key)) for index in indices]
    return jax.tree.map(lambda *xs: np.concatenate(xs)[:n_rows], *parts)


@eqx.filter_jit
def _generate(model: DiffusionModel, index: Array, key: Key) -> Generated:
    prior = jax.eval_shape(lambda: model.forward.prior().sample(key=key))
    observed = jax.tree.map(lambda x: jnp.ones(x.shape, bool), prior)
    return jax.vmap(lambda i: generate(model, observed, key=jax.random.fold_in(key, i)))(index)


def cells_of(x_0: State) -> Row:
    """Generated states `[n, D]` per block as rows: every cell there, and a density where it is
    continuous.
    """
    return tuple(Cells(x, np.ones(x.shape, bool)) for x in x_0)


def evaluate_posterior_log_weights(
    model: DiffusionModel, rows: Row, generated: Generated, *, chunk: int = CHUNK
) -> np.ndarray:
    """`posterior_log_weight` of every generated row, `[n]`, nats."""
    n_rows = len(generated.log_ratio)
    size = rows_at_once(model, n_rows, chunk)
    parts = []
    for begin in range(0, n_rows, size):
        index = np.minimum(np.arange(begin, begin + size), n_rows - 1)
        taken = jax.tree.map(lambda x, index=index: jnp.asarray(x[index]), (rows, generated))
        parts.append(np.asarray(_weigh(model, *taken), np.float64))
    return np.concatenate(parts)[:n_rows]


@eqx.filter_jit
def _weigh(model: DiffusionModel, rows: Row, generated: Generated) -> Float[Array, " n"]:
    return jax.vmap(lambda row, g: posterior_log_weight(model, row, g))(rows, generated)


def generated_bracket(
    model: DiffusionModel,
    rows: Row,
    generated: Generated,
    *,
    trajectories: int,
    key: Key,
    chunk: int = CHUNK,
) -> Bracket:
    """The sandwich for rows of the model: `trajectories` forward ones for the lower side, and the
    row's own among them for the upper.

    Args:
        model: the model that generated the rows.
        rows: the generated rows, as `cells_of` or, through the codec, as the data's own cells.
        generated: of `generate_rows`.
        trajectories: forward trajectories a row.
        key: random key.
        chunk: trajectories held at once.
    """
    identity = np.arange(
        len(generated.log_ratio)
    )  # equal rows get noise of their own: the gap's error is their spread
    forward = evaluate_log_weights(
        model, rows, trajectories=trajectories, key=key, chunk=chunk, identity=identity
    )
    return bidirectional(
        forward, evaluate_posterior_log_weights(model, rows, generated, chunk=chunk)
    )


def bidirectional(forward: np.ndarray, posterior: np.ndarray) -> Bracket:
    """The bracket of `[N, R - 1]` log-weights of forward and `[N]` of posterior trajectories.

    The standard error of the upper side is by the delta method, `sqrt((R - 1) Var w + Var* w) / (R
    mean w)`; the variance of the single posterior weight is that of the weights tilted by
    themselves, over all R.
    """
    below = weighted_bound(forward)
    together = np.concatenate([posterior[:, None], forward], axis=1)
    above = weighted_bound(together)
    n = together.shape[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        w = np.exp(together - above.lower[:, None])  # mean 1
        tilted_mean = np.mean(w * w, axis=1)
        tilted = np.mean(w * np.square(w - tilted_mean[:, None]), axis=1)
        plain = np.square(below.stderr * np.exp(below.lower - above.lower)) * (n - 1)
        stderr = np.sqrt((n - 1) * plain + tilted) / n
    return Bracket(below.lower, above.lower, below.stderr, stderr, below.ess, "exact-sample")
