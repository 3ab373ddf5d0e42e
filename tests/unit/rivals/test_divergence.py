"""Contrastive divergence: its gradient with exact chains is the likelihood's, and where it ends."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import ENERGIES
from quasistatic.rivals import contrastive_divergence, exact
from quasistatic.rivals.boltzmann import machine
from quasistatic.rivals.double import in_double
from quasistatic.rivals.learning import mean_loss
from quasistatic.rivals.restricted import restricted
from rivals_oracles import enumerated, flat


@pytest.mark.parametrize("name", ["lattice", "complete", "restricted"])
def test_with_exact_chains_it_is_the_gradient_of_the_likelihood(name, rng):
    """Chains are the states themselves, repeated by their probabilities (to 1/40,000)."""
    energy = ENERGIES[name]
    rows, p, _ = enumerated(energy)
    chains = np.repeat(rows, np.round(40_000 * p).astype(int), axis=0)
    data = (rng.random((40, energy.sites)) < 0.4).astype(np.float32)
    found = flat(contrastive_divergence.gradient(energy, data, chains))
    likelihood = _slope(energy, data) - _slope(energy, rows, p)
    np.testing.assert_allclose(found, likelihood, atol=2e-3)


def _slope(energy, rows, weights=None):
    weights = np.full(len(rows), 1 / len(rows)) if weights is None else weights

    def of_loss(energy, rows, weights):
        return jax.grad(lambda e: mean_loss(exact.loss, e, rows, weights))(energy)

    return -flat(in_double(of_loss, energy, rows, weights))


def test_persistent_chains_end_at_maximum_likelihood():
    """CD-1, which is biased, ends only near it."""
    truth = ENERGIES["complete"]
    rows = exact.sample(truth, 1000, key=jax.random.key(18))
    start = machine(truth.graph)
    best = flat(exact.fit(start, rows).energy)
    ends = {
        persistent: flat(
            contrastive_divergence.fit(
                start, rows, persistent=persistent, updates=1500, batch_size=200
            ).energy
        )
        for persistent in (True, False)
    }
    error = {name: np.sqrt(np.mean((end - best) ** 2)) for name, end in ends.items()}
    assert error[True] < 0.1
    assert error[False] < 0.5


@pytest.mark.parametrize("centred", [False, True])
def test_a_restricted_machine_gains_likelihood(centred):
    truth = ENERGIES["restricted"]
    rows = exact.sample(truth, 1000, key=jax.random.key(19))
    start = restricted(jnp.zeros(5), 3, key=jax.random.key(20))
    found = contrastive_divergence.fit(
        start, rows, persistent=True, centred=centred, updates=1500, batch_size=100
    )
    gained, best = (np.mean(exact.log_prob(e, rows)) for e in (found.energy, truth))
    assert np.mean(exact.log_prob(start, rows)) < best - 0.1
    assert gained > best - 0.03
