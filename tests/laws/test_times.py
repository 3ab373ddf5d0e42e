"""Training draws one t per row: the cost over its probability is an unbiased draw of the whole sum,
evenly spread over t."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from laws.statistics import assert_mean
from quasistatic.errors import SettingError
from quasistatic.train import TrainConfig
from quasistatic.train._step import draw_times
from quasistatic.train.state import time_probabilities

CASES = [(5, None, 64), (40, None, 16), (7, 0.4, 33), (1, None, 4), (1, 0.5, 4), (1000, 0.1, 512)]


def draws(T, share, n, keys: int = 2000):
    probabilities = time_probabilities(T, share)
    drawn = jax.jit(jax.vmap(lambda k: draw_times(probabilities, n, key=k)))(
        jax.random.split(jax.random.key(0), keys)
    )
    return (
        np.asarray(probabilities, np.float64),
        np.asarray(drawn.t),
        np.asarray(drawn.probability, np.float64),
    )


@pytest.mark.parametrize(("T", "share", "n"), CASES)
def test_probabilities(T, share, n):
    probabilities = np.asarray(time_probabilities(T, share), np.float64)
    np.testing.assert_allclose(probabilities.sum(), 1, rtol=1e-5)
    assert np.all(probabilities > 0)
    if share is not None and T > 1:
        np.testing.assert_allclose(probabilities[0], share, rtol=1e-6)


@pytest.mark.parametrize(("T", "share", "n"), CASES)
def test_a_batch_is_unbiased(T, share, n):
    """The mean over a batch of cost / probability has the mean sum of the costs."""
    cost = np.random.default_rng(0).exponential(size=T) / np.arange(1, T + 1)
    probabilities, t, probability = draws(T, share, n)
    np.testing.assert_allclose(probability, probabilities[t - 1])
    assert_mean((cost[t - 1] / probability).mean(1)[None], cost.sum(), tolerance=1e-4)


@pytest.mark.parametrize(("T", "share", "n"), CASES)
def test_a_batch_is_evenly_spread(T, share, n):
    """Every t comes up n p_t times, rounded up or down."""
    probabilities, t, _ = draws(T, share, n, keys=200)
    for one in t:
        counts = np.bincount(one, minlength=T + 1)[1:]
        assert np.all(np.abs(counts - n * probabilities) < 1 + 1e-3)


def test_every_row_is_unbiased():
    """Each row of a batch sees every t, not only those of its place: the rows of the validation
    bound never change places."""
    cost = np.array([5.0, 1.0, 0.5, 0.2])
    _, t, probability = draws(4, None, 8)
    assert_mean((cost[t - 1] / probability).T, cost.sum(), tolerance=1e-4)


def test_settings_without_a_meaning():
    for setting in (
        {"max_steps": 0},
        {"patience": 0},
        {"learning_rate": 0.0},
        {"clip_norm": float("nan")},
    ):
        with pytest.raises(SettingError, match=next(iter(setting))):
            TrainConfig(**setting)
    assert jnp.all(time_probabilities(3, None) > 0)
