"""Pixels and planes: each rearrangement against its definition, the convolution against a direct
sum."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import randomised
from quasistatic.network import AbstractNetwork, InterleavedNetwork, MultiscaleNetwork, UNet
from quasistatic.network._planes import (
    PixelLinear,
    mean_pool,
    tiles,
    to_pixels,
    to_planes,
    untile,
    upsample,
)
from quasistatic.network.multiscale import bumps


@pytest.fixture
def image(rng):
    return jnp.asarray(rng.standard_normal((6, 4, 3)), jnp.float32)


def test_planes_are_listed_one_after_the_other(image):
    planes = to_planes(image)
    np.testing.assert_array_equal(planes[:24], image[:, :, 0].reshape(-1))
    np.testing.assert_array_equal(to_pixels(planes, 6, 4), image)


def test_tiles_hold_squares_and_can_be_undone(image):
    cut = tiles(image, 2)
    assert cut.shape == (3, 2, 12)
    np.testing.assert_array_equal(cut[1, 0], image[2:4, 0:2].reshape(-1))
    np.testing.assert_array_equal(untile(cut, 2), image)


def test_pooling_is_a_mean_and_upsampling_repeats(image):
    pooled = mean_pool(image, 2)
    np.testing.assert_allclose(pooled[2, 1], image[4:6, 2:4].mean((0, 1)), rtol=1e-6)
    np.testing.assert_array_equal(
        upsample(pooled, 2)[4:6, 2:4], np.broadcast_to(pooled[2, 1], (2, 2, 3))
    )


def test_a_convolution_against_the_direct_sum(image):
    layer = PixelLinear(3, 5, size=3, key=jax.random.key(0))
    weight, x = (
        np.asarray(layer.weight).reshape(3, 3, 3, 5),
        np.pad(np.asarray(image), ((1, 1), (1, 1), (0, 0))),
    )
    direct = np.zeros((6, 4, 5))
    for i in range(6):
        for j in range(4):
            direct[i, j] = np.einsum("abc,abco->o", x[i : i + 3, j : j + 3], weight)
    np.testing.assert_allclose(layer(image), direct, atol=1e-5)


def test_bumps_sum_to_one_and_peak_at_their_times():
    for n in (1, 2, 10):
        g = np.stack([bumps(jnp.asarray(k / max(n - 1, 1), jnp.float32), n) for k in range(n)])
        np.testing.assert_allclose(g.sum(1), 1, rtol=1e-6)
        np.testing.assert_array_equal(g.argmax(1), np.arange(n))


@pytest.mark.parametrize("kind", [MultiscaleNetwork, UNet])
def test_sizes_that_do_not_fit_are_refused(kind):
    with pytest.raises(
        ValueError, match="33 features are not a whole number of planes of 4 x 4 pixels"
    ):
        kind(33, 32, height=4, width=4, key=jax.random.key(0))
    if kind is MultiscaleNetwork:
        with pytest.raises(ValueError, match="an image of 6 x 6 pixels cannot be shrunk by 4"):
            kind(72, 72, height=6, width=6, key=jax.random.key(0))
        with pytest.raises(ValueError, match="sees nothing"):
            kind(32, 32, height=4, width=4, channels=0, key=jax.random.key(0))


@pytest.mark.parametrize("pixel_planes", [0, 3])
def test_a_padded_image_is_the_larger_one_with_zeros_at_its_ends(rng, pixel_planes):
    """Weights know no size, so those of 4 x 4 pixels serve 3 x 2."""
    sizes = {"channels": 4, "pixel_planes": pixel_planes, "key": jax.random.key(0)}
    large = randomised(UNet(16, 16, height=4, width=4, **sizes), 1)
    small = UNet(6, 6, height=3, width=2, **sizes)
    small = jax.tree.unflatten(jax.tree.structure(small), jax.tree.leaves(large))
    x, time = rng.standard_normal((3, 2)).astype(np.float32), jnp.asarray(0.4)
    padded = jnp.asarray(np.pad(x, ((0, 1), (0, 2))).reshape(-1))
    out = np.asarray(large(padded, time)).reshape(4, 4)[:3, :2]
    np.testing.assert_allclose(
        np.asarray(small(jnp.asarray(x.reshape(-1)), time)).reshape(3, 2), out, atol=1e-5
    )


class Doubled(AbstractNetwork):
    """Twice its features: shows what a wrapper hands over."""

    n_features: int = 6
    n_outputs: int = 6

    def __call__(self, features, time, *, key=None):
        return features * jnp.asarray([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])


def test_states_are_handed_over_as_planes_and_back():
    """Three columns of two states: the planes are all first states, then all second ones."""
    network = InterleavedNetwork(Doubled(), 2)
    out = network(jnp.asarray([1.0, 10.0, 2.0, 20.0, 3.0, 30.0]), jnp.asarray(0.5))
    np.testing.assert_array_equal(out, [1.0, 20.0, 2.0, 40.0, 3.0, 60.0])


@pytest.mark.parametrize("dense", [0, 8])
def test_the_far_corner_is_seen_where_there_is_a_dense_path(dense):
    network = UNet(
        576, 576, height=24, width=24, channels=4, tile=1, dense=dense, key=jax.random.key(0)
    )
    network = randomised(network, 0)
    x = jnp.asarray(np.random.default_rng(1).standard_normal(576), jnp.float32)
    of_corner = jax.grad(lambda pixels: network(pixels, jnp.asarray(0.5))[0])(x).reshape(24, 24)
    assert (np.abs(of_corner[18:, 18:]).max() > 1e-6) == (dense > 0)
    assert np.abs(of_corner[:2, :2]).min() > 0
