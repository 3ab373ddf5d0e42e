"""Pixels and planes: each rearrangement against its definition, the convolution against a direct sum."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from quasistatic.network import MultiscaleNetwork, UNet
from quasistatic.network.multiscale import bumps
from quasistatic.network.planes import PixelLinear, mean_pool, tiles, to_pixels, to_planes, untile, upsample


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
    np.testing.assert_array_equal(upsample(pooled, 2)[4:6, 2:4], np.broadcast_to(pooled[2, 1], (2, 2, 3)))


def test_a_convolution_against_the_direct_sum(image):
    layer = PixelLinear(3, 5, size=3, key=jax.random.key(0))
    weight, x = np.asarray(layer.weight).reshape(3, 3, 3, 5), np.pad(np.asarray(image), ((1, 1), (1, 1), (0, 0)))
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
    with pytest.raises(ValueError, match="33 features are not a whole number of planes of 4 x 4 pixels"):
        kind(33, 32, height=4, width=4, key=jax.random.key(0))
    with pytest.raises(ValueError, match="an image of 6 x 6 pixels cannot be shrunk by 4"):
        kind(72, 72, height=6, width=6, key=jax.random.key(0))
    if kind is MultiscaleNetwork:
        with pytest.raises(ValueError, match="sees nothing"):
            kind(32, 32, height=4, width=4, channels=0, key=jax.random.key(0))
