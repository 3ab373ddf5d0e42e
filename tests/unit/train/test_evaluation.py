"""The bound on held-out rows: what it is worth, and how many draws it is from."""

from dataclasses import replace

import equinox as eqx
import jax
import numpy as np
import pytest

from quasistatic.bound import evaluate_terms
from quasistatic.config import TrainConfig
from quasistatic.train import bound_of
from quasistatic.train.evaluation import AGAIN, DRAWS, MOST_DRAWS, Evaluation
from quasistatic.train.state import time_probabilities, trainable

CONFIG = TrainConfig(max_steps=2, batch_size=16, evaluate_every=2, first_step_share=0.1)


def evaluation(model, rows, config, key):
    static = eqx.filter(model, trainable(model), inverse=True)
    probabilities = time_probabilities(model.trajectory_length, config.first_step_share)
    return Evaluation(static, rows, probabilities, config, key=key)


def test_is_the_mean_of_the_bound(model, valid_rows):
    """Against whole trajectories, within six standard errors of both (1e-7)."""
    key = jax.random.key(3)
    whole = np.asarray(evaluate_terms(model, valid_rows, repetitions=256, key=key).total)
    parameters = eqx.filter(model, trainable(model))
    each = [evaluation(model, valid_rows, CONFIG, jax.random.key(i))(parameters) for i in range(64)]
    stderr = np.hypot(
        np.std(each, ddof=1) / AGAIN**0.5, np.std(whole.mean(axis=0), ddof=1) / 256**0.5
    )
    found = bound_of(model, valid_rows, CONFIG)
    assert found not in each
    assert abs(found - whole.mean()) < 6 * stderr
    assert found == bound_of(model, valid_rows, CONFIG)


@pytest.mark.parametrize(
    ("batch_size", "evaluate_every", "draws"),
    [(16, 2, DRAWS), (256, 100, 15_360), (512, 100, 30_720), (512, 1000, MOST_DRAWS)],
)
def test_an_evaluation_is_a_fifth_of_the_training(
    batch_size, evaluate_every, draws, model, valid_rows
):
    config = replace(CONFIG, batch_size=batch_size, evaluate_every=evaluate_every)
    made = evaluation(model, valid_rows, config, jax.random.key(0))
    assert made.repetitions == draws // 32


def test_rows_that_fill_up_count_nothing(model, valid_rows):
    """Thirteen rows go as fourteen: the mean of their own bounds, within seven standard errors
    (1e-7 for 31 degrees of freedom)."""
    rows = jax.tree.map(lambda x: np.asarray(x)[:13], valid_rows)
    made = evaluation(model, rows, CONFIG, jax.random.key(0))
    np.testing.assert_allclose(made.weights, [[1 / 13] * 13 + [0.0]], rtol=1e-6)
    parameters = eqx.filter(model, trainable(model))
    drawn = [evaluation(model, rows, CONFIG, jax.random.key(i))(parameters) for i in range(32)]
    whole = np.asarray(evaluate_terms(model, rows, repetitions=512, key=jax.random.key(3)).total)
    of_draws, of_whole = np.std(drawn, ddof=1) / 32**0.5, np.std(whole.mean(axis=0)) / 512**0.5
    assert abs(np.mean(drawn) - whole.mean()) < 7 * np.hypot(of_draws, of_whole)


@pytest.mark.parametrize(
    ("n", "size"), [(1, 1), (8, 8), (9, 10), (64, 64), (65, 80), (86, 96), (88, 96), (256, 256)]
)
def test_one_program_for_some_more_rows(n, size, model, valid_rows):
    rows = jax.tree.map(lambda x: np.repeat(np.asarray(x)[:1], n, axis=0), valid_rows)
    assert evaluation(model, rows, CONFIG, jax.random.key(0)).weights.shape == (1, size)
