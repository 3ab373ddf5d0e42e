"""A small U-Net: residual convolutions on two resolutions, modulated by the time."""

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.network._embed import TIME_FEATURES, time_embedding
from quasistatic.network._linear import random_linear, zero_linear
from quasistatic.network._planes import (
    PixelLinear,
    planes_of,
    tiles,
    to_pixels,
    to_planes,
    untile,
)
from quasistatic.network.base import AbstractNetwork
from quasistatic.network.image_components import RANK, ImageComponents
from quasistatic.typing import Array, Float, Key

__all__ = ["PIXEL_PLANES", "DenseBlock", "ImageBlock", "UNet"]

PIXEL_PLANES = 8
"""`pixel_planes` where a pixel is seen through waves, which are dozens of features."""


def _normalise_pixels(h: Float[Array, "H W C"]) -> Float[Array, "H W C"]:
    """Zero mean, unit variance over the planes of each pixel."""
    centred = h - jnp.mean(h, axis=-1, keepdims=True)
    return centred * jax.lax.rsqrt(jnp.mean(jnp.square(centred), axis=-1, keepdims=True) + 1e-6)


def _modulated(
    h: Float[Array, "H W C"], modulation: eqx.nn.Linear, time: Float[Array, " embedding"]
) -> Float[Array, "H W C"]:
    """The normalised pixels, each plane scaled and shifted by the time."""
    scale, shift = jnp.split(modulation(time)[None, None], 2, axis=-1)
    return _normalise_pixels(h) * (1.0 + scale) + shift


class ImageBlock(eqx.Module):
    """`h + W2 silu(W1 * modulated(h))`: a 3 x 3 convolution between a modulated normalisation and a
    1 x 1 layer.
    """

    modulation: eqx.nn.Linear
    convolve: PixelLinear
    contract: PixelLinear

    def __init__(self, channels: int, *, key: Key) -> None:
        k1, k2 = jax.random.split(key)
        self.modulation = zero_linear(TIME_FEATURES, 2 * channels)
        self.convolve = PixelLinear(channels, channels, size=3, key=k1)
        self.contract = PixelLinear(channels, channels, key=k2)

    def __call__(
        self, h: Float[Array, "H W C"], time: Float[Array, " embedding"]
    ) -> Float[Array, "H W C"]:
        return h + self.contract(jax.nn.silu(self.convolve(_modulated(h, self.modulation, time))))


class DenseBlock(eqx.Module):
    """`h + W4 W3 silu(W2 W1 modulated(h))`: every pixel sees every other, through a perceptron on a
    few planes of all pixels at once.

    W1 and W4 are 1 x 1 layers to `PLANES` planes and back; W2 and W3 the paper's dense path, on the
    coarse level.
    """

    PLANES = 16

    modulation: eqx.nn.Linear
    squeeze: PixelLinear
    expand: eqx.nn.Linear
    contract: eqx.nn.Linear
    spread: PixelLinear

    def __init__(self, channels: int, n_pixels: int, hidden: int, *, key: Key) -> None:
        k1, k2, k3, k4 = jax.random.split(key, 4)
        self.modulation = zero_linear(TIME_FEATURES, 2 * channels)
        self.squeeze = PixelLinear(channels, self.PLANES, key=k1)
        self.expand = random_linear(n_pixels * self.PLANES, hidden, key=k2)
        self.contract = random_linear(hidden, n_pixels * self.PLANES, key=k3)
        self.spread = PixelLinear(self.PLANES, channels, key=k4)

    def __call__(
        self, h: Float[Array, "H W C"], time: Float[Array, " embedding"]
    ) -> Float[Array, "H W C"]:
        planes = self.squeeze(_modulated(h, self.modulation, time))
        mixed = self.contract(jax.nn.silu(self.expand(planes.reshape(-1))))
        return h + self.spread(mixed.reshape(planes.shape))


