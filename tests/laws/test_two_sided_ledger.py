"""The ledger adds up to K, its dissipation to the gap of the trajectories, and the null model
dissipates nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import ACTIVITY, process
from laws.models import Constant, cells_of, model_of, random_state
from quasistatic.bound import evaluate_log_weights, evaluate_terms, weighted_bound
from quasistatic.forward import ErasureSchedule, binomial_diffusion
from quasistatic.model import DiffusionModel, thin
from quasistatic.rows import iterate_rows, row_checksums
from quasistatic.thermodynamics.corridor import row_corridor
from quasistatic.thermodynamics.ledger import ledger
from quasistatic.thermodynamics.subschedule import best_subschedule, stride_costs
from quasistatic.thermodynamics.verdict import verdict

NAMES = ["heat-bath-uniform", "absorbing", "gaussian-x-absorbing"]


def shared_variance(rows, draws):
    """What equal rows add to the variance of the mean of `draws` `[N, n]`, because they share their
    noise."""
    _, which, counts = np.unique(row_checksums(rows), return_inverse=True, return_counts=True)
    return (
        np.sum((counts[which] - 1) * draws.var(axis=1, ddof=1) / draws.shape[1]) / len(draws) ** 2
    )


def test_equal_rows_do_not_hide_the_noise_that_they_share():
    """40 copies of one row: no spread over the rows, but the error of K over 64 draws, whose
    estimate has an sd of about 10 %."""
    forward = process("binomial-mean")
    model = model_of(forward)
    rows = cells_of(forward, (np.repeat(random_state(forward, 1)[0], 40, axis=0),))
    found = ledger(model, rows, key=jax.random.key(0), repetitions=64, trajectories=4).cost
    many = evaluate_terms(
        model, rows, repetitions=64, key=jax.random.key(1), identity=np.arange(40)
    ).total
    assert found.total_stderr == pytest.approx(many.std() / 8 * np.sqrt(39 / 40), rel=0.5)
    assert np.all(found.stderr[:-1] > 0)


@pytest.mark.parametrize("name", NAMES)
def test_the_entries_add_up(name):
    forward = process(name)
    model, key = model_of(forward), jax.random.key(1)
    rows = cells_of(forward, random_state(forward, 21), width=0.5)
    found = ledger(model, rows, key=key, repetitions=3, trajectories=8, chunk=40)
    terms = evaluate_terms(model, rows, repetitions=3, key=key)
    k = terms.total.mean()
    assert len(found.cost.mean) == forward.trajectory_length + 1
    assert abs(found.cost.mean.sum() + found.k_nats) < 1e-12
    assert abs(found.k_nats - k) < 1e-5 * max(1, abs(k))
    own, shared = terms.total.mean(1).var(ddof=1) / 21, shared_variance(rows, terms.total)
    np.testing.assert_allclose(found.cost.total_stderr, np.sqrt(own + shared), rtol=1e-4)
    np.testing.assert_allclose(-found.cost.mean[-1], terms.prior.mean(), atol=1e-5)
    np.testing.assert_allclose(
        -found.cost.mean[1:-1].sum(), terms.diffusion.mean(), atol=1e-5, rtol=1e-5
    )
    log_weights = evaluate_log_weights(model, rows, trajectories=8, key=key)
    np.testing.assert_allclose(-found.work.total, log_weights.mean(), rtol=1e-5)
    gap = (weighted_bound(log_weights).lower - log_weights.mean(1)).mean()
    assert abs(found.dissipation.mean.sum() - gap) < 1e-5
    assert gap > 1e-3
    assert abs(found.log_p_nats - found.k_nats - gap) < 1e-5
    assert found.n_rows == 21
    assert all(
        np.all(np.isfinite(x))
        for x in (*found.cost, *found.work, *found.dissipation, *found.corridor)
    )


def test_the_null_model_dissipates_nothing_and_stays_in_the_corridor():
    forward = binomial_diffusion(ErasureSchedule(12), ACTIVITY)
    model = DiffusionModel(forward, Constant(jnp.zeros(forward.n_outputs), forward.n_features))
    rng = np.random.default_rng(0)
    x_0 = (rng.random((400, 4)) < np.array(ACTIVITY)).astype(np.int32)
    found = ledger(
        model,
        cells_of(model.forward, (x_0,)),
        key=jax.random.key(0),
        repetitions=16,
        trajectories=4,
    )
    np.testing.assert_allclose(found.dissipation.mean, 0.0, atol=1e-4)
    m = np.array(ACTIVITY)
    expected = np.mean(np.sum(np.where(x_0 == 1, np.log(m), np.log1p(-m)), axis=1))
    assert abs(found.k_nats - expected) < 6 * found.cost.total_stderr
    corridor = found.corridor
    np.testing.assert_allclose(corridor.signal[:, 0], 1 - np.arange(1, 13) / 12, atol=1e-5)
    assert np.all(corridor.lower <= corridor.learned + 0.02)
    # In equilibrium the entropy of the states does not change, so that the reverse step has all
    # that (24) allows.
    np.testing.assert_allclose(corridor.learned, corridor.upper, atol=0.05)
    assert verdict(found, found.k_nats).limit == "network"


@pytest.mark.parametrize("name", ["heat-bath-uniform", "absorbing", "gaussian-cosine"])
def test_the_signal_falls_and_the_bridge_is_the_lower_edge(name):
    forward = process(name)
    model, rows = model_of(forward), cells_of(forward, random_state(forward, 32))
    draws = next(iterate_rows(row_corridor, model, rows, 1, key=jax.random.key(0)))
    found = jax.tree.map(lambda x: x.mean(axis=(0, 1)), draws)
    assert np.all(np.diff(found.signal[:, 0]) <= 1e-5)
    assert abs(found.signal[-1, 0]) < 1e-3
    if name == "gaussian-cosine":  # by construction
        assert np.all(found.lower <= found.learned + 1e-4)
        assert np.all(found.learned <= found.upper + 1e-4)


@pytest.mark.parametrize("name", ["heat-bath-uniform", "absorbing", "gaussian-x-absorbing"])
def test_costs_of_strides_are_those_of_the_thinned_model(name):
    """Within 5 standard errors; and the best sub-schedule of a table is a valid one."""
    forward = process(name)
    model, T, key = model_of(forward), forward.trajectory_length, jax.random.key(2)
    rows = cells_of(forward, random_state(forward, 4))
    costs = stride_costs(model, rows, tuple(range(1, T + 1)), key=key, repetitions=256, chunk=512)
    assert np.all(np.isinf(costs[np.tril_indices(T + 1)]))
    steps = (1, max(2, T // 2), T)
    terms = evaluate_terms(thin(model, steps), rows, repetitions=256, key=jax.random.key(3))
    path = sum(costs[s, t] for s, t in zip((0, *steps), steps, strict=False))
    stderr = np.sqrt(2 * np.mean(terms.total.var(axis=1, ddof=1)) / terms.total.size)
    assert abs(-path + terms.prior.mean() - terms.total.mean()) < 5 * stderr + 1e-3
    best = best_subschedule(model, rows, 3, key=key)
    assert len(best) == 3
    assert best[-1] == T
