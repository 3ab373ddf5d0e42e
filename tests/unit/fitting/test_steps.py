"""How many steps the correlations of numbers need: the formula against the joint distribution of a
whole trajectory, and what is chosen by it."""

import numpy as np
import polars as pl
import pytest

from quasistatic.assemble import finest_noise
from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.fitted_codec import fit_and_encode
from quasistatic.data.table import from_frame
from quasistatic.fitting import FitSettings
from quasistatic.fitting._candidates import candidates
from quasistatic.fitting._clusters import classes
from quasistatic.fitting._defaults import MIXTURE_STEPS
from quasistatic.fitting._steps import covariance_within, enough_steps, independence_loss
from quasistatic.forward.schedule import LearnedSchedule

DENSITY = np.zeros(3)


def encoded(frame):
    table = from_frame(frame)
    schema = infer_schema(table)
    codec, rows = fit_and_encode(table, schema, "affine")
    return rows, codec, schema


def one_factor(n_columns, noise, n_rows=400):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n_rows, 1)) + noise * rng.normal(size=(n_rows, n_columns))
    return pl.DataFrame({f"x{j}": x[:, j] for j in range(n_columns)})


def gap_of_trajectory(covariance, T):
    """E_q log q(x_0..x_T) / prod_j prod_t q(x_{t-1,j} | x_t) q(x_T), by Schur complements of the
    covariance of all x_t together."""
    n = len(covariance)
    schedule = LearnedSchedule.init(T, -2.0 * np.log(finest_noise(np.zeros(n))))
    bar = [np.ones(n)] + [
        1.0 / (1.0 + np.exp(-np.asarray(schedule.log_snr(t), np.float64))) for t in range(1, T + 1)
    ]
    joint = np.zeros((T + 1, n, T + 1, n))
    for s in range(T + 1):
        for t in range(s, T + 1):
            both = np.sqrt(bar[s])[:, None] * covariance * np.sqrt(bar[t])
            both = both + np.diag(np.sqrt(bar[t] / bar[s]) * (1.0 - bar[s]))
            joint[s, :, t], joint[t, :, s] = both, both.T
    gap = 0.0
    for t in range(1, T + 1):
        now, later, between = joint[t - 1, :, t - 1], joint[t, :, t], joint[t - 1, :, t]
        left = now - between @ np.linalg.solve(later, between.T)
        gap += 0.5 * (np.log(np.diag(left)).sum() - np.linalg.slogdet(left)[1])
    return gap


@pytest.mark.parametrize("T", [2, 5, 8])
def test_the_loss_is_that_of_the_joint_distribution(T):
    rng = np.random.default_rng(1)
    root = rng.normal(size=(3, 3))
    covariance = root @ root.T + 0.2 * np.eye(3)
    assert independence_loss(covariance, DENSITY, T) == pytest.approx(
        gap_of_trajectory(covariance, T), rel=1e-4
    )


def test_independent_columns_lose_nothing_and_more_steps_lose_less():
    assert independence_loss(np.diag([1.0, 2.0, 0.5]), DENSITY, 4) == pytest.approx(0.0, abs=1e-9)
    correlated = 0.1 * np.eye(3) + 0.9
    total = -0.5 * np.linalg.slogdet(correlated)[1]
    lost = [independence_loss(correlated, DENSITY, T) for T in (2, 8, 16, 32, 64)]
    assert total > lost[0] > lost[1] > lost[2] > lost[3] > lost[4] > 0
    assert lost[3] / lost[4] == pytest.approx(2.0, rel=0.1)  # a T-th of a constant


@pytest.mark.parametrize(
    ("frame", "steps"),
    [
        (one_factor(12, 10.0), 8),  # nearly independent
        (one_factor(12, 0.1), 16),
        (one_factor(1, 0.1), 8),
        (one_factor(12, 0.1, n_rows=30), 8),  # too few rows to tell
    ],
)
def test_correlations_need_steps(frame, steps):
    rows, codec, _ = encoded(frame)
    assert enough_steps(rows, codec, 1, 0) == steps


def test_covariance_of_the_pairs_that_are_there_within_classes():
    rng = np.random.default_rng(2)
    n = 4000
    side = rng.integers(2, size=n) * 20.0
    x = rng.normal(size=(n, 2)) @ np.array([[1.0, 0.8], [0.0, 0.6]]) + side[:, None]
    holes = rng.random((n, 2)) < 0.2
    frame = pl.DataFrame(
        pl.DataFrame({f"x{j}": x[:, j]}).select(
            pl.when(pl.Series(~holes[:, j])).then(pl.col(f"x{j}")).alias(f"x{j}")
        )[f"x{j}"]
        for j in range(2)
    )
    rows, codec, _ = encoded(frame)
    covariance = covariance_within(*classes(rows, codec, 2, 0))
    # Twelve standard errors of a correlation of .8 of 1,280 pairs.
    correlation = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    assert abs(correlation - 0.8) < 12 * 0.36 / np.sqrt(1280)


def test_a_table_that_needs_steps_has_a_wider_network_and_a_longer_training():
    _, _, schema = encoded(one_factor(12, 0.1))
    (plain,) = candidates(300, schema, FitSettings())
    (hard,) = candidates(300, schema, FitSettings(), steps=32)
    assert (plain.model.trajectory_length, plain.model.width) == (MIXTURE_STEPS, 64)
    assert (hard.model.trajectory_length, hard.model.width) == (32, 128)
    assert hard.train.max_steps == 2 * plain.train.max_steps
    assert hard.train.batch_size == 2 * plain.train.batch_size
    assert [
        c.model.trajectory_length for c in candidates(800, schema, FitSettings(), steps=16)
    ] == [16] * 3
    (products,) = candidates(300, schema, FitSettings(components=1), steps=16)
    assert (products.model.trajectory_length, products.model.width) == (64, 64)
    assert products.train == plain.train
