r"""Gaussian diffusion of continuous columns (paper, equation (3) and table C.1), variance
preserving, pi = N(0, I).
"""

from typing import NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.distribution import Normal
from quasistatic.forward.base import AbstractDiffusion, earlier
from quasistatic.forward.fourier import fourier_features
from quasistatic.forward.schedule import AbstractSchedule
from quasistatic.numerics import log_normal_density
from quasistatic.typing import Array, ArrayLike, Bool, Float, Step

__all__ = [
    "FIRST_STEP_NARROWING",
    "NARROWING_OFFSET",
    "NO_LIMIT",
    "WIDEST_SCALING",
    "GaussianDiffusion",
    "tabulated",
]

_LOG_SNR_OF_DATA = 30.0
"""Stands for the infinite log_snr at t = 0: noise of 3e-7 standard deviations, so that the bridge
at t = 1 keeps a finite variance."""

FIRST_STEP_NARROWING = 4.0
"""At t = 1 the corridor (24) is open below (the bridge has no variance): p(x_0 | x_1) may be
narrower than beta_1 by e^-4."""

WIDEST_SCALING = 4.0
"""With `data` the network may scale the variance of x_0 given x_t by e^4 either way."""

NO_LIMIT = 1e6
"""A limit this far from 0 is none: stored numbers are finite."""

_TINY = 1e-20

NARROWING_OFFSET = 4.0
"""s = 0 lies close to the upper edge of the corridor, the variance that is right for standard
normal columns."""


