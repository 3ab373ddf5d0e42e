"""Entropy corridor (24): beta_tilde_t <= sigma_t^2 <= beta_t for every output of the network."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import GAUSSIAN, KERNELS
from quasistatic.forward.gaussian import FIRST_STEP_NARROWING


@pytest.mark.parametrize("name", GAUSSIAN)
def test_the_reverse_variance_stays_in_the_corridor(name, rng):
    forward = KERNELS[name]()
    D, T = forward.n_columns, forward.trajectory_length
    raw = rng.normal(0, 8, (64, 2 * D)).astype(np.float32)
    raw[:4] = np.array([-1e4, -50, 50, 1e4])[:, None]
    x = rng.standard_normal((64, D)).astype(np.float32)

    @eqx.filter_jit
    def variances(forward, raw, x):
        def at(t):
            def one(r, y):
                reverse, bridge, kernel = (
                    forward.reverse_kernel(r, y, t),
                    forward.bridge(y, y, t),
                    forward.kernel(y, t),
                )
                return reverse.log_variance, bridge.log_variance, kernel.log_variance, reverse.mean

            return jax.vmap(one)(raw, x)

        return jax.vmap(at)(jnp.arange(1, T + 1))

    reverse, bridge, kernel, mean = (
        np.asarray(v) for v in variances(forward, jnp.asarray(raw), jnp.asarray(x))
    )
    assert np.all(np.isfinite(mean))
    assert np.all(bridge[1:] <= kernel[1:] + 1e-5)
    assert np.all(reverse[1:] >= bridge[1:] - 1e-4)
    assert np.all(reverse <= kernel + 1e-6)
    assert np.all(reverse[0] >= kernel[0] - FIRST_STEP_NARROWING - 1e-5)
    # Both ends can be reached.
    np.testing.assert_allclose(reverse[1:, 0], bridge[1:, 0], atol=1e-4)
    np.testing.assert_allclose(reverse[:, 3], kernel[:, 3], atol=1e-5)


@pytest.mark.parametrize("name", GAUSSIAN)
def test_the_kernel_is_the_reversal_of_standard_normal_data_at_v_0(name):
    """With v = 0 the mean is sqrt(1 - beta_t) x_t, as the stationary chain run backward has it."""
    forward = KERNELS[name]()
    x = jnp.linspace(0.5, 1.5, forward.n_columns)

    @eqx.filter_jit
    def means(forward):
        zero = jnp.zeros(forward.n_outputs)
        t = jnp.arange(1, forward.trajectory_length + 1)
        return jax.vmap(
            lambda s: (forward.reverse_kernel(zero, x, s).mean, forward.kernel(x, s).mean)
        )(t)

    reverse, forward_mean = means(forward)
    np.testing.assert_allclose(reverse, forward_mean, rtol=1e-4, atol=1e-5)