class UNet(AbstractNetwork):
    """Tiles of `tile` x `tile` pixels, blocks on them, blocks on 2 x 2 of them with twice the
    planes, blocks on them again.

    The path through the coarse level is added to the fine one. An image whose sides are no
    multiples of 2 `tile` is padded with zeros, which is also what the network is told of a pixel
    that is not there.

    Args:
        n_features: length of the input, planes of height x width pixels.
        n_outputs: length of the output, planes of height x width pixels.
        height: height of the image, pixels.
        width: width of the image, pixels.
        channels: number of planes of the fine level (default 48).
        depth: number of blocks on the fine level before the coarse one, and after it (default 1).
        coarse_depth: number of blocks on the coarse level; None (default) for `depth`.
        tile: side of the squares that are one pixel inside, pixels (default 2); 1 works on the
            pixels themselves.
        dense: number of hidden units of the dense blocks behind each coarse one, for images whose
            far ends belong together; 0 (default) leaves them out.
        dense_depth: number of dense blocks behind each coarse one (default 1).
        pixel_planes: number of planes that an affine map in front, at every pixel by itself, makes
            of its features. Where they are many (waves), the 3 x 3 squares of tiles behind it stay
            small; 0 (default) leaves it out.
        components: number of components of a mixture that the outputs are of
            (`image_components.ImageComponents`): of each its planes, then its log-weight; 1
            (default) for a product.
        rank: number of units that each component has to itself, at every pixel (default 8).
        key: random key of the initial weights.
    """

    pixel: PixelLinear | None
    stem: PixelLinear
    before: tuple[ImageBlock, ...]
    down: PixelLinear
    coarse: tuple[ImageBlock | DenseBlock, ...]
    up: PixelLinear
    after: tuple[ImageBlock, ...]
    readout: PixelLinear | ImageComponents
    height: int = eqx.field(static=True)
    width: int = eqx.field(static=True)
    tile: int = eqx.field(static=True)
    n_features: int = eqx.field(static=True)
    n_outputs: int = eqx.field(static=True)

    def __init__(
        self,
        n_features: int,
        n_outputs: int,
        *,
        height: int,
        width: int,
        channels: int = 48,
        depth: int = 1,
        coarse_depth: int | None = None,
        tile: int = 2,
        dense: int = 0,
        dense_depth: int = 1,
        pixel_planes: int = 0,
        components: int = 1,
        rank: int = RANK,
        key: Key,
    ) -> None:
        planes_in = planes_of(n_features, height, width, what="features")
        n_each = n_outputs if components == 1 else n_outputs // components - 1
        planes_out = planes_of(n_each, height, width, what="outputs")
        ends, blocks = jax.random.split(key)
        stem_key, down_key, up_key = jax.random.split(ends, 3)
        self.pixel = (
            PixelLinear(planes_in, pixel_planes, key=jax.random.fold_in(stem_key, 1))
            if pixel_planes
            else None
        )
        before_key, coarse_key, after_key = jax.random.split(blocks, 3)
        self.stem = PixelLinear(
            (pixel_planes or planes_in) * tile**2, channels, size=3, key=stem_key
        )
        self.before = tuple(
            ImageBlock(channels, key=k) for k in jax.random.split(before_key, depth)
        )
        self.down = PixelLinear(4 * channels, 2 * channels, key=down_key)
        coarse_height, coarse_width = -(-height // (2 * tile)), -(-width // (2 * tile))
        n_coarse = coarse_height * coarse_width
        coarse: list[ImageBlock | DenseBlock] = []
        for k in jax.random.split(coarse_key, depth if coarse_depth is None else coarse_depth):
            image_key, *dense_keys = jax.random.split(k, 1 + (dense_depth if dense else 0))
            coarse.append(ImageBlock(2 * channels, key=image_key))
            coarse += [
                DenseBlock(2 * channels, n_coarse, dense, key=dense_key) for dense_key in dense_keys
            ]
        self.coarse = tuple(coarse)
        self.up = PixelLinear(2 * channels, 4 * channels, key=up_key)
        self.after = tuple(ImageBlock(channels, key=k) for k in jax.random.split(after_key, depth))
        self.readout = (
            ImageComponents(
                channels,
                planes_out * tile**2,
                components,
                rank,
                height=2 * coarse_height,
                width=2 * coarse_width,
                key=jax.random.fold_in(stem_key, 2),
            )
            if components > 1
            else PixelLinear(channels, planes_out * tile**2, key=None)
        )
        self.height, self.width, self.tile = height, width, tile
        self.n_features, self.n_outputs = n_features, n_outputs

    def __call__(
        self, features: Float[Array, " F"], time: Float[Array, ""], *, key: Key | None = None
    ) -> Float[Array, " P"]:
        embedding = time_embedding(time)
        x = to_pixels(features, self.height, self.width)
        below, right = (-side % (2 * self.tile) for side in (self.height, self.width))
        x = jnp.pad(x, ((0, below), (0, right), (0, 0)))
        if self.pixel is not None:
            x = self.pixel(x)
        h = self.stem(tiles(x, self.tile))
        for block in self.before:
            h = block(h, embedding)
        g = self.down(tiles(h, 2))
        for block in self.coarse:
            g = block(g, embedding)
        h = h + untile(self.up(g), 2)
        for block in self.after:
            h = block(h, embedding)
        h = _normalise_pixels(h)
        if isinstance(self.readout, PixelLinear):
            return self._planes(self.readout(h))
        parameters, log_weights = self.readout(h, _normalise_pixels(g))
        each = jax.vmap(self._planes)(parameters)
        return jnp.concatenate([each, log_weights[:, None]], axis=1).reshape(-1)

    def _planes(self, found: Float[Array, "h w squares"]) -> Float[Array, " P"]:
        """Planes of the image, from the squares of its tiles."""
        return to_planes(untile(found, self.tile)[: self.height, : self.width])
