"""The contract of an energy, by enumeration, over every line of `ENERGIES`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import ENERGIES
from quasistatic.errors import SettingError
from quasistatic.rivals.boltzmann import BoltzmannMachine, from_spins
from quasistatic.rivals.contrastive_divergence import gradient
from quasistatic.rivals.energy import between, flip_log_ratios, independent_log_partition
from quasistatic.rivals.exact import sample, states
from quasistatic.rivals.graph import complete, graph_of, lattice
from quasistatic.rivals.learning import as_bits
from rivals_oracles import counts_fit, enumerated, flat

EVERY = pytest.mark.parametrize("energy", ENERGIES.values(), ids=ENERGIES)


@EVERY
def test_logits_are_differences_of_weights(energy):
    for x in states(energy.sites)[:8]:
        for i, (logit, ratio) in enumerate(
            zip(energy.logits(x), flip_log_ratios(energy, x), strict=True)
        ):
            on, off, flipped = x.copy(), x.copy(), x.copy()
            on[i], off[i], flipped[i] = 1.0, 0.0, 1.0 - x[i]
            weight = energy.log_weight
            assert abs(logit - (weight(on) - weight(off))) < 1e-5
            assert abs(ratio - (weight(x) - weight(flipped))) < 1e-5


@EVERY
@pytest.mark.parametrize("reverse", [False, True])
def test_a_sweep_leaves_the_distribution(energy, reverse):
    """Chi-square below 8 standard deviations: a false alarm in 1e-6 for more than 8 states."""
    rows, p, _ = enumerated(energy)
    exact = sample(energy, 4000, key=jax.random.key(1))
    keys = jax.random.split(jax.random.key(2), len(exact))
    swept = jax.vmap(lambda x, k: energy.sweep(x, key=k, reverse=reverse))(exact, keys)
    assert counts_fit(exact, rows, p) < 8
    assert counts_fit(swept, rows, p) < 8
    assert np.mean(np.any(np.asarray(swept) != exact, axis=1)) > 0.5


def test_the_reversal_of_a_sweep_is_its_time_reversal():
    """p(x) T(x -> y) = p(y) R(y -> x), by counting pairs on two bits."""
    energy = BoltzmannMachine(jnp.array([1.0, -1.0]), jnp.array([3.0]), complete(2))
    x = sample(energy, 6000, key=jax.random.key(3))
    keys = jax.random.split(jax.random.key(4), len(x))
    there = np.asarray(jax.vmap(lambda x, k: energy.sweep(x, key=k))(x, keys))
    back = np.asarray(jax.vmap(lambda x, k: energy.sweep(x, key=k, reverse=True))(x, keys))
    one, other = x @ [1, 2], there @ [1, 2]
    forward = np.histogram2d(one, other, bins=4, range=[[0, 3]] * 2)[0]
    after = back @ [1, 2]
    reverse = np.histogram2d(after, one, bins=4, range=[[0, 3]] * 2)[0]
    z = (forward - reverse) / np.sqrt(np.maximum(forward + reverse, 5))
    assert np.abs(z).max() < 6
    # The order matters: the sweep is not its own reversal.
    assert np.abs((forward - forward.T) / np.sqrt(np.maximum(forward + forward.T, 5))).max() > 6


@EVERY
def test_independent_bits(energy, rng):
    bias = jnp.asarray(rng.normal(size=energy.sites), jnp.float32)
    start = energy.independent(bias)
    rows, p, log_z = enumerated(start)
    assert abs(independent_log_partition(start) - log_z) < 1e-4
    np.testing.assert_allclose(p @ rows, jax.nn.sigmoid(bias), atol=1e-5)
    np.testing.assert_allclose(flat(between(start, energy, 1.0)), flat(energy), atol=1e-6)
    assert jax.tree.structure(start) == jax.tree.structure(energy)


@EVERY
def test_centred_is_a_gradient_in_other_parameters(energy, rng):
    """With a change of parameters A it is A A' g: it ascends, and the map is symmetric."""
    mean = jnp.asarray(rng.uniform(0.2, 0.8, energy.sites), jnp.float32)
    g = jax.tree.map(lambda x: jnp.asarray(rng.normal(size=x.shape), x.dtype), energy)
    h = jax.tree.map(lambda x: jnp.asarray(rng.normal(size=x.shape), x.dtype), energy)
    turned, other = energy.centred(g, mean), energy.centred(h, mean)
    assert flat(g) @ flat(turned) > 0
    assert abs(flat(h) @ flat(turned) - flat(g) @ flat(other)) < 1e-3


def test_centred_couplings_are_differences_of_covariances(rng):
    """Without hidden bits: `<(x - m)(x - m)'>` of the data minus that of the chains."""
    energy = ENERGIES["complete"]
    data, chains = ((rng.random((30, 5)) < p).astype(np.float32) for p in (0.3, 0.6))
    mean = data.mean(axis=0)
    found = energy.centred(gradient(energy, data, chains), jnp.asarray(mean))
    i, j = energy.graph.ends.T
    products = [((x - mean)[:, i] * (x - mean)[:, j]).mean(axis=0) for x in (data, chains)]
    np.testing.assert_allclose(found.coupling, products[0] - products[1], atol=1e-6)


def test_spins_and_bits_are_one_distribution(rng):
    graph = lattice(2, 3)
    field, coupling = rng.normal(size=6), rng.normal(size=len(graph.edges))
    rows, p, _ = enumerated(from_spins(graph, jnp.asarray(field), jnp.asarray(coupling)))
    spins = 2 * rows - 1
    log_p = spins @ field + sum(
        k * spins[:, i] * spins[:, j] for k, (i, j) in zip(coupling, graph.edges, strict=True)
    )
    np.testing.assert_allclose(p, np.exp(log_p - np.logaddexp.reduce(log_p)), atol=1e-6)


def test_graphs():
    assert len(complete(6).edges) == 15
    assert len(complete(6).colours) == 6
    assert len(lattice(10, 10).edges) == 180
    assert lattice(10, 10).bandwidth == 10
    assert len(lattice(10, 10).colours) == 2
    for graph in (complete(4), lattice(3, 4), graph_of(4, [])):
        assert (graph.colours.sum(axis=0) == 1).all()
        assert not any(
            (colour[i] and colour[j]) for colour in graph.colours for i, j in graph.edges
        )
    for edges in ([(0, 0)], [(0, 5)], [(-1, 2)], [(0, 1, 2)]):
        with pytest.raises(SettingError, match="no edge"):
            graph_of(5, edges)


def test_cells_that_are_no_bits_are_named():
    with pytest.raises(ValueError, match=r"row 2, column 1: 0.5 is no bit"):
        as_bits([[0, 1], [0.5, 1]])
    with pytest.raises(ValueError, match="shape"):
        as_bits([0, 1])
