"""Transfer matrices and sums over hidden bits, against enumeration."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import ENERGIES, MACHINES, randomised
from quasistatic.errors import SettingError
from quasistatic.rivals import exact, transfer
from quasistatic.rivals.boltzmann import BoltzmannMachine, machine
from quasistatic.rivals.double import in_double
from quasistatic.rivals.graph import complete, graph_of, lattice
from quasistatic.rivals.restricted import RestrictedBoltzmannMachine
from rivals_oracles import counts_fit, enumerated, flat


@pytest.mark.parametrize("energy", ENERGIES.values(), ids=ENERGIES)
def test_normaliser_probabilities_and_samples(energy):
    rows, p, log_z = enumerated(energy)
    assert abs(exact.log_partition(energy) - log_z) < 1e-5
    np.testing.assert_allclose(exact.log_prob(energy, rows), np.log(p), atol=1e-5)
    assert counts_fit(exact.sample(energy, 3000, key=jax.random.key(5)), rows, p) < 8


def test_a_state_is_where_the_cumulative_probability_exceeds_the_uniform():
    """Probabilities 0, .25, 0, .75, 0: states without any are never drawn, at the ends neither."""
    log_weights = jnp.log(jnp.asarray([0.0, 1.0, 0.0, 3.0, 0.0]))
    u = jnp.asarray([0.0, 0.2499, 0.25, 0.9, 1.0 - 2.0**-24])
    found = jax.vmap(transfer.draw_state, in_axes=(None, 0))(log_weights, u)
    assert found.tolist() == [1, 1, 3, 3, 3]


def test_samples_take_one_number_each_not_one_for_each_state():
    """So many draws times so many states would be 30 GB."""
    wide = RestrictedBoltzmannMachine(jnp.zeros(20), jnp.zeros(15), jnp.zeros((20, 15)))
    shapes = jax.make_jaxpr(lambda k: exact._draw(wide, jnp.zeros(100_000), k))(jax.random.key(0))
    assert max(np.prod(v.aval.shape) for e in shapes.eqns for v in e.outvars) < 2**25


@pytest.mark.parametrize("name", MACHINES)
def test_moments(name):
    energy = ENERGIES[name]
    rows, p, _ = enumerated(energy)
    mean, covariance = in_double(transfer.moments, energy)
    np.testing.assert_allclose(mean, p @ rows, atol=1e-6)
    np.testing.assert_allclose(
        covariance, (rows * p[:, None]).T @ rows - np.outer(p @ rows, p @ rows), atol=1e-6
    )


def test_a_lattice_turned_is_the_same_lattice(rng):
    wide, tall = lattice(3, 7), lattice(7, 3)
    coupling = {frozenset(edge): rng.normal() for edge in wide.edges}
    place = np.arange(21).reshape(3, 7).T.ravel()
    turned = [coupling[frozenset((int(place[i]), int(place[j])))] for i, j in tall.edges]
    first = BoltzmannMachine(
        jnp.zeros(21), jnp.asarray([coupling[frozenset(e)] for e in wide.edges]), wide
    )
    second = BoltzmannMachine(jnp.zeros(21), jnp.asarray(turned), tall)
    assert wide.bandwidth == 7
    assert tall.bandwidth == 3
    assert abs(exact.log_partition(first) - exact.log_partition(second)) < 1e-6


def test_the_gradient_of_the_likelihood_by_finite_differences(rng):
    energy = ENERGIES["complete"]
    rows = (rng.random((50, 5)) < 0.4).astype(np.float32)

    def log_likelihood(bias, coupling):
        return np.mean(exact.log_prob(BoltzmannMachine(bias, coupling, energy.graph), rows))

    def both(energy):
        return transfer.log_partition(energy)

    slope = in_double(jax.grad(both), energy)
    bias, coupling = np.asarray(energy.bias, float), np.asarray(energy.coupling, float)
    i, j = energy.graph.ends.T
    gradient = np.concatenate(
        [rows.mean(axis=0) - slope.bias, np.mean(rows[:, i] * rows[:, j], axis=0) - slope.coupling]
    )
    h = 1e-5
    for n in range(len(gradient)):
        step = h * np.eye(len(gradient))[n]
        up = log_likelihood(bias + step[:5], coupling + step[5:])
        down = log_likelihood(bias - step[:5], coupling - step[5:])
        assert abs((up - down) / (2 * h) - gradient[n]) < 1e-6


@pytest.mark.parametrize("name", ["complete", "restricted"])
def test_maximum_likelihood_matches_the_moments(name):
    """At the maximum the model's means are the data's; none of 20 neighbours is likelier."""
    energy = ENERGIES[name]
    rows = exact.sample(energy, 400, key=jax.random.key(6))
    start = randomised(energy.independent(jnp.zeros(energy.sites)), 7, 0.1)
    found = exact.fit(start, rows, steps=500, tolerance=1e-5)
    assert found.told["converged"]
    assert abs(found.told["objective"] + np.mean(exact.log_prob(found.energy, rows))) < 1e-4
    _, p, _ = enumerated(found.energy)
    np.testing.assert_allclose(p @ exact.states(energy.sites), rows.mean(axis=0), atol=1e-3)
    for seed in range(20):
        beside = randomised(found.energy, seed, 0.05)
        assert np.mean(exact.log_prob(beside, rows)) < -found.told["objective"] + 1e-5


def test_what_is_out_of_reach_is_refused():
    with pytest.raises(SettingError, match=r"2\^30 states"):
        exact.log_partition(machine(complete(30)))
    assert exact.within_reach(machine(lattice(100, 10)))
    assert exact.reach(machine(graph_of(3, []))) == 2
    assert flat(machine(graph_of(3, []))).size == 3
