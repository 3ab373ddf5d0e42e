"""Schedules: log_snr falls from infinity, alpha_bar_T is small, and the named schedules are what
they say."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import SCHEDULES, randomised
from quasistatic.forward import ErasureSchedule, LearnedSchedule, cosine_schedule, linear_schedule


def table(schedule) -> np.ndarray:
    return np.asarray(
        eqx.filter_jit(lambda s: jax.vmap(s.log_snr)(jnp.arange(s.trajectory_length + 1)))(
            schedule
        ),
        np.float64,
    )


@pytest.mark.parametrize("T", [2, 40, 1000])
@pytest.mark.parametrize("name", SCHEDULES)
def test_log_snr_falls_from_infinity(name, T):
    schedule = SCHEDULES[name](T)
    assert schedule.trajectory_length == T
    values = table(schedule)
    assert values.ndim == 2
    assert np.all(values[0] == np.inf)
    assert not np.any(np.isnan(values))
    assert np.all(np.diff(values[1:], axis=0) < 0)


@pytest.mark.parametrize("T", [40, 1000])
@pytest.mark.parametrize("name", SCHEDULES)
def test_the_last_step_forgets(name, T):
    assert np.all(1 / (1 + np.exp(-table(SCHEDULES[name](T))[-1])) < 1.3e-4)


def test_erasure_is_uniform():
    alpha_bar = 1 / (1 + np.exp(-table(ErasureSchedule(20))))
    np.testing.assert_allclose(alpha_bar[:, 0], 1 - np.arange(21) / 20, atol=1e-6)


def test_linear_has_linear_beta():
    alpha_bar = 1 / (1 + np.exp(-table(linear_schedule(50, first=0.01, last=0.3))))[:, 0]
    np.testing.assert_allclose(
        1 - alpha_bar[1:] / alpha_bar[:-1], np.linspace(0.01, 0.3, 50), rtol=1e-3
    )


def test_cosine_follows_the_cosine():
    alpha_bar = 1 / (1 + np.exp(-table(cosine_schedule(50))))[:, 0]
    angle = (np.arange(51) / 50 + 0.008) / 1.008 * np.pi / 2
    np.testing.assert_allclose(
        alpha_bar[1:-1], (np.cos(angle) ** 2 / np.cos(angle[0]) ** 2)[1:-1], rtol=1e-4
    )


def test_a_learned_schedule_starts_linear_and_keeps_its_range():
    low, high = LearnedSchedule.RANGE
    values = table(LearnedSchedule.init(33, np.array([9.0, 2.0])))[1:]
    np.testing.assert_allclose(values[0], [9.0, 2.0], rtol=1e-5)
    np.testing.assert_allclose(
        values, np.linspace(values[0], [LearnedSchedule.LOWEST] * 2, 33), atol=1e-4
    )
    for seed in range(5):
        values = table(
            randomised(LearnedSchedule.init(33, np.array([100.0, -100.0])), seed, scale=5.0)
        )[1:]
        assert np.all((values[0] >= low) & (values[0] <= high))
        np.testing.assert_allclose(values[-1], LearnedSchedule.LOWEST, rtol=1e-5)


def test_a_learned_schedule_has_gradients():
    schedule = SCHEDULES["learned-random"](20)
    gradient = eqx.filter_grad(lambda s: jnp.sum(s.log_snr(jnp.asarray(7))))(schedule)
    for part in jax.tree.leaves(gradient):
        assert np.all(np.isfinite(part))
        assert np.any(np.asarray(part) != 0)
