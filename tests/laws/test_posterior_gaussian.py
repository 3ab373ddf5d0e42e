"""A linear-Gaussian chain: every Gaussian evidence has its posterior in closed form. And
simulation-based calibration."""

from functools import lru_cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from laws.models import cells_of
from laws.statistics import assert_mean
from laws.test_linear_gaussian import affine_model, moments
from quasistatic.data.cells import Cells
from quasistatic.forward import linear_schedule
from quasistatic.posterior import AllOf, Linear, Noisy, Observed, TwistedWalk
from quasistatic.posterior.query import evidence_of_rows, impute_rows, posterior_rows
from quasistatic.trajectory import sample_rows

RUNS, PARTICLES = 1 << 12, 8
A, SEEN, NOISE = np.array([[1.0, 1.0], [0.5, -1.0]]), np.array([0.6, 0.9]), np.array([0.5, 0.8])


@lru_cache
def linear_model():
    return affine_model(linear_schedule(20))


@eqx.filter_jit
def run(model, evidence, key):
    walk = TwistedWalk(PARTICLES, 1, threshold=0.9)
    return jax.vmap(lambda k: walk(model, evidence, key=k))(jax.random.split(key, RUNS))


def update(mean, covariance, matrix, y, variance):
    """Mean, covariance and log evidence of N(mean, covariance) given y = matrix x + noise."""
    total = matrix @ covariance @ matrix.T + np.diag(variance)
    gain = covariance @ matrix.T @ np.linalg.inv(total)
    log_z = stats.multivariate_normal(matrix @ mean, total).logpdf(y)
    return mean + gain @ (y - matrix @ mean), covariance - gain @ matrix @ covariance, log_z


