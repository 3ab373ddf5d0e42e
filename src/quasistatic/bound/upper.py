r"""Upper bounds on log p, from trajectories of the posterior p(x_1..x_T|x_0) (bidirectional Monte
Carlo; Grosse et al. 2015).

A row that the model itself generated comes with its trajectory, and that trajectory is an exact
draw of the posterior given the row. Among R weights of one row let R - 1 be of forward trajectories
and one, w*, of a posterior trajectory. Their mean W has

    prod_k q(path_k) W / p(x_0)

as the density of the R paths (in random order), so that E log W - log p = KL >= 0: log W is a
stochastic *upper* bound, for every R, falling to log p as R grows. For any other row the posterior
draw is replaced by the state of a chain (iterated sampling-importance-resampling, `isir.py`) that
was started from a forward trajectory: an upper bound only in the limit of many sweeps, and labelled
"asymptotic".
"""

from typing import Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.bound.evaluate import evaluate_log_weights
from quasistatic.bound.lower import weighted_bound
from quasistatic.forward import tabulated
from quasistatic.model import DiffusionModel
from quasistatic.rows import CHUNK, Row, in_chunks, joined, row_numbers, rows_at_once, take
from quasistatic.trajectory import Generated, arrive, start_at
from quasistatic.typing import Array, Float, Key

__all__ = [
    "Bracket",
    "UpperKind",
    "bidirectional",
    "evaluate_posterior_log_weights",
    "generated_bracket",
    "posterior_log_weight",
]

UpperKind = Literal["exact-sample", "asymptotic"]


class Bracket(NamedTuple):
    """Both sides of log p, per row; NumPy `[N]`, float64, nats.

    Args:
        lower: lower side, nats: below log p in expectation.
        upper: upper side, nats: above log p in expectation (`upper_kind` "exact-sample"), or in the
            limit of many sweeps ("asymptotic").
        stderr_lower: Monte Carlo standard error of `lower`, nats.
        stderr_upper: Monte Carlo standard error of `upper`, nats.
        ess: effective sample size of the forward trajectories behind `lower`.
        upper_kind: kind of the upper side, by where the posterior trajectory comes from:
            "exact-sample" or "asymptotic".
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


def posterior_log_weight(model: DiffusionModel, row: Row, generated: Generated) -> Float[Array, ""]:
    r"""log w of the trajectory that generated a row, nats.

        log w = log_ratio + log p(x_0|x_1) - log q(x_1|x_0)

    `row` holds the cells of the generated state, without holes. They may be wider than a point (the
    value was rounded on its way through the codec): given that x_0 fell into the cell, the
    trajectory is a draw of the posterior of the *cell*, and is weighed by the cell's mass. A filler
    cell takes the value that was generated for it.
    """
    begin = start_at(model.forward, row, generated.x_0)
    back = model.forward.marginal(begin.x_0, 1).log_prob(generated.x_1)
    reverse = model.reverse_kernel(generated.x_1, begin.observed, 1)
    return generated.log_ratio + arrive(begin, reverse) - jnp.sum(back)


def evaluate_posterior_log_weights(
    model: DiffusionModel, rows: Row, generated: Generated, *, chunk: int = CHUNK
) -> np.ndarray:
    """`posterior_log_weight` of every generated row, `[n]`, nats."""

    def program(index: np.ndarray) -> Array:
        return _weigh(model, *take((rows, generated), index))

    n_rows = len(generated.log_ratio)
    parts = in_chunks(program, n_rows, rows_at_once(model, n_rows, chunk))
    return np.asarray(joined(parts), np.float64)


@eqx.filter_jit
def _weigh(model: DiffusionModel, rows: Row, generated: Generated) -> Float[Array, " n"]:
    model = tabulated(model)
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
        rows: table of the generated rows, blocks [N, D], as `cells_of` or, through the codec, as
            the data's own cells.
        generated: what weighs the trajectories of these rows, from `generate_rows`.
        trajectories: number of forward trajectories of a row.
        key: random key of the forward trajectories.
        chunk: number of trajectories held at once, at most (default 1024).
    """
    identity = row_numbers(rows)  # equal rows too: the error of the gap is the rows' spread
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