class GaussianDiffusion(AbstractDiffusion):
    """`q(x_t | x_{t-1}) = N(x_{t-1} sqrt(1 - beta_t), beta_t I)`.

    The network's output per column is (v, s). v is the departure from the reversal of N(0, 1): with
    a = sqrt(alpha_bar_t), b = sqrt(1 - alpha_bar_t) the predicted data are `x_0 = a x_t - b v`,
    which are exact for standard normal columns with v = 0 and stay bounded at both ends of the
    trajectory. s places the logarithm of the reverse variance in the entropy corridor `beta_tilde_t
    <= sigma_t^2 <= beta_t` (24).

    Over several steps, with beta and beta_tilde those of q(x_t|x_s) and q(x_s|x_t,x_0), the
    corridor is wider. What carries over is the variance of x_0 given x_t that the single step
    implies, C = r (1 - alpha_bar_t) with r in [0, 1]: pushed through the bridge,

        sigma^2 = beta_tilde + c^2 C = beta_tilde + r (beta - beta_tilde),
        c = sqrt(alpha_bar_s) beta / (1 - alpha_bar_t).

    With other `data`, N(mean, variance) in every column, there is no corridor: the reversal is
    theirs, exactly, and (v, s) shift and scale what it believes of x_0 (`_reversal`).

    Args:
        schedule: log_snr of every step, of one column or of each.
        n_columns: number D of columns.
        n_frequencies: number of octaves of Fourier features (`fourier.py`) beside x_t (default 0).
        limits: lower and upper limits of x_0, `[2, D]`, `NO_LIMIT` and beyond for none; a kernel
            whose end is t = 0 is cut to them. None (default) where no column has any.
    """

    schedule: AbstractSchedule
    n_columns: int = eqx.field(static=True)
    n_frequencies: int = eqx.field(static=True)
    limits: Float[Array, "2 D"] | None
    _steps: "_Steps | None"  # of a whole program, where they are known (`tabulated`)

    def __init__(
        self,
        schedule: AbstractSchedule,
        n_columns: int,
        n_frequencies: int = 0,
        limits: ArrayLike | None = None,
    ) -> None:
        self.schedule, self.n_columns, self.n_frequencies = schedule, n_columns, n_frequencies
        self.limits = None if limits is None else jnp.asarray(limits, jnp.float32)
        self._steps = None

    @property
    def trajectory_length(self) -> int:
        return self.schedule.trajectory_length

    @property
    def n_features(self) -> int:
        return 2 * (1 + self.n_frequencies) * self.n_columns

    @property
    def waves(self) -> slice:
        """Where the Fourier features are among the features."""
        return slice(2 * self.n_columns, self.n_features)

    @property
    def n_outputs(self) -> int:
        return 2 * self.n_columns

    def _coefficients(self, t: Step, s: Step | None = None) -> "_Coefficients":
        """Those of step t, looked up: the table is computed once for a whole batch, and for all
        columns if they share the schedule; those of a stride from s are computed for it.
        """
        steps = _all_steps(self.schedule) if self._steps is None else self._steps
        if s is not None:
            found = _coefficients(steps.log_snr[t], steps.log_snr[s])
        else:
            found = jnp.moveaxis(steps.coefficients[t], -1, 0)
        return _Coefficients(*(jnp.broadcast_to(c, (self.n_columns,)) for c in found))

    def prior(self) -> Normal:
        return Normal(jnp.zeros(self.n_columns), jnp.zeros(self.n_columns))

    def kernel(self, x: Float[Array, " D"], t: Step, s: Step | None = None) -> Normal:
        c = self._coefficients(t, s)
        return Normal(x * c.kept, c.log_beta)

    def marginal(self, x_0: Float[Array, " D"], t: Step) -> Normal:
        c = self._coefficients(t)
        return Normal(x_0 * c.signal, c.log_noise)

    def bridge(
        self, x_t: Float[Array, " D"], x_0: Float[Array, " D"], t: Step, s: Step | None = None
    ) -> Normal:
        c = self._coefficients(t, s)
        return Normal(c.from_data * x_0 + c.from_state * x_t, c.log_bridge)

    def independent(self) -> Normal:
        zeros = jax.device_put(np.zeros(self.n_columns, np.float32))
        return self._limited(Normal(zeros, zeros), 0)

    def _limited(self, kernel: Normal, s: Step) -> Normal:
        """A distribution of x_s within the limits of the data, where s = 0."""
        if self.limits is None:
            return kernel
        low, high = self.limits
        data = jnp.asarray(s) == 0
        return Normal(
            kernel.mean,
            kernel.log_variance,
            jnp.where(data & (low > -NO_LIMIT), low, -jnp.inf),
            jnp.where(data & (high < NO_LIMIT), high, jnp.inf),
        )

    def log_evidence(self, data: Normal, x_t: Float[Array, " D"], t: Step) -> Float[Array, " D"]:
        c = self._coefficients(t)
        log_variance = jnp.logaddexp(2.0 * jnp.log(c.signal) + data.log_variance, c.log_noise)
        return log_normal_density(x_t, c.signal * data.mean, log_variance)

    def _reversal(
        self,
        raw: Float[Array, " P"],
        x_t: Float[Array, " D"],
        t: Step,
        s: Step | None,
        data: Normal,
    ) -> Normal:
        """The bridge averaged over what x_t leaves of the data: given x_t, x_0 is N(m, C) with

            1/C = 1/variance + alpha_bar_t / (1 - alpha_bar_t);

        the network shifts m in units of sqrt(C) and scales C.
        """
        shift, scale = jnp.split(raw, 2)
        c, at_t = self._coefficients(t, s), self._coefficients(t)
        log_shown = 2.0 * jnp.log(at_t.signal) - at_t.log_noise
        log_spread = -jnp.logaddexp(-data.log_variance, log_shown)
        gain = jnp.exp(log_spread + jnp.log(at_t.signal) - at_t.log_noise)
        guess = data.mean + gain * (x_t - at_t.signal * data.mean)
        guess = guess - jnp.exp(0.5 * log_spread) * shift
        log_spread = log_spread + WIDEST_SCALING * jnp.tanh(scale / WIDEST_SCALING)
        kernel = Normal(
            c.from_data * guess + c.from_state * x_t,
            jnp.logaddexp(c.log_bridge, 2.0 * jnp.log(c.from_data) + log_spread),
        )
        return self._limited(kernel, earlier(t, s))

    def reverse_kernel(
        self,
        raw: Float[Array, " P"],
        x_t: Float[Array, " D"],
        t: Step,
        s: Step | None = None,
        data: Normal | None = None,
    ) -> Normal:
        if data is not None:
            return self._reversal(raw, x_t, t, s, data)
        v, raw_narrowing = jnp.split(raw, 2)
        c = self._coefficients(t, s)
        mean = c.from_data * (c.signal * x_t - c.noise * v) + c.from_state * x_t
        single = _narrowing(c if s is None else self._coefficients(t), earlier(t, None))
        narrower = jax.nn.sigmoid(-raw_narrowing - NARROWING_OFFSET) * single
        if s is not None:
            wide = _narrowing(c, s)
            log_r = (
                jnp.log(jnp.maximum(jnp.expm1(single - narrower), _TINY))
                - single
                - jnp.log(-jnp.expm1(-single))
            )
            narrower = -jnp.logaddexp(-wide, log_r + jnp.log(-jnp.expm1(-wide)))
        return self._limited(Normal(mean, c.log_beta - narrower), earlier(t, s))

    def features(
        self, x_t: Float[Array, " D"], observed: Bool[Array, " D"], t: Step
    ) -> Float[Array, " F"]:
        plain = jnp.concatenate([jnp.where(observed, x_t, 0.0), observed.astype(jnp.float32)])
        if not self.n_frequencies:
            return plain
        waves = fourier_features(x_t, self._coefficients(t).log_noise, self.n_frequencies)
        seen = jnp.tile(observed, 2 * self.n_frequencies)
        return jnp.concatenate([plain, jnp.where(seen, waves, 0.0)])