CASES = {
    "linear": (lambda: Linear.of(A, SEEN, NOISE), A, SEEN, NOISE**2),
    "noisy": (lambda: Noisy.of(SEEN, NOISE), np.eye(2), SEEN, NOISE**2),
    "noisy-one": (
        lambda: Noisy.of(SEEN, 0.3, seen=[False, True]),
        np.eye(2)[1:],
        SEEN[1:],
        np.array([0.09]),
    ),
    "observed-one": (
        lambda: Observed.of((Cells(SEEN.astype(np.float32), np.array([True, False])),)),
        np.eye(2)[:1],
        SEEN[:1],
        np.zeros(1),
    ),
    "observed-and-linear": (
        lambda: AllOf(
            (
                Observed.of((Cells(SEEN.astype(np.float32), np.array([True, False])),)),
                Linear.of(A[:1], SEEN[:1], 0.5),
            )
        ),
        np.array([[1.0, 0.0], [1.0, 1.0]]),
        SEEN[[0, 0]],
        np.array([0.0, 0.25]),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_posterior_is_that_of_the_closed_form(name):
    """E Z (1, x, x x^T) for an unbiased Z, relative to p(y)."""
    make, *observation = CASES[name]
    mean, covariance, log_z = update(*moments(linear_model()), *observation)
    found = run(linear_model(), make(), jax.random.key(2))
    z = np.exp(np.asarray(found.log_evidence, np.float64) - log_z)
    x = np.asarray(found.draws[0], np.float64)[:, 0]
    assert_mean(z, 1.0, tolerance=2e-3)
    assert_mean((z[:, None] * x).T, mean, tolerance=2e-3)
    second = (covariance + np.outer(mean, mean)).ravel()
    assert_mean(
        (z[:, None] * (x[:, :, None] * x[:, None, :]).reshape(-1, 4)).T, second, tolerance=2e-3
    )


def test_whole_tables_have_the_log_evidence_of_their_cells():
    """Every pattern of holes in one table; 256 particles a row."""
    model = linear_model()
    mean, covariance = moments(model)
    x = np.random.default_rng(0).uniform(-1, 1, (40, 2)).astype(np.float32)
    observed = np.array([[True, True], [True, False], [False, True], [False, False]] * 10)
    found = evidence_of_rows(model, (Cells(x, observed),), particles=256, key=jax.random.key(0))
    sd = np.sqrt(np.diag(covariance))
    exact = np.select(
        [observed.all(1), observed[:, 0], observed[:, 1]],
        [
            stats.multivariate_normal(mean, covariance).logpdf(x),
            *(stats.norm(mean[d], sd[d]).logpdf(x[:, d]) for d in (0, 1)),
        ],
        0.0,
    )
    assert np.max(np.abs(found.lower - exact) / np.maximum(found.stderr, 0.01)) < 7
    assert np.abs(found.lower - exact).mean() < 0.1
    assert np.all(found.lower[3::4] == 0)


def ranks(truth, draws):
    return (draws < truth[:, None]).sum(axis=1)


def uniform(found, n_draws, bins=8):
    """Chi-square of ranks 0..n_draws, false-alarm rate 1e-3 (the 99.9 % band)."""
    counts = np.bincount(found * bins // (n_draws + 1), minlength=bins)
    edges = np.arange(n_draws + 1) * bins // (n_draws + 1)
    assert stats.chisquare(counts, np.bincount(edges) / (n_draws + 1) * len(found)).pvalue > 1e-3


def calibrated(n_rows: int, n_draws: int, particles: int) -> None:
    """Rows of the model, a cell hidden (or noise added): the hidden value's rank among the draws is
    uniform."""
    model = linear_model()
    (x,) = sample_rows(model, n_rows, key=jax.random.key(5))
    for hidden in (0, 1):
        row = cells_of(model.forward, (x,), observed=np.arange(2) != hidden)
        found = impute_rows(
            model, row, n_imputations=n_draws, particles=particles, key=jax.random.key(6)
        )
        assert np.array_equal(
            found.draws[0][:, :, 1 - hidden],
            np.broadcast_to(x[:, [1 - hidden]], (n_rows, n_draws)),
        )
        uniform(ranks(x[:, hidden], found.draws[0][:, :, hidden]), n_draws)
    noise = np.random.default_rng(1).standard_normal(x.shape).astype(np.float32)
    flags = np.ones(x.shape, bool)
    evidence = Noisy(
        *map(jnp.asarray, (x + 0.5 * noise, np.full(x.shape, np.log(0.25), np.float32), flags))
    )
    found = posterior_rows(
        model, evidence, draws=n_draws, particles=particles, key=jax.random.key(7)
    )
    for d in (0, 1):
        uniform(ranks(x[:, d], found.draws[0][:, :, d]), n_draws)


def test_imputing_and_denoising_are_calibrated():
    calibrated(512, 15, 32)


@pytest.mark.slow
def test_imputing_and_denoising_are_calibrated_in_full():
    calibrated(1000, 200, 400)


def pooled_interval(tables, level: float):
    """Ends of the interval for the mean of a column `[..., M, n]` by Rubin's rules (1987, section
    3.1): `[...]` each."""
    M, n = tables.shape[-2:]
    means, within = tables.mean(-1), tables.var(-1, ddof=1).mean(-1) / n
    between = (1 + 1 / M) * means.var(-1, ddof=1)
    freedom = (M - 1) * (1 + within / between) ** 2
    half = stats.t.ppf(0.5 + level / 2, freedom) * np.sqrt(within + between)
    return means.mean(-1) - half, means.mean(-1) + half


def cover(tables: int) -> None:
    """Tables of 50 rows, 40 % of the second column hidden at random, 19 imputations of each.

    A hidden cell lies between its smallest and its largest draw with probability 1 - 2 / 20. The
    interval of Rubin's rules holds the mean of the column in 95 % of the tables or more: the rules
    are conservative where the imputing model is the true one. Both bands have a false-alarm rate of
    1e-6."""
    model, rows, draws = linear_model(), 50, 19
    (x,) = sample_rows(model, tables * rows, key=jax.random.key(8))
    hidden = np.random.default_rng(2).random(len(x)) < 0.4
    holed = Cells(np.asarray(x), np.stack([np.ones(len(x), bool), ~hidden], axis=1))
    found = (
        impute_rows(model, (holed,), n_imputations=draws, particles=64, key=jax.random.key(9))
        .draws[0][:, :, 1]
        .T
    )
    inside = (found.min(axis=0) < x[:, 1]) & (x[:, 1] < found.max(axis=0))
    cells = np.count_nonzero(hidden)
    assert stats.binomtest(np.count_nonzero(inside & hidden), cells, 0.9).pvalue > 1e-6
    low, high = pooled_interval(
        np.moveaxis(found.reshape(draws, tables, rows), 0, 1).astype(np.float64), 0.95
    )
    covered = np.count_nonzero((low < moments(model)[0][1]) & (moments(model)[0][1] < high))
    assert stats.binomtest(covered, tables, 0.95, alternative="less").pvalue > 1e-6


def test_multiple_imputations_cover():
    cover(100)


@pytest.mark.slow
def test_multiple_imputations_cover_in_full():
    cover(400)
