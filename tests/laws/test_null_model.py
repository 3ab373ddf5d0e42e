"""The null model: where the reverse process is the reversal of the forward one, no trajectory
dissipates anything.

With data ~ pi both kernels are reversible, so `log w = log pi(x_0)` on *every* trajectory, and E K
= log pi(x_0) = L_null for every row: K - L_null = 0. (A single draw of K is not constant: each KL
depends on the x_t drawn; only its mean is.)"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from cases import ACTIVITY, BITS, EVEN, SCHEDULES, UNEVEN
from laws.models import Constant, cells_of, model_of, random_state
from laws.statistics import assert_mean
from quasistatic.bound import evaluate_log_weights, evaluate_terms
from quasistatic.forward import (
    AbsorbingDiffusion,
    CategoricalDiffusion,
    ErasureSchedule,
    GaussianDiffusion,
    binomial_diffusion,
    cosine_schedule,
    linear_schedule,
)
from quasistatic.forward.categorical import pad_log_probs
from quasistatic.model import DiffusionModel

DRAWS = 256


def check(model, x_0, log_p, tolerance: float = 1e-3, with_bound: bool = True) -> None:
    rows, key = cells_of(model.forward, x_0), jax.random.key(0)
    log_weights = evaluate_log_weights(model, rows, trajectories=DRAWS, key=key, chunk=2048)
    np.testing.assert_allclose(
        log_weights, np.broadcast_to(log_p[:, None], log_weights.shape), atol=tolerance
    )
    if not with_bound:
        return
    terms = evaluate_terms(model, rows, repetitions=DRAWS, key=key, chunk=2048)
    assert_mean(terms.total, log_p, tolerance=tolerance)
    assert_mean((terms.total - log_p[:, None]).mean(0, keepdims=True), 0.0, tolerance=tolerance)


def log_frequencies(forward, x_0) -> np.ndarray:
    """log R(x_0) of independent columns, `[N]`."""
    table = np.asarray(forward.log_marginals, np.float64)
    return sum(table[d][x] for d, x in enumerate(np.asarray(x_0[0]).T))


@pytest.mark.parametrize("name", SCHEDULES)
def test_standard_normal_data(name):
    """v = 0 and the largest variance of the corridor."""
    forward = GaussianDiffusion(SCHEDULES[name](50), 2)
    model = DiffusionModel(forward, Constant(jnp.array([0.0, 0.0, 60.0, 60.0]), forward.n_features))
    x_0 = random_state(model.forward, 8)
    check(
        model,
        x_0,
        stats.norm.logpdf(np.asarray(x_0[0], np.float64)).sum(1),
        tolerance=2e-3,
        with_bound=name in ("erasure", "learned-random"),
    )


HEAT_BATHS = {
    "half": lambda: binomial_diffusion(ErasureSchedule(30), [0.5] * 4),
    "mean": lambda: binomial_diffusion(ErasureSchedule(30), ACTIVITY),
    "cosine": lambda: binomial_diffusion(cosine_schedule(30), ACTIVITY),
    "categorical": lambda: CategoricalDiffusion(
        linear_schedule(50), pad_log_probs(UNEVEN), pad_log_probs(UNEVEN)
    ),
}


@pytest.mark.parametrize("name", HEAT_BATHS)
def test_data_in_equilibrium(name):
    """raw = 0 with the data's frequencies equal to pi."""
    forward = HEAT_BATHS[name]()
    model = DiffusionModel(forward, Constant(jnp.zeros(forward.n_outputs), forward.n_features))
    x_0 = random_state(model.forward, 8)
    check(model, x_0, log_frequencies(forward, x_0), with_bound=name in ("mean", "categorical"))


@pytest.mark.parametrize("T", [1, 5])
def test_independent_columns_in_a_heat_bath(T):
    """Any frequencies R and any pi: the reverse kernel of independent columns is exact, and the
    erasure ends in pi exactly."""
    forward = CategoricalDiffusion(ErasureSchedule(T), pad_log_probs(EVEN), pad_log_probs(UNEVEN))
    model = DiffusionModel(forward, Constant(jnp.zeros(forward.n_outputs), forward.n_features))
    x_0 = random_state(model.forward, 8)
    check(model, x_0, log_frequencies(forward, x_0))


@pytest.mark.parametrize("T", [1, 2, 9])
def test_independent_columns_absorbed(T):
    """Any frequencies: with the absorbing kernel independent columns dissipate nothing, for any
    T."""
    forward = AbsorbingDiffusion(T, pad_log_probs(BITS))
    model = DiffusionModel(forward, Constant(jnp.zeros(forward.n_outputs), forward.n_features))
    x_0 = random_state(model.forward, 8)
    check(model, x_0, log_frequencies(forward, x_0), with_bound=T == 9)


def test_other_data_do_dissipate():
    """The law is not empty: in a network that takes its own noise for data trajectories differ."""
    model = model_of(
        CategoricalDiffusion(ErasureSchedule(5), pad_log_probs(EVEN), pad_log_probs(UNEVEN))
    )
    log_weights = evaluate_log_weights(
        model,
        cells_of(model.forward, random_state(model.forward, 8)),
        trajectories=DRAWS,
        key=jax.random.key(0),
        chunk=2048,
    )
    assert np.all(log_weights.std(1) > 0.01)
