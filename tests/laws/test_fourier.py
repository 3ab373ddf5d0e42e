"""Fourier features: each is the mean of a sine under the noise of its step, and nothing but the
number is left at the end."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import SCHEDULES
from quasistatic.assemble import assemble
from quasistatic.config import ModelConfig
from quasistatic.forward import GaussianDiffusion
from quasistatic.forward.fourier import fourier_features

K = 4
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(80)


@pytest.mark.parametrize("b", [1e-3, 0.1, 0.5, 1.0])
def test_mean_of_the_sines_under_the_noise(b):
    x = np.array([-2.5, 0.0, 0.3, 4.0])
    found = np.asarray(fourier_features(jnp.asarray(x), jnp.full(4, 2 * np.log(b)), K)).reshape(
        K, 2, 4
    )
    noisy = x + b * NODES[:, None]
    for k in range(K):
        for found_wave, wave in zip(found[k], (np.sin, np.cos), strict=True):
            exact = WEIGHTS @ wave(2.0**k * noisy) / WEIGHTS.sum()
            np.testing.assert_allclose(found_wave, exact, atol=2e-6)


def test_of_a_step():
    """x_t and the flags first, as without sines; the finest sine is fully seen next to the data and
    gone at t = T."""
    schedule = SCHEDULES["learned"](10)
    plain, fine = GaussianDiffusion(schedule, 2), GaussianDiffusion(schedule, 2, K)
    x = jnp.asarray([0.4, -1.2])
    observed = jnp.array([True, True])
    first, last = (fine.features(x, observed, t) for t in (1, 10))
    assert first.shape == (fine.n_features,) == (2 * 2 * (1 + K),)
    assert fine.n_outputs == plain.n_outputs
    np.testing.assert_array_equal(first[:4], plain.features(x, observed, 1))
    waves = first[4:].reshape(K, 2, 2)
    np.testing.assert_allclose(np.square(waves[0]).sum(axis=0), 1.0, atol=0.02)
    assert np.all(np.abs(last[4:].reshape(K, 2, 2)[-1]) < 1e-6)
    assert np.all(np.abs(last[4:8]) > 0)


def test_an_unobserved_number_has_no_waves():
    fine = GaussianDiffusion(SCHEDULES["learned"](10), 2, K)
    waves = fine.features(jnp.asarray([0.4, -1.2]), jnp.array([True, False]), 1)[4:].reshape(
        K, 2, 2
    )
    assert np.all(waves[..., 1] == 0)
    assert np.all(waves[..., 0] != 0)


def test_the_schedule_has_a_gradient_through_them():
    schedule = SCHEDULES["learned"](10)

    def total(s):
        return jnp.sum(
            GaussianDiffusion(s, 2, K).features(
                jnp.asarray([0.4, -1.2]), jnp.array([True, True]), 3
            )[4:]
        )

    gradient = jax.tree.leaves(jax.grad(total)(schedule))
    assert any(np.any(g != 0) for g in gradient)
    assert all(np.all(np.isfinite(g)) for g in gradient)


def test_a_network_starts_deaf_to_them():
    """With them and without them it is the same function at the start, and its other weights are
    the same."""
    widths, marginals = np.array([0.0, 0.3]), [np.array([0.7, 0.3])]
    plain, fine = (
        assemble(
            ModelConfig(4, width=8, depth=1, frequencies=k),
            widths,
            marginals,
            key=jax.random.key(0),
        )
        for k in (0, K)
    )
    waves = fine.forward.blocks[0].waves
    weight = np.asarray(fine.network.embed.weight)
    assert np.all(weight[:, waves] == 0)
    np.testing.assert_array_equal(
        np.delete(weight, np.r_[waves], axis=1), plain.network.embed.weight
    )
    x_t = jnp.array([0.5, -1.0]), jnp.array([1])
    seen = jnp.array([True, True]), jnp.array([True])
    hidden = [m.network.embed(m.forward.features(x_t, seen, 2)) for m in (plain, fine)]
    np.testing.assert_allclose(*hidden, atol=1e-6)
    assert fine.network.n_features == fine.forward.n_features == plain.network.n_features + 4 * K
