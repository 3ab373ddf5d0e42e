"""Networks: 0 at the start, a function of features and time, deterministic in evaluation,
differentiable."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import NETWORKS, randomised
from quasistatic.forward import ErasureSchedule, binomial_diffusion
from quasistatic.model import DiffusionModel
from quasistatic.network.mlp import ResidualMLP, dropout

F, P = 32, 48


TIMELESS = "residual-flat"


@pytest.fixture(scope="module", params=NETWORKS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def network(name):
    return NETWORKS[name](F, P, jax.random.key(0))


def test_output_is_zero_at_the_start(network, rng):
    assert (network.n_features, network.n_outputs) == (F, P)
    out = network(jnp.asarray(rng.standard_normal(F), jnp.float32), jnp.asarray(0.3))
    np.testing.assert_array_equal(out, np.zeros(P))


def test_after_training_it_depends_on_features_and_time(name, network, rng):
    trained = randomised(network, 0)
    x = jnp.asarray(rng.standard_normal((4, F)), jnp.float32)
    run = eqx.filter_jit(lambda n, x, t: jax.vmap(lambda y: n(y, t))(x))
    out = run(trained, x, jnp.asarray(0.3))
    assert out.shape == (4, P)
    assert np.all(np.isfinite(out))
    assert np.all(np.std(np.asarray(out), 0) > 1e-4)
    if name != TIMELESS:
        assert np.any(np.abs(out - run(trained, x, jnp.asarray(0.31))) > 1e-4)
    np.testing.assert_array_equal(out, run(trained, x, jnp.asarray(0.3)))
    np.testing.assert_allclose(
        out[0], trained(x[0], jnp.asarray(0.3)), rtol=1e-4, atol=1e-5
    )  # jit = no jit, vmap = one row


def test_gradients_are_finite_also_where_all_features_are_zero(network):
    """A row with nothing observed, or one all masked."""

    def loss(n):
        return jnp.sum(jnp.square(n(jnp.zeros(F), jnp.asarray(1.0)) - 1.0))

    for n in (network, randomised(network, 1)):
        for part in jax.tree.leaves(eqx.filter_jit(eqx.filter_grad(loss))(n)):
            assert np.all(np.isfinite(part))


def test_dropout_only_with_a_key():
    network = randomised(NETWORKS["residual-dropout"](F, P, jax.random.key(0)), 0)
    run = eqx.filter_jit(lambda k: network(jnp.ones(F), jnp.asarray(0.5), key=k))
    assert np.any(run(jax.random.key(1)) != run(jax.random.key(2)))
    np.testing.assert_array_equal(run(jax.random.key(1)), run(jax.random.key(1)))
    plain = randomised(NETWORKS["residual"](F, P, jax.random.key(0)), 0)
    np.testing.assert_array_equal(
        network(jnp.ones(F), jnp.asarray(0.5)), plain(jnp.ones(F), jnp.asarray(0.5))
    )


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.9])
def test_dropout_zeroes_its_share_and_keeps_the_mean(rate):
    h = jnp.ones(50_001)
    threshold = jnp.asarray(round(256 * rate), jnp.uint8)
    out = np.asarray(dropout(h, threshold, jax.random.key(0)))
    share = round(256 * rate) / 256
    zeros = np.mean(out == 0)
    assert abs(zeros - share) <= 5 * np.sqrt(share * (1 - share) / h.size)
    np.testing.assert_allclose(out[out != 0], 1 / (1 - share), rtol=1e-6)
    assert dropout(h, threshold, None) is h
    assert dropout(h, None, jax.random.key(0)) is h


def test_networks_of_other_dropout_share_a_program():
    traced = []

    @eqx.filter_jit
    def run(network):
        traced.append(0)
        return network(jnp.ones(F), jnp.asarray(0.5), key=jax.random.key(1))

    networks = [
        ResidualMLP(F, P, width=8, dropout_rate=rate, key=jax.random.key(0))
        for rate in (0.1, 0.3, 0.9999)
    ]
    outs = [np.asarray(run(randomised(network, 0))) for network in networks]
    assert len(traced) == 1
    assert np.any(outs[0] != outs[1])
    assert np.all(np.isfinite(outs[2])), "a rate next to 1 leaves a 256th of the units"


def test_the_sizes_of_process_and_network_must_agree():
    forward = binomial_diffusion(ErasureSchedule(4), [0.5, 0.5])
    with pytest.raises(ValueError, match=r"the network maps 32 features to 48 outputs.* 4 to 4"):
        DiffusionModel(forward, NETWORKS["residual"](F, P, jax.random.key(0)))
