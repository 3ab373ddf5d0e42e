r"""Gaussian diffusion of continuous columns (paper, equation (3) and table C.1), variance preserving, pi = N(0, I)."""

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.distribution import Normal
from quasistatic.forward.base import AbstractDiffusion
from quasistatic.forward.schedule import AbstractSchedule
from quasistatic.typing import Array, Bool, Float, Step

LOG_SNR_OF_DATA = 30.0
"""Stands for the infinite log_snr at t = 0: noise of 3e-7 standard deviations, so that the bridge at t = 1 keeps a finite variance."""

FIRST_STEP_NARROWING = 4.0
"""At t = 1 the corridor (24) is open below (the bridge has no variance): p(x_0 | x_1) may be narrower than beta_1 by e^-4."""

NARROWING_OFFSET = 4.0
"""s = 0 lies close to the upper edge of the corridor, the variance that is right for standard normal columns."""


class GaussianDiffusion(AbstractDiffusion):
    """`q(x_t | x_{t-1}) = N(x_{t-1} sqrt(1 - beta_t), beta_t I)`.

    The network's output per column is (v, s). v is the departure from the reversal of N(0, 1): with a = sqrt(alpha_bar_t),
    b = sqrt(1 - alpha_bar_t) the predicted data are `x_0 = a x_t - b v`, which are exact for standard normal columns with v = 0
    and stay bounded at both ends of the trajectory. s places the logarithm of the reverse variance in the entropy corridor
    `beta_tilde_t <= sigma_t^2 <= beta_t` (24).
    """

    schedule: AbstractSchedule
    n_columns: int = eqx.field(static=True)

    def __init__(self, schedule: AbstractSchedule, n_columns: int) -> None:
        self.schedule, self.n_columns = schedule, n_columns

    @property
    def trajectory_length(self) -> int:
        return self.schedule.trajectory_length

    @property
    def n_features(self) -> int:
        return 2 * self.n_columns

    @property
    def n_outputs(self) -> int:
        return 2 * self.n_columns

    def _log_snr(self, t: Step) -> Float[Array, " D"]:
        return jnp.broadcast_to(
            jnp.clip(self.schedule.log_snr(t), -LOG_SNR_OF_DATA, LOG_SNR_OF_DATA), (self.n_columns,)
        )

    def _log_beta(self, t: Step) -> Float[Array, " D"]:
        log_kept = jax.nn.log_sigmoid(self._log_snr(t)) - jax.nn.log_sigmoid(self._log_snr(jnp.asarray(t) - 1))
        return jnp.log(-jnp.expm1(jnp.minimum(log_kept, -1e-12)))

    def prior(self) -> Normal:
        return Normal(jnp.zeros(self.n_columns), jnp.zeros(self.n_columns))

    def kernel(self, x: Float[Array, " D"], t: Step) -> Normal:
        log_beta = self._log_beta(t)
        return Normal(x * jnp.sqrt(1.0 - jnp.exp(log_beta)), log_beta)

    def marginal(self, x_0: Float[Array, " D"], t: Step) -> Normal:
        log_snr = self._log_snr(t)
        return Normal(x_0 * jnp.sqrt(jax.nn.sigmoid(log_snr)), jax.nn.log_sigmoid(-log_snr))

    def bridge(self, x_t: Float[Array, " D"], x_0: Float[Array, " D"], t: Step) -> Normal:
        now, before, log_beta = self._log_snr(t), self._log_snr(jnp.asarray(t) - 1), self._log_beta(t)
        log_noise, log_noise_before = jax.nn.log_sigmoid(-now), jax.nn.log_sigmoid(-before)
        from_data = jnp.exp(0.5 * jax.nn.log_sigmoid(before) + log_beta - log_noise)
        from_state = jnp.exp(
            0.5 * (jax.nn.log_sigmoid(now) - jax.nn.log_sigmoid(before)) + log_noise_before - log_noise
        )
        return Normal(from_data * x_0 + from_state * x_t, log_beta + log_noise_before - log_noise)

    def reverse_kernel(self, raw: Float[Array, " P"], x_t: Float[Array, " D"], t: Step) -> Normal:
        v, s = jnp.split(raw, 2)
        log_snr, log_beta = self._log_snr(t), self._log_beta(t)
        x_0 = jnp.sqrt(jax.nn.sigmoid(log_snr)) * x_t - jnp.sqrt(jax.nn.sigmoid(-log_snr)) * v
        bridge = self.bridge(x_t, x_0, t)
        narrowing = jnp.where(jnp.asarray(t) == 1, FIRST_STEP_NARROWING, log_beta - bridge.log_variance)
        return Normal(bridge.mean, log_beta - jax.nn.sigmoid(-s - NARROWING_OFFSET) * narrowing)

    def features(self, x_t: Float[Array, " D"], observed: Bool[Array, " D"], t: Step) -> Float[Array, " F"]:
        return jnp.concatenate([jnp.where(observed, x_t, 0.0), observed.astype(jnp.float32)])
