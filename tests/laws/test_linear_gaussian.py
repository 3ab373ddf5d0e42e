"""A network that is linear in x_t makes the whole chain linear-Gaussian: p(x_0) is a normal
distribution in closed form."""

from functools import lru_cache
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from cases import SCHEDULES
from laws.statistics import assert_distribution, assert_mean, assert_mean_at_most
from quasistatic.bound import evaluate_log_weights, evaluate_terms, weighted_bound
from quasistatic.data.cells import Cells
from quasistatic.forward import GaussianDiffusion
from quasistatic.model import DiffusionModel
from quasistatic.network.base import AbstractNetwork
from quasistatic.rows import Row
from quasistatic.trajectory import sample

DRAWS = 4096
CHUNK = 1 << 13
X_0 = np.random.default_rng(2).uniform(-1.3, 1.3, (8, 2)).astype(np.float32)
ALL = (True, True)


def cells(observed=ALL, width=(0.0, 0.0), filler=(False, False)) -> Row:
    """The rows X_0 with these flags and widths of both columns."""
    flags = (
        np.broadcast_to(np.asarray(x, d), X_0.shape)
        for x, d in ((observed, bool), (width, np.float32), (filler, bool))
    )
    return (Cells(X_0, *flags),)


class Affine(AbstractNetwork):
    """`W features + b`, the same at every t; W has no row for the s of the reverse variances."""

    weight: jax.Array
    bias: jax.Array
    n_features: int = eqx.field(static=True, default=4)
    n_outputs: int = eqx.field(static=True, default=4)

    def __call__(self, features, time, *, key=None):
        return self.weight @ features + self.bias


def affine_model(schedule) -> DiffusionModel:
    weight = np.zeros((4, 4), np.float32)
    weight[:2] = [[0.1, 0.25, 0.1, 0.0], [-0.1, 0.15, 0.0, -0.2]]  # on x_t, and on the flags
    bias = np.array([0.1, -0.05, -2.0, -3.0], np.float32)
    return DiffusionModel(
        GaussianDiffusion(schedule, 2), Affine(jnp.asarray(weight), jnp.asarray(bias))
    )


