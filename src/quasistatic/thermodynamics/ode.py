r"""Likelihood of the probability flow: the density of a *different*, deterministic model with the
same network.

A Gaussian process x_t = cos(theta) x_0 + sin(theta) e, with cos^2 = alpha_bar_t, has the marginals
of the ordinary differential equation (Song et al. 2021)

    dx / dtheta = - sin(theta) x_0^ + cos(theta) e^ = v(x, t),

where x_0^ is the network's prediction of the data, e^ the noise that belongs to it, and v =
(cos(theta) x - x_0^) / sin(theta) exactly the first half of the network's output. Along the flow
the log-density falls by the divergence, hence

    log p(x_0) = log N(x_T; 0, I) + integral_0^{theta_T} sum_d dv_d/dx_d dtheta_d,

theta per column where the schedule is. The grid are the T steps (Heun's rule; the network has not
seen other times; from t = 0 to 1 the v at t = 1). Not a bound, and not comparable with K: report it
apart. The result is a density: for a cell of positive width it is the density at the midpoint times
the width.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.errors import SettingError
from quasistatic.forward.gaussian import GaussianDiffusion
from quasistatic.model import DiffusionModel
from quasistatic.numerics import log_normal_density
from quasistatic.rows import CHUNK, Row, iterate_rows, joined
from quasistatic.typing import Array, Float, Key, Step

__all__ = ["Flow", "FlowLikelihood", "flow_log_density"]

_MAX_EXACT_COLUMNS = 20
"""Up to here the trace is exact (one derivative per column); above, Hutchinson's estimate."""


class FlowLikelihood(NamedTuple):
    """log-density of the probability flow per row, NumPy `[N]`.

    Args:
        log_density: log-density of each row, `[N]` nats, in the model's units (z).
        stderr: standard error of Hutchinson's estimate of the divergence, `[N]` nats; 0 where the
            trace is exact, NaN with a single probe.
        exact: whether the trace is exact.
    """

    log_density: np.ndarray
    stderr: np.ndarray
    exact: bool


class Flow(eqx.Module):
    """The likelihood of one row; call it with `(model, row, key=key)`.

    Args:
        exact: whether the trace is taken from the Jacobian; else from one random sign vector, the
            same along the whole flow.
    """

    exact: bool = eqx.field(static=True)

    def __call__(self, model: DiffusionModel, row: Row, *, key: Key) -> Float[Array, ""]:
        (block,), (cells,) = model.forward.blocks, row
        assert isinstance(block, GaussianDiffusion)
        x_0, observed = cells.value, cells.observed
        signs = jax.random.rademacher(key, x_0.shape, jnp.float32)
        steps = jnp.arange(model.trajectory_length + 1)
        # q(x_t|x_0) of x_0 = 1 has the mean cos(theta); its variance sin^2 keeps the digits of
        # small angles.
        marginal = jax.vmap(lambda t: block.marginal(jnp.ones(x_0.shape), t))(steps)
        theta = jnp.arctan2(jnp.exp(0.5 * marginal.log_variance), marginal.mean).at[0].set(0.0)

        def velocity(x: Float[Array, " D"], t: Step) -> Float[Array, " D"]:
            time = jnp.asarray(t, jnp.float32) / model.trajectory_length
            raw = model.network(block.features(x, observed, t), time)
            return jnp.where(observed, raw[: x.shape[0]], 0.0)

        def slope(
            x: Float[Array, " D"], t: Step, stride: Float[Array, " D"]
        ) -> tuple[Float[Array, " D"], Float[Array, ""]]:
            if self.exact:
                return velocity(x, t), jnp.sum(jnp.diagonal(jax.jacfwd(velocity)(x, t)) * stride)
            v, turned = jax.jvp(lambda y: velocity(y, t), (x,), (signs * stride,))
            return v, jnp.sum(signs * turned)

        def step(carry: tuple, t: Step) -> tuple:
            x, gained = carry
            stride = theta[t] - theta[t - 1]
            v, divergence = slope(x, jnp.maximum(t - 1, 1), stride)
            late_v, late_divergence = slope(x + stride * v, t, stride)
            return (
                x + 0.5 * stride * (v + late_v),
                gained + 0.5 * (divergence + late_divergence),
            ), None

        (x_last, gained), _ = jax.lax.scan(step, (x_0, jnp.zeros(())), steps[1:])
        cell = (
            jnp.zeros(x_last.shape)
            if cells.width is None
            else jnp.log(jnp.where(cells.width > 0, cells.width, 1.0))
        )
        return gained + jnp.sum(
            jnp.where(observed, log_normal_density(x_last, 0.0, 0.0) + cell, 0.0)
        )


def flow_log_density(
    model: DiffusionModel,
    rows: Row,
    *,
    key: Key,
    probes: int = 8,
    exact: bool | None = None,
    chunk: int = CHUNK,
) -> FlowLikelihood:
    """The flow's log-density of every row.

    Args:
        model: model of one Gaussian block.
        rows: table of N rows of one block [N, D], without filler cells; unobserved columns are left
            out.
        key: random key of the probes.
        probes: number of random sign vectors of a row where the trace is not exact (default 8).
        exact: whether the trace is exact (default: up to _MAX_EXACT_COLUMNS columns, 20).
        chunk: number of flows held at once, at most (default 1024).

    Raises:
        SettingError: a model with discrete columns.
    """
    gaussian = [isinstance(block, GaussianDiffusion) for block in model.forward.blocks]
    if gaussian != [True] or rows[0].filler is not None:
        raise SettingError(
            "the probability flow is defined for continuous columns alone, and this model has "
            "discrete ones",
            fix="use the methods 'bound', 'ais' or 'sandwich'",
        )
    exact = model.forward.n_columns <= _MAX_EXACT_COLUMNS if exact is None else exact
    draws = joined(
        iterate_rows(Flow(exact), model, rows, 1 if exact else probes, key=key, chunk=chunk)
    )
    if exact:
        return FlowLikelihood(draws[:, 0], np.zeros(len(draws)), True)
    n = draws.shape[1]
    stderr = draws.std(axis=1, ddof=1) / np.sqrt(n) if n > 1 else np.full(len(draws), np.nan)
    return FlowLikelihood(draws.mean(axis=1), stderr, False)
