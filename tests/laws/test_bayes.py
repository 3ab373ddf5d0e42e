"""Bayes: q(x_t|x_{t-1}) q(x_{t-1}|x_0) = q(x_{t-1}|x_t,x_0) q(x_t|x_0), at every step."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import GAUSSIAN, KERNELS, process
from laws.enumeration import discrete_states
from laws.models import is_gaussian, random_state
from quasistatic.distribution import Normal
from quasistatic.forward import (
    AbsorbingDiffusion,
    CategoricalDiffusion,
    ErasureSchedule,
    GaussianDiffusion,
    ProductDiffusion,
    cosine_schedule,
)
from quasistatic.forward.categorical import pad_log_probs


def sides(forward, x_0, before, after, t):
    """Both sides of the law in nats, each as its two logarithms."""
    one = (
        jnp.sum(forward.kernel(before, t).log_prob(after)),
        jnp.sum(forward.marginal(x_0, t - 1).log_prob(before)),
    )
    two = (
        jnp.sum(forward.bridge(after, x_0, t).log_prob(before)),
        jnp.sum(forward.marginal(x_0, t).log_prob(after)),
    )
    return jnp.stack(one), jnp.stack(two)


@eqx.filter_jit
def sides_of_many(forward, x_0, before, after, t):
    return jax.vmap(lambda *a: sides(forward, *a))(x_0, before, after, t)


@eqx.filter_jit
def sides_on_paths(forward, x_0, t, key):
    """Both sides at pairs (x_{t-1}, x_t) of the forward process, and a draw of the bridge."""

    def one(x, s, k):
        first, second, third = jax.random.split(k, 3)
        before = forward.marginal(x, s - 1).sample(key=first)
        after = forward.kernel(before, s).sample(key=second)
        return sides(forward, x, before, after, s), forward.bridge(after, x, s).sample(key=third)

    return jax.vmap(one)(x_0, t, jax.random.split(key, t.shape[0]))


def check_on_paths(forward, key) -> None:
    """On points of the process itself, 8 rows a step; at t = 1 the bridge is a point mass at
    x_0."""
    t = jnp.repeat(jnp.arange(1, forward.trajectory_length + 1), 8)
    x_0 = random_state(forward, len(t))
    (one, two), drawn = sides_on_paths(forward, x_0, t, key)
    for a, b in zip(jax.tree.leaves(drawn), jax.tree.leaves(x_0), strict=True):
        np.testing.assert_allclose(a[:8], b[:8], atol=1e-5)
    one, two = one[8:], two[8:]
    assert np.all(np.asarray(one) > -1e6)
    assert np.all(np.isfinite(two))
    np.testing.assert_allclose(np.sum(two, -1), np.sum(one, -1), rtol=1e-4, atol=2e-3)


def check_everywhere(block) -> None:
    """On all triples of joint states, possible or not; probabilities, since an impossible event is
    `LOG_ZERO` on either side."""
    states = jnp.asarray(discrete_states(block))
    rng = np.random.default_rng(0)
    data = np.flatnonzero(np.all(np.asarray(states) != getattr(block, "mask_state", -1), axis=1))
    n = 4000
    t = jnp.asarray(rng.integers(2, block.trajectory_length + 1, n))
    x_0, before, after = (
        states[i] for i in (rng.choice(data, n), *rng.integers(0, len(states), (2, n)))
    )
    one, two = sides_of_many(block, x_0, before, after, t)
    one, two = (np.exp(np.asarray(x, np.float64)) for x in (one, two))
    # Where x_t cannot come from x_0 the bridge is not defined, and both sides are 0.
    np.testing.assert_allclose(two.prod(-1), one.prod(-1), rtol=2e-3, atol=1e-7)


@pytest.mark.parametrize("name", KERNELS)
def test_bayes_on_paths(name, key):
    check_on_paths(process(name), key)


@pytest.mark.parametrize("name", KERNELS)
def test_bayes_everywhere(name):
    for block in process(name).blocks:
        if not is_gaussian(block):
            check_everywhere(block)


@pytest.mark.parametrize("name", GAUSSIAN)
def test_the_gaussian_bridge_is_the_textbook_one(name):
    """Precisions add: 1/variance = alpha/beta + 1/(1 - alpha_bar'), computed in float64 from the
    other two distributions."""
    forward = KERNELS[name]()
    D, T = forward.n_columns, forward.trajectory_length
    x_0, x_t = jnp.linspace(-1.5, 1.0, D), jnp.linspace(0.3, 2.0, D)

    @eqx.filter_jit
    def tables(forward):
        one = jnp.ones(D)
        return jax.vmap(
            lambda t: (
                forward.kernel(one, t),
                forward.marginal(x_0, t - 1),
                forward.bridge(x_t, x_0, t),
            )
        )(jnp.arange(2, T + 1))

    kernel, before, bridge = jax.tree.map(lambda x: np.asarray(x, np.float64), tables(forward))
    slope, beta, spread = kernel.mean, np.exp(kernel.log_variance), np.exp(before.log_variance)
    precision = slope**2 / beta + 1 / spread
    mean = (slope * np.asarray(x_t) / beta + before.mean / spread) / precision
    np.testing.assert_allclose(np.exp(bridge.log_variance) * precision, 1, rtol=2e-4)
    np.testing.assert_allclose(bridge.mean, mean, atol=1e-4)


class WideBridge(GaussianDiffusion):
    """A wrong bridge: the variance beta_t in place of beta_tilde_t."""

    def bridge(self, x_t, x_0, t, s=None):
        return Normal(super().bridge(x_t, x_0, t).mean, self.kernel(x_t, t).log_variance)


class LateBridge(CategoricalDiffusion):
    """A wrong bridge: alpha_bar_t in place of alpha_bar_{t-1}."""

    def bridge(self, x_t, x_0, t, s=None):
        return self._condition(self.marginal(x_0, t), x_t, t)


class EagerBridge(AbsorbingDiffusion):
    """A wrong bridge: one column more or less."""

    def bridge(self, x_t, x_0, t, s=None):
        bridge = super().bridge(x_t, x_0, t)
        return eqx.tree_at(lambda b: b.count, bridge, jnp.maximum(bridge.count - 1, 0))


def test_the_law_catches_a_wrong_bridge(key):
    pi = pad_log_probs([[0.5, 0.5], [0.2, 0.8]])
    wrong = [
        WideBridge(cosine_schedule(5), 1),
        LateBridge(ErasureSchedule(4), pi, pi),
        EagerBridge(2, pi),
    ]
    for forward in wrong:
        with pytest.raises(AssertionError):
            check_on_paths(ProductDiffusion((forward,)), key)
    for forward in wrong[1:]:
        with pytest.raises(AssertionError):
            check_everywhere(forward)
