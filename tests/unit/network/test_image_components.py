"""The components of a U-Net: equal at the start, apart after training, told of the whole image."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import randomised
from quasistatic.network import InterleavedNetwork, UNet
from quasistatic.network.image_components import ImageComponents

C, SIDE = 3, 4
PIXELS = SIDE * SIDE


def network(planes_in=2, planes_out=1, side=SIDE, components=C, **options):
    """A small U-Net for `side` x `side` pixels."""
    n = planes_out * side**2
    n_outputs = n if components == 1 else components * (n + 1)
    sizes = {"height": side, "width": side, "channels": 4, "components": components}
    return UNet(planes_in * side**2, n_outputs, **sizes, **options, key=jax.random.key(0))


def features(n, seed=0):
    return jnp.asarray(np.random.default_rng(seed).standard_normal(n), jnp.float32)


@pytest.mark.parametrize(("tile", "side"), [(1, 4), (2, 4), (2, 5)])
def test_of_each_component_its_planes_and_its_log_weight(tile, side):
    """0 at the start; a side of 5 pixels is padded to 8."""
    unet = network(planes_out=2, side=side, tile=tile)
    x, time = features(2 * side**2), jnp.asarray(0.5)
    np.testing.assert_array_equal(unet(x, time), np.zeros(C * (2 * side**2 + 1)))
    out = np.asarray(randomised(unet, 0)(x, time)).reshape(C, -1)
    assert np.all(np.isfinite(out))
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert np.abs(out[one] - out[other])[:-1].min() > 1e-6
        assert abs(out[one, -1] - out[other, -1]) > 1e-4


def test_components_part_after_one_step():
    """Where all start alike and the likelihood knows no order of them, their units, which are
    random, tell them apart as soon as V is no longer 0."""
    unet = network()
    x, time = features(2 * PIXELS), jnp.asarray(0.5)
    gradient = jax.grad(lambda n: jnp.sum(n(x, time).reshape(C, -1)[:, :-1]))(unet)
    stepped = jax.tree.map(lambda w, g: w - 0.1 * g, unet, gradient)
    out = np.asarray(stepped(x, time)).reshape(C, -1)
    assert np.abs(out[0] - out[1])[:-1].max() > 1e-3


def test_one_component_is_the_network_of_products():
    plain = UNet(2 * PIXELS, PIXELS, height=SIDE, width=SIDE, channels=4, key=jax.random.key(0))
    one = network(components=1)
    assert jax.tree.structure(one) == jax.tree.structure(plain)
    for mine, theirs in zip(jax.tree.leaves(one), jax.tree.leaves(plain), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    # All but the last layer is the same whatever the components are.
    several = network()
    assert not isinstance(one.readout, ImageComponents)
    assert isinstance(several.readout, ImageComponents)
    np.testing.assert_array_equal(several.stem.weight, one.stem.weight)
    np.testing.assert_array_equal(several.up.weight, one.up.weight)


def test_every_component_hears_of_the_far_corner():
    """Convolutions of 24 x 24 pixels do not reach it (`test_planes.py`): the code does."""
    side = 24
    unet = randomised(network(planes_in=1, side=side, tile=1), 0)
    x = features(side**2)
    of_corner = jax.grad(lambda pixels: unet(pixels, jnp.asarray(0.5))[0])(x).reshape(side, side)
    assert np.abs(of_corner[18:, 18:]).max() > 1e-6


def test_states_are_handed_over_in_each_component():
    """Of each component the planes of states become the states of each column; the log-weight stays
    behind them."""
    unet = randomised(network(planes_out=2), 0)
    discrete = InterleavedNetwork(unet, 2, components=C)
    x, time = features(2 * PIXELS), jnp.asarray(0.5)
    planes = unet(x.reshape(PIXELS, 2).T.reshape(-1), time).reshape(C, -1)
    out = discrete(x, time).reshape(C, -1)
    np.testing.assert_array_equal(out[:, -1], planes[:, -1])
    np.testing.assert_array_equal(
        out[:, :-1].reshape(C, PIXELS, 2), planes[:, :-1].reshape(C, 2, PIXELS).swapaxes(1, 2)
    )
