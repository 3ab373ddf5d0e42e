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
