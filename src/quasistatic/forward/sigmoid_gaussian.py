r"""The paper's own form of the Gaussian reversal (appendix D.2.1), on the same forward process."""

import jax
import jax.numpy as jnp

from quasistatic.distribution import Normal
from quasistatic.forward.base import AbstractDiffusion
from quasistatic.forward.gaussian import GaussianDiffusion
from quasistatic.forward.schedule import AbstractSchedule
from quasistatic.typing import Array, Bool, Float, Step

__all__ = ["SigmoidGaussianDiffusion"]

_TINY = 1e-15

_WIDEST_SHIFT = 30.0
"""Of z_Sigma either way: a pixel that is the same in all images asks for no variance at all, and
float32 ends at about e^-87."""


class SigmoidGaussianDiffusion(AbstractDiffusion):
    r"""`q` of `GaussianDiffusion`, and a reverse kernel around the state instead of around a
    prediction of the data.

        Sigma = sigmoid(z_Sigma + logit(beta_t)),      mu = (x_t - z_mu)(1 - Sigma) + z_mu.

    The network's output per column is (u, z_Sigma) with z_mu = u / sqrt(1 - alpha_bar_t): z_mu has
    the size of the score, 1 over the noise of x_t, and u is of order 1 at every t. (For a readout
    per step this is the paper's class of functions; it only is easier to learn.) With raw = 0 the
    variance is beta_t and the mean x_t (1 - beta_t): a step towards the centre. Unlike the corridor
    of `GaussianDiffusion`, Sigma may exceed beta_t; |z_Sigma| is 30 at most. At t = 1 the same form
    serves as p(x_0 | x_1); the paper fixes that step instead. With other `data` the reverse kernel
    is that of `GaussianDiffusion`.
    """

    process: GaussianDiffusion

    def __init__(self, schedule: AbstractSchedule, n_columns: int) -> None:
        self.process = GaussianDiffusion(schedule, n_columns)

    @property
    def trajectory_length(self) -> int:
        return self.process.trajectory_length

    @property
    def n_columns(self) -> int:
        return self.process.n_columns

    @property
    def n_features(self) -> int:
        return self.process.n_features

    @property
    def n_outputs(self) -> int:
        return self.process.n_outputs

    def prior(self) -> Normal:
        return self.process.prior()

    def kernel(self, x: Float[Array, " D"], t: Step, s: Step | None = None) -> Normal:
        return self.process.kernel(x, t, s)

    def marginal(self, x_0: Float[Array, " D"], t: Step) -> Normal:
        return self.process.marginal(x_0, t)

    def bridge(
        self, x_t: Float[Array, " D"], x_0: Float[Array, " D"], t: Step, s: Step | None = None
    ) -> Normal:
        return self.process.bridge(x_t, x_0, t, s)

    def independent(self) -> Normal:
        return self.process.independent()

    def log_evidence(self, data: Normal, x_t: Float[Array, " D"], t: Step) -> Float[Array, " D"]:
        return self.process.log_evidence(data, x_t, t)

    def reverse_kernel(
        self,
        raw: Float[Array, " P"],
        x_t: Float[Array, " D"],
        t: Step,
        s: Step | None = None,
        data: Normal | None = None,
    ) -> Normal:
        if data is not None:
            return self.process.reverse_kernel(raw, x_t, t, s, data)
        u, shift = jnp.split(raw, 2)
        z_variance = jnp.clip(shift, -_WIDEST_SHIFT, _WIDEST_SHIFT)
        z_mean = u * jnp.exp(-0.5 * self.process.marginal(x_t, t).log_variance)
        forward = self.process.kernel(
            jnp.ones(self.n_columns), t, s
        )  # its mean is sqrt(1 - beta) here
        logit_beta = forward.log_variance - 2.0 * jnp.log(jnp.maximum(forward.mean, _TINY))
        kept = jax.nn.sigmoid(-z_variance - logit_beta)
        return Normal((x_t - z_mean) * kept + z_mean, jax.nn.log_sigmoid(z_variance + logit_beta))

    def features(
        self, x_t: Float[Array, " D"], observed: Bool[Array, " D"], t: Step
    ) -> Float[Array, " F"]:
        return self.process.features(x_t, observed, t)