def moments(model, observed=ALL) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of p(x_0): every reverse kernel is N(A x_t + c, S)."""

    @eqx.filter_jit
    def at(model, x, t):
        return jax.vmap(
            lambda t: jax.vmap(
                lambda x: model.reverse_kernel((x,), (jnp.asarray(observed),), t).parts[0]
            )(x)
        )(t)

    x = np.array([[0, 0], [1, 0], [0, 1]], np.float32)
    reverse = at(model, jnp.asarray(x), jnp.arange(1, model.trajectory_length + 1))
    means, variances = (
        np.asarray(reverse.mean, np.float64),
        np.exp(np.asarray(reverse.log_variance, np.float64)),
    )
    np.testing.assert_allclose(
        variances, np.broadcast_to(variances[:, :1], variances.shape), rtol=1e-5
    )
    mean, covariance = np.zeros(2), np.eye(2)
    for t in range(model.trajectory_length, 0, -1):
        offset = means[t - 1, 0]
        slope = (means[t - 1, 1:] - offset).T
        mean, covariance = (
            slope @ mean + offset,
            slope @ covariance @ slope.T + np.diag(variances[t - 1, 0]),
        )
    return mean, covariance


class Answers(NamedTuple):
    model: Any
    mean: np.ndarray
    covariance: np.ndarray
    log_p: np.ndarray
    log_weights: np.ndarray
    terms: Any


@lru_cache
def answers(name: str) -> Answers:
    model = affine_model(SCHEDULES[name](20))
    mean, covariance = moments(model)
    rows, key = cells(), jax.random.key(4)
    log_weights = evaluate_log_weights(model, rows, trajectories=DRAWS, key=key, chunk=CHUNK)
    terms = evaluate_terms(model, rows, repetitions=DRAWS, key=key, chunk=CHUNK)
    return Answers(
        model,
        mean,
        covariance,
        stats.multivariate_normal(mean, covariance).logpdf(X_0),
        log_weights,
        terms,
    )


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_mean_weight_is_the_density(name):
    a = answers(name)
    assert abs(a.covariance[0, 1]) > 0.005  # the columns depend on each other
    ratio = np.exp(a.log_weights - a.log_p[:, None])
    assert_mean(ratio, 1.0, tolerance=2e-3)
    assert_mean(ratio.mean(0, keepdims=True), 1.0, tolerance=2e-3)


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_bound_is_below_the_density(name):
    a = answers(name)
    assert_mean_at_most(a.terms.total, a.log_p, tolerance=1e-3)
    assert_mean(a.log_weights - a.terms.total, 0.0, tolerance=1e-3)
    grouped = [
        weighted_bound(a.log_weights.reshape(-1, r)).lower.reshape(len(X_0), -1) for r in (1, 4, 16)
    ]
    assert grouped[0].mean() < grouped[1].mean() < grouped[2].mean()
    assert_mean_at_most(grouped[2], a.log_p, tolerance=1e-3)


@pytest.mark.parametrize("name", SCHEDULES)
def test_samples_have_the_closed_form_distribution(name):
    """Kolmogorov-Smirnov on both columns and on their sum and difference."""
    a = answers(name)

    @eqx.filter_jit
    def draw(model, keys):
        return jax.vmap(lambda k: sample(model, (jnp.ones(2, bool),), key=k)[0])(keys)

    drawn = np.asarray(draw(a.model, jax.random.split(jax.random.key(6), 20000)))
    for direction in ([1, 0], [0, 1], [1, 1], [1, -1]):
        along = np.array(direction)
        scale = np.sqrt(along @ a.covariance @ along)
        assert_distribution(drawn @ along, stats.norm(along @ a.mean, scale).cdf)


@pytest.fixture(scope="module")
def model():
    return answers("erasure").model


def weights(model, rows: Row, seed: int = 0) -> np.ndarray:
    return evaluate_log_weights(
        model, rows, trajectories=DRAWS, key=jax.random.key(seed), chunk=CHUNK
    )


@pytest.mark.parametrize("width", [(0.3, 0.2), (0.01, 0.25), (0.3, 0.0)])
def test_cells_weigh_their_mass(model, width):
    """A rectangle of the bivariate normal; sides narrow, as wide as the noise of the first step,
    and of no width (a density).

    (Cells much wider than that noise have rare heavy weights: x_1 is drawn around the middle of the
    cell.)"""
    mean, covariance = moments(model)
    if width[1] > 0:
        half = np.array(width, np.float32) / 2
        exact = stats.multivariate_normal(mean, covariance).cdf(X_0 + half, lower_limit=X_0 - half)
    else:
        slope = covariance[0, 1] / covariance[1, 1]
        first = stats.norm(
            mean[0] + slope * (X_0[:, 1] - mean[1]),
            np.sqrt(covariance[0, 0] - slope * covariance[0, 1]),
        )
        inside = first.cdf(X_0[:, 0] + width[0] / 2) - first.cdf(X_0[:, 0] - width[0] / 2)
        exact = inside * stats.norm(mean[1], np.sqrt(covariance[1, 1])).pdf(X_0[:, 1])
    assert_mean(np.exp(weights(model, cells(width=width))) / exact[:, None], 1.0, tolerance=2e-3)


def test_a_filler_cell_integrates_its_column_out(model):
    """c ~ N(0, 1) with the weight p(c) / N(c; 0, 1): E w is the density of the other column."""
    mean, covariance = moments(model)
    density = stats.norm(mean[0], np.sqrt(covariance[0, 0])).pdf(X_0[:, 0])
    rows = cells(filler=(False, True))
    log_weights = weights(model, rows)
    assert_mean(np.exp(log_weights) / density[:, None], 1.0, tolerance=2e-3)
    terms = evaluate_terms(model, rows, repetitions=DRAWS, key=jax.random.key(1), chunk=CHUNK)
    assert_mean(log_weights - terms.total, 0.0, tolerance=1e-3)
    assert_mean(terms.filler, 0.5 * np.log(2 * np.pi * np.e), tolerance=1e-3)


def test_a_row_of_fillers_weighs_one(model):
    """The integral of the whole density."""
    assert_mean(np.exp(weights(model, cells(filler=ALL))), 1.0, tolerance=2e-3)


@pytest.mark.parametrize("hole", [0, 1])
def test_a_missing_cell_is_left_out(model, hole):
    """E w is the density of the observed column, in the chain whose network sees nothing of the
    other."""
    observed = np.arange(2) != hole
    mean, covariance = moments(model, observed)
    other = 1 - hole
    density = stats.norm(mean[other], np.sqrt(covariance[other, other])).pdf(X_0[:, other])
    assert_mean(
        np.exp(weights(model, cells(observed=observed))) / density[:, None], 1.0, tolerance=2e-3
    )
