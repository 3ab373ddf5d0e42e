"""Networks asked together: the mean of outputs, or the mixture of kernels, and what makes each the
likelier model.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import randomised
from quasistatic.assemble import independent_start
from quasistatic.data.cells import Cells
from quasistatic.forward import AbsorbingDiffusion
from quasistatic.forward.categorical import pad_log_probs
from quasistatic.model import DiffusionModel, ensemble, n_outputs
from quasistatic.network import ConcatenatedNetwork, EnsembleNetwork, ResidualMLP
from quasistatic.train._step import batch_cost


def members(n_features, n_outputs, *, dropout=0.0):
    made = [
        ResidualMLP(n_features, n_outputs, width=8, dropout_rate=dropout, key=jax.random.key(i))
        for i in range(3)
    ]
    return [randomised(network, i, scale=1.0) for i, network in enumerate(made)]


def test_the_mean_of_the_outputs(rng):
    networks = members(4, 5)
    x, time = jnp.asarray(rng.standard_normal(4), jnp.float32), jnp.asarray(0.4)
    apart = np.array([network(x, time) for network in networks])
    assert np.std(apart, axis=0).min() > 1e-3
    together = EnsembleNetwork(networks)(x, time)
    np.testing.assert_allclose(together, apart.mean(axis=0), rtol=1e-5, atol=1e-6)
    in_turn = ConcatenatedNetwork(networks)
    np.testing.assert_allclose(in_turn(x, time), apart.reshape(-1), rtol=1e-5, atol=1e-6)
    assert in_turn.n_outputs == apart.size


def test_one_alone_stays_what_it_is():
    forward = AbsorbingDiffusion(2, pad_log_probs([[0.5, 0.5]]))
    alone = DiffusionModel(forward, members(forward.n_features, forward.n_outputs)[0])
    assert ensemble([alone]) is alone


def test_members_have_dropout_of_their_own():
    network = members(4, 5, dropout=0.5)[0]
    x, time, key = jnp.ones(4), jnp.asarray(0.4), jax.random.key(1)
    twice = EnsembleNetwork([network, network])
    assert np.any(
        np.abs(twice(x, time, key=key) - network(x, time, key=jax.random.split(key)[0])) > 1e-4
    )
    np.testing.assert_allclose(twice(x, time), network(x, time), rtol=1e-6)


def test_members_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match="one size"):
        EnsembleNetwork([members(4, 5)[0], members(4, 6)[0]])


def test_the_kernel_of_mixtures_is_the_mean_of_the_members_kernels(rng):
    """The members' weights are normalised apart: an output that shifts all of one member's weights
    changes nothing.
    """
    forward = DiffusionModel(
        AbsorbingDiffusion(3, pad_log_probs([[0.5, 0.5], [0.2, 0.3, 0.5], [0.25] * 4])),
        ResidualMLP(9, 9, width=4, key=jax.random.key(0)),
    ).forward
    start = independent_start(forward, 2)
    networks = members(forward.n_features, n_outputs(forward, 2))
    models = [DiffusionModel(forward, network, start) for network in networks]
    together = ensemble(models)
    assert together.n_components == 6
    mask = forward.blocks[0].mask_state
    x_t, observed = (jnp.full(3, mask, jnp.int32),), (jnp.ones(3, bool),)
    x_s = (jnp.asarray([1, mask, mask], jnp.int32),)

    def log_prob(model):
        return float(jnp.sum(model.reverse_kernel(x_t, observed, 3).log_prob(x_s)))

    apart = np.array([log_prob(model) for model in models])
    assert np.ptp(apart) > 0.1
    np.testing.assert_allclose(log_prob(together), np.log(np.exp(apart).mean()), rtol=1e-5)


def test_logits_make_it_at_least_as_likely_as_the_mean_of_its_members(rng):
    """Row by row and draw by draw, where the outputs are logits (the same noise for all)."""
    forward = AbsorbingDiffusion(
        4, pad_log_probs([[0.5, 0.5], [0.2, 0.3, 0.5], [0.25] * 4, [0.9, 0.1]])
    )
    codes = rng.integers(0, 2, (200, 4)).astype(np.int32)
    rows, probabilities = (Cells(codes, np.ones(codes.shape, bool)),), jnp.full(4, 0.25)

    def cost(network):
        model = DiffusionModel(forward, network)
        found = batch_cost(model, rows, probabilities, key=jax.random.key(3), dropout=False)
        return np.asarray(found, np.float64).sum(axis=1)

    networks = members(forward.n_features, forward.n_outputs)
    mean = np.mean([cost(network) for network in networks], axis=0)
    gain = mean - cost(EnsembleNetwork(networks))
    assert gain.min() > -1e-4  # float32
    assert gain.mean() > 0.1
