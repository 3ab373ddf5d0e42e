"""Kernels compose to the marginal: q(x_t|x_0) = sum over x_1..x_{t-1} of prod q(x_s|x_{s-1})."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import KERNELS, process
from laws.enumeration import discrete_states, pairwise_log_prob
from laws.models import is_gaussian, random_state
from quasistatic.forward import (
    CategoricalDiffusion,
    ErasureSchedule,
    GaussianDiffusion,
    ProductDiffusion,
    linear_schedule,
)
from quasistatic.forward.categorical import pad_log_probs


@eqx.filter_jit
def log_transitions(block, states):
    def at(t):
        kernel = jax.vmap(lambda x: block.kernel(x, t))(states)
        marginal = jax.vmap(lambda x: block.marginal(x, t))(states)
        return pairwise_log_prob(kernel, states), pairwise_log_prob(marginal, states)

    return jax.lax.map(at, jnp.arange(1, block.trajectory_length + 1))


def transition_probabilities(block, states) -> tuple[np.ndarray, np.ndarray]:
    """Of the kernel and of the marginal, `[T, S, S]` between joint states."""
    return tuple(np.exp(np.asarray(x, np.float64)) for x in log_transitions(block, states))


def check_discrete(block) -> None:
    states = jnp.asarray(discrete_states(block))
    data = np.all(np.asarray(states) != getattr(block, "mask_state", -1), axis=1)
    kernels, marginals = transition_probabilities(block, states)
    composed = np.eye(len(states))[data]
    for kernel, marginal in zip(kernels, marginals, strict=True):
        composed = composed @ kernel
        np.testing.assert_allclose(composed.sum(1), 1, atol=1e-4)
        np.testing.assert_allclose(marginal[data], composed, atol=2e-5, rtol=2e-3)


def check_gaussian(block) -> None:
    t = jnp.arange(1, block.trajectory_length + 1)

    @eqx.filter_jit
    def tables(block, x):
        return jax.vmap(lambda s: (block.kernel(x, s), block.marginal(x, s)))(t)

    kernel, marginal = tables(block, jnp.ones(block.n_columns))
    for part in tables(block, jnp.zeros(block.n_columns)):
        np.testing.assert_array_equal(
            part.mean, 0.0
        )  # both are linear, so that the factors at x = 1 say all
    mean, variance = np.ones(block.n_columns), np.zeros(block.n_columns)
    for i in range(block.trajectory_length):
        factor = np.asarray(kernel.mean[i], np.float64)
        mean, variance = (
            mean * factor,
            variance * factor**2 + np.exp(np.asarray(kernel.log_variance[i], np.float64)),
        )
        np.testing.assert_allclose(marginal.mean[i], mean, rtol=2e-4, atol=1e-5)
        np.testing.assert_allclose(np.exp(marginal.log_variance[i]), variance, rtol=2e-4)


def check(block) -> None:
    (check_gaussian if is_gaussian(block) else check_discrete)(block)


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_compose_to_the_marginal(name):
    for block in process(name).blocks:
        check(block)


@pytest.mark.parametrize("name", [name for name in KERNELS if "-x-" in name])
def test_a_product_is_its_blocks_side_by_side(name):
    forward = process(name)
    x = jax.tree.map(lambda s: s[0], random_state(forward, 1))
    raw = jnp.linspace(-1, 1, forward.n_outputs)
    for t in (1, forward.trajectory_length):
        begin = 0
        for i, block in enumerate(forward.blocks):
            own = raw[begin : begin + block.n_outputs]
            begin += block.n_outputs
            pairs = [
                (forward.prior(), block.prior()),
                (forward.kernel(x, t), block.kernel(x[i], t)),
                (forward.marginal(x, t), block.marginal(x[i], t)),
                (forward.bridge(x, x, t), block.bridge(x[i], x[i], t)),
                (forward.reverse_kernel(raw, x, t), block.reverse_kernel(own, x[i], t)),
            ]
            for joint, single in pairs:
                assert eqx.tree_equal(joint.parts[i], single)


def test_blocks_of_a_product_need_one_trajectory_length():
    with pytest.raises(ValueError, match=r"one trajectory length, got \[5, 6\]"):
        ProductDiffusion(
            (GaussianDiffusion(ErasureSchedule(5), 1), GaussianDiffusion(ErasureSchedule(6), 1))
        )


class SlowGaussian(GaussianDiffusion):
    """A wrong kernel: its mean does not shrink."""

    def kernel(self, x, t):
        return super().kernel(x, t).__class__(x, super().kernel(x, t).log_variance)


class ForgetfulHeatBath(CategoricalDiffusion):
    """A wrong kernel: one step too far."""

    def marginal(self, x_0, t):
        return super().marginal(x_0, jnp.minimum(jnp.asarray(t) + 1, self.trajectory_length))


def test_the_law_catches_a_wrong_kernel():
    pi = pad_log_probs([[0.5, 0.5], [0.2, 0.8]])
    with pytest.raises(AssertionError):
        check(SlowGaussian(linear_schedule(5), 1))
    with pytest.raises(AssertionError):
        check(ForgetfulHeatBath(ErasureSchedule(4), pi, pi))
