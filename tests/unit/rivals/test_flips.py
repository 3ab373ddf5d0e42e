"""Pseudolikelihood, minimum probability flow and ratio matching: consistent, and each the minimum
that it says it is."""

from functools import partial

import jax
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from cases import ENERGIES
from quasistatic.rivals import exact, probability_flow, pseudolikelihood, ratio_matching
from quasistatic.rivals.boltzmann import BoltzmannMachine, machine
from quasistatic.rivals.double import in_double
from quasistatic.rivals.graph import complete
from quasistatic.rivals.lbfgs import minimise
from quasistatic.rivals.learning import fit_rows, mean_loss
from rivals_oracles import enumerated, flat, moved

LOSSES = {
    "pseudolikelihood": pseudolikelihood.loss,
    "flow": probability_flow.loss,
    "flow with opposite": probability_flow.loss_with_opposite,
    "ratio": ratio_matching.loss,
}
EVERY = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
BOTH = pytest.mark.parametrize("name", ["lattice", "restricted"])


def value(loss, energy, rows, weights):
    return mean_loss(loss, energy, rows, weights)


def slope(loss, energy, rows, weights):
    return jax.grad(lambda e: mean_loss(loss, e, rows, weights))(energy)


@EVERY
@BOTH
def test_the_gradient_is_0_at_the_truth_under_its_own_distribution(loss, name):
    energy = ENERGIES[name]
    rows, p, _ = enumerated(energy)
    at_truth = flat(in_double(slope, loss, energy, rows, p))
    assert np.abs(at_truth).max() < 1e-6
    off = flat(in_double(slope, loss, ENERGIES[name].independent(energy.bias), rows, p))
    assert np.abs(off).max() > 1e-2


@EVERY
@BOTH
def test_the_gradient_by_finite_differences(loss, name, rng):
    energy = jax.tree.map(lambda x: np.asarray(x, np.float64), ENERGIES[name])
    rows = (rng.random((20, energy.sites)) < 0.5).astype(np.float64)
    weights = np.full(20, 1 / 20)
    direction = jax.tree.map(lambda x: rng.normal(size=x.shape), energy)
    gradient = flat(in_double(slope, loss, energy, rows, weights)) @ flat(direction)
    h = 1e-5
    up, down = (
        in_double(
            value,
            loss,
            moved(energy, direction, s),
            rows,
            weights,
        )
        for s in (h, -h)
    )
    assert abs((up - down) / (2 * h) - gradient) < 1e-6 * max(1, abs(gradient))


@EVERY
def test_truth_is_found_from_its_own_distribution(loss):
    truth = ENERGIES["lattice"]
    rows, p, _ = enumerated(truth)
    found = fit_rows(loss, machine(truth.graph), rows, weights=p, tolerance=1e-8)
    np.testing.assert_allclose(flat(found.energy), flat(truth), atol=1e-3)


def test_opposite_rows_weigh_the_two_halves():
    """Rows that no single flip joins: one flip at a time says nothing of which half is likelier."""
    strong = np.full(15, 3.0, np.float32)
    truth = BoltzmannMachine(np.full(6, -7.4, np.float32), strong, complete(6))
    rows = exact.sample(truth, 4000, key=jax.random.key(4))
    share, true_share = rows.mean(), float(exact_mean(truth))
    assert abs(share - true_share) < 0.05
    near, opposite = (
        float(exact_mean(fit(machine(complete(6)), rows, l2=1e-3).energy))
        for fit in (probability_flow.fit, partial(probability_flow.fit, opposite=True))
    )
    assert abs(opposite - share) < 0.02
    assert abs(near - share) > 3 * abs(opposite - share)


def exact_mean(energy):
    all_rows, p, _ = enumerated(energy)
    return p @ all_rows.mean(axis=1)


def test_pseudolikelihood_is_one_logistic_regression_of_all_columns():
    """Columns below each other, couplings tied: scikit-learn finds the same coefficients."""
    truth = ENERGIES["complete"]
    rows = exact.sample(truth, 600, key=jax.random.key(8))
    sites, ends = 5, truth.graph.ends
    features, labels = [], []
    for i in range(sites):
        block = np.zeros((len(rows), sites + len(ends)))
        block[:, i] = 1.0
        for e, (a, b) in enumerate(ends):
            if i in (a, b):
                block[:, sites + e] = rows[:, b if i == a else a]
        features.append(block)
        labels.append(rows[:, i])
    oracle = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-9, max_iter=1000)
    oracle.fit(np.concatenate(features), np.concatenate(labels))
    found = pseudolikelihood.fit(machine(complete(5)), rows)
    order = [found.energy.graph.edges.index(tuple(edge)) for edge in ends.tolist()]
    np.testing.assert_allclose(found.energy.bias, oracle.coef_[0, :sites], atol=1e-3)
    np.testing.assert_allclose(
        found.energy.coupling[np.array(order)], oracle.coef_[0, sites:], atol=1e-3
    )


def test_penalties_shrink_and_l1_makes_zeros():
    rows = exact.sample(ENERGIES["complete"], 300, key=jax.random.key(9))
    free, ridge, lasso = (
        flat_couplings(pseudolikelihood.fit(machine(complete(5)), rows, **penalty))
        for penalty in ({}, {"l2": 0.1}, {"l1": 0.05})
    )
    assert np.linalg.norm(ridge) < 0.8 * np.linalg.norm(free)
    assert np.all(free != 0)
    assert 0 < np.sum(lasso == 0) < 10


def flat_couplings(found):
    assert found.told["converged"]
    return np.asarray(found.energy.coupling)


def test_copies_of_a_bit_have_no_finite_fit_and_a_warning_says_so(rng):
    column = (rng.random(50) < 0.5).astype(np.float32)
    with pytest.warns(UserWarning, match="did not converge"):
        pseudolikelihood.fit(machine(complete(2)), np.stack([column, column], axis=1), steps=5)


def test_the_minimiser_on_a_quadratic_with_l1():
    """Soft thresholding is the answer."""
    scales, centre = np.array([1.0, 10.0, 0.1, 5.0]), np.array([2.0, -1.0, 0.3, 0.01])

    def quadratic(x):
        return float(0.5 * scales @ (x - centre) ** 2), scales * (x - centre)

    l1 = np.array([0.5, 0.5, 0.5, 0.5])
    found = minimise(quadratic, np.zeros(4), l1=l1, tolerance=1e-9)
    answer = np.sign(centre) * np.maximum(np.abs(centre) - l1 / scales, 0)
    np.testing.assert_allclose(found.point, answer, atol=1e-7)
    assert found.converged
    np.testing.assert_allclose(minimise(quadratic, np.ones(4)).point, centre, atol=1e-5)


def test_the_minimiser_on_a_curved_valley():
    def rosenbrock(x):
        a, b = 1 - x[0], x[1] - x[0] ** 2
        return float(a * a + 100 * b * b), np.array([-2 * a - 400 * x[0] * b, 200 * b])

    found = minimise(rosenbrock, np.array([-1.2, 1.0]))
    np.testing.assert_allclose(found.point, 1.0, atol=1e-5)
    assert found.steps < 60
