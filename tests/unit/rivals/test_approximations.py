"""Mean field theory and belief propagation against enumeration."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import ENERGIES, MACHINES, randomised
from quasistatic.rivals import belief_propagation, exact, mean_field
from quasistatic.rivals.boltzmann import BoltzmannMachine, from_spins, machine
from quasistatic.rivals.graph import complete, graph_of, lattice
from rivals_oracles import enumerated

EVERY = pytest.mark.parametrize("name", MACHINES)
TREES = pytest.mark.parametrize("name", ["tree", "two parts"])


@EVERY
def test_the_naive_bound_is_below(name):
    energy = ENERGIES[name]
    found = mean_field.naive(energy)
    log_z = enumerated(energy)[2]
    assert found.converged
    assert log_z - 2 < found.log_z < log_z
    # It is the bound of its own means, and no single mean can be moved to improve it.
    rows, q = exact.states(energy.sites), found.mean
    log_q = rows @ np.log(q) + (1 - rows) @ np.log1p(-q)
    weights = np.array([energy.log_weight(x) for x in rows])
    assert abs(np.exp(log_q) @ (weights - log_q) - found.log_z) < 1e-5


def test_weak_couplings_make_tap_the_better_one():
    """Errors of third order against second: halved couplings take an eighth against a quarter."""
    strong = randomised(machine(lattice(2, 3)), 11, 0.6)
    errors = []
    for scale in (1.0, 0.5):
        energy = BoltzmannMachine(strong.bias, scale * strong.coupling, strong.graph)
        log_z = exact.log_partition(energy)
        errors.append(
            [abs(rule(energy).log_z - log_z) for rule in (mean_field.naive, mean_field.tap)]
        )
    naive, tap = np.array(errors).T
    assert (tap < 0.3 * naive).all()
    assert 3 < naive[0] / naive[1] < 5.5
    assert tap[0] / tap[1] > 5.5


@pytest.mark.parametrize("fit", [mean_field.fit_naive, mean_field.fit_tap])
def test_inversion_of_weak_couplings(fit):
    """Of 40,000 exact samples of a lattice with couplings of 0.3."""
    truth = randomised(machine(lattice(3, 3)), 12, 0.3)
    rows = exact.sample(truth, 40_000, key=jax.random.key(13))
    found = fit(truth.graph, rows).energy
    error = 5 / np.sqrt(40_000 / 16)  # five standard errors of a coupling
    assert np.abs(found.coupling - truth.coupling).max() < error
    assert np.abs(found.bias - truth.bias).max() < error


def test_tap_that_does_not_rest_says_so():
    frustrated = BoltzmannMachine(jnp.zeros(6), jnp.full(15, -40.0), complete(6))
    with pytest.warns(UserWarning, match="did not come to rest"):
        assert not mean_field.tap(frustrated).converged


@TREES
def test_belief_propagation_is_exact_on_trees(name):
    energy = ENERGIES[name]
    rows, p, log_z = enumerated(energy)
    i, j = energy.graph.ends.T
    for reweighted in (False, True):
        found = belief_propagation.propagate(energy, reweighted=reweighted)
        assert abs(found.log_z - log_z) < 1e-6
        np.testing.assert_allclose(found.mean, p @ rows, atol=1e-6)
        np.testing.assert_allclose(found.both, p @ (rows[:, i] * rows[:, j]), atol=1e-6)


@pytest.mark.parametrize("name", ["lattice", "complete"])
def test_with_loops_one_form_is_near_and_the_other_above(name):
    energy = ENERGIES[name]
    rows, p, log_z = enumerated(energy)
    bethe = belief_propagation.propagate(energy)
    above = belief_propagation.propagate(energy, reweighted=True)
    assert bethe.converged
    assert above.converged
    assert abs(bethe.log_z - log_z) < 0.05
    assert np.abs(bethe.mean - p @ rows).max() < 0.05
    assert log_z < above.log_z < log_z + 1


def test_shares_of_spanning_trees():
    assert np.allclose(belief_propagation.tree_shares(complete(5)), 2 / 5)
    assert np.allclose(belief_propagation.tree_shares(graph_of(4, [(0, 1), (1, 2), (1, 3)])), 1)
    assert abs(belief_propagation.tree_shares(lattice(4, 5)).sum() - 19) < 1e-9


def test_frustration_stops_the_messages_and_a_warning_says_so():
    """A lattice of strong couplings of both signs, as in the benchmark."""
    coupling = jnp.asarray(np.random.default_rng(0).normal(0, 1.58, 24), jnp.float32)
    glass = from_spins(lattice(4, 4), jnp.zeros(16), coupling)
    with pytest.warns(UserWarning, match="did not converge"):
        found = belief_propagation.propagate(glass, damping=0.0, steps=300)
    assert not found.converged
    assert found.change > 1e-3


@TREES
def test_the_inverse_of_bethe_is_maximum_likelihood_on_trees(name):
    rows = exact.sample(ENERGIES[name], 4000, key=jax.random.key(14))
    graph = ENERGIES[name].graph
    bethe, best = belief_propagation.fit(graph, rows), exact.fit(machine(graph), rows)
    np.testing.assert_allclose(bethe.energy.coupling, best.energy.coupling, atol=0.01)
    np.testing.assert_allclose(bethe.energy.bias, best.energy.bias, atol=0.01)