def _narrowing(c: "_Coefficients", s: Step) -> Float[Array, " D"]:
    """Width of the corridor of p(x_s | x_t), `log beta / beta_tilde`; at s = 0, where it is open
    below, FIRST_STEP_NARROWING.
    """
    return jnp.where(
        jnp.asarray(s) == 0, FIRST_STEP_NARROWING, jnp.maximum(c.log_beta - c.log_bridge, _TINY)
    )


class _Coefficients(NamedTuple):
    """Of one step or stride (t - 1 stands for its other end s), [D] each, with alpha_bar_t =
    sigmoid(log_snr_t).
    """

    signal: Array  # sqrt(alpha_bar_t)
    noise: Array  # sqrt(1 - alpha_bar_t)
    log_noise: Array  # log(1 - alpha_bar_t)
    kept: Array  # sqrt(1 - beta_t) = sqrt(alpha_bar_t / alpha_bar_{t-1})
    log_beta: Array
    from_data: (
        Array  # sqrt(alpha_bar_{t-1}) beta_t / (1 - alpha_bar_t): of x_0 in the bridge's mean
    )
    from_state: Array  # sqrt(1 - beta_t) (1 - alpha_bar_{t-1}) / (1 - alpha_bar_t): of x_t
    log_bridge: Array  # log of its variance beta_t (1 - alpha_bar_{t-1}) / (1 - alpha_bar_t)


class _Steps(NamedTuple):
    """What a schedule makes of all its steps, t = 0..T."""

    log_snr: Float[Array, "T C"]  # finite
    coefficients: Float[Array, "T C n"]  # those of the single steps


@jax.jit  # here and below: traced once for all kernels of a program, and for the next program
def _all_steps(schedule: AbstractSchedule) -> _Steps:
    steps = jnp.arange(schedule.trajectory_length + 1)
    now = jnp.clip(jax.vmap(schedule.log_snr)(steps), -_LOG_SNR_OF_DATA, _LOG_SNR_OF_DATA)
    before = jnp.concatenate([jnp.full((1, now.shape[1]), _LOG_SNR_OF_DATA + 1.0), now[:-1]])
    return _Steps(now, jnp.stack(_coefficients(now, before), axis=-1))


@jax.jit
def _coefficients(now: Float[Array, "... D"], before: Float[Array, "... D"]) -> _Coefficients:
    """From the log_snr of t and of t - 1, in the log domain: no digit is lost near either end."""
    log_signal, log_signal_before = jax.nn.log_sigmoid(now), jax.nn.log_sigmoid(before)
    log_noise, log_noise_before = jax.nn.log_sigmoid(-now), jax.nn.log_sigmoid(-before)
    log_kept = log_signal - log_signal_before
    log_beta = jnp.log(-jnp.expm1(jnp.minimum(log_kept, -1e-12)))
    shrink = log_noise_before - log_noise
    return _Coefficients(
        jnp.exp(0.5 * log_signal),
        jnp.exp(0.5 * log_noise),
        log_noise,
        jnp.exp(0.5 * log_kept),
        log_beta,
        jnp.exp(0.5 * log_signal_before + log_beta - log_noise),
        jnp.exp(0.5 * log_kept + shrink),
        log_beta + shrink,
    )


_Tree = TypeVar("_Tree")


def tabulated(tree: _Tree) -> _Tree:
    """A model, or another tree with forward processes, whose Gaussian ones have the coefficients of
    all their steps at hand: a program that asks for them once, before its loops and maps over rows,
    is compiled in less time than one in which every distribution computes its own.

    Args:
        tree: tree with the processes.
    """

    def is_gaussian(node: object) -> bool:
        return isinstance(node, GaussianDiffusion)

    def with_steps(node: object) -> object:
        if not isinstance(node, GaussianDiffusion) or node._steps is not None:
            return node
        steps = _all_steps(node.schedule)
        return eqx.tree_at(lambda x: x._steps, node, steps, is_leaf=lambda x: x is None)

    return jax.tree.map(with_steps, tree, is_leaf=is_gaussian)
