r"""The paper's image network: multi-scale convolutions and a dense path side by side, with bump
functions of time (appendix D.2).

The layers never see the time. They give J numbers per pixel and output plane, and the time weighs
them:

    z_i(t) = sum_j y_ij g_j(t),
    g_j(t) = exp(-(t - tau_j)^2 / 2w^2) / sum_k exp(-(t - tau_k)^2 / 2w^2),

tau_j evenly spaced over the trajectory and w their distance.
"""

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.network._linear import random_linear
from quasistatic.network._planes import (
    PixelLinear,
    mean_pool,
    planes_of,
    require_divisible,
    to_pixels,
    to_planes,
    upsample,
)
from quasistatic.network.base import AbstractNetwork
from quasistatic.typing import Array, Float, Key

__all__ = ["MultiscaleConvolution", "MultiscaleNetwork", "bumps"]


def bumps(time: Float[Array, ""], n: int) -> Float[Array, " J"]:
    """The J bump functions g_j at `time` = t / T; they sum to 1.

    Example:
        >>> import jax.numpy as jnp
        >>> [round(float(g), 3) for g in bumps(jnp.asarray(0.0), 3)]
        [0.574, 0.348, 0.078]
    """
    centres = jnp.linspace(0.0, 1.0, n)
    return jax.nn.softmax(-0.5 * jnp.square((time - centres) * max(n - 1, 1)))


class MultiscaleConvolution(eqx.Module):
    """`softplus(sum_s upsample(convolve_s(mean_pool(x, 2^s))))`, each scale with filters of its
    own.

    Args:
        n_in: number of planes of the input.
        n_out: number of planes of the output.
        scales: number of scales, s = 0 .. scales - 1.
        size: side of the square filters, pixels, odd.
        key: random key of the initial weights.
    """

    filters: tuple[PixelLinear, ...]

    def __init__(self, n_in: int, n_out: int, *, scales: int, size: int, key: Key) -> None:
        self.filters = tuple(
            PixelLinear(n_in, n_out, size=size, key=k) for k in jax.random.split(key, scales)
        )

    def __call__(self, x: Float[Array, "H W C"]) -> Float[Array, "H W out"]:
        parts = [
            upsample(convolve(mean_pool(x, 2**s)), 2**s) for s, convolve in enumerate(self.filters)
        ]
        return jax.nn.softplus(sum(parts[1:], parts[0]))


class MultiscaleNetwork(AbstractNetwork):
    """Multi-scale convolutions in parallel with a dense path, two 1 x 1 layers over both, and the
    bumps.

    Args:
        n_features: length of the input, planes of height x width pixels.
        n_outputs: length of the output, planes of height x width pixels.
        height: height of the image, pixels.
        width: width of the image, pixels.
        channels: number of planes of each multi-scale layer (default 20); 0 leaves the convolutions
            out (the paper's network for MNIST).
        layers: number of multi-scale layers (default 3).
        scales: number of scales of each layer (default 3).
        dense: number of planes that the dense path gives; 0 (default) leaves it out.
        dense_width: number of units of each of the two hidden layers of the dense path (default
            256).
        n_bumps: number J of bumps (default 10).
        key: random key of the initial weights.
    """

    convolutions: tuple[MultiscaleConvolution, ...]
    dense: tuple[eqx.nn.Linear, ...]
    mix: PixelLinear
    readout: PixelLinear
    height: int = eqx.field(static=True)
    width: int = eqx.field(static=True)
    n_bumps: int = eqx.field(static=True)
    n_features: int = eqx.field(static=True)
    n_outputs: int = eqx.field(static=True)

    def __init__(
        self,
        n_features: int,
        n_outputs: int,
        *,
        height: int,
        width: int,
        channels: int = 20,
        layers: int = 3,
        scales: int = 3,
        dense: int = 0,
        dense_width: int = 256,
        n_bumps: int = 10,
        key: Key,
    ) -> None:
        if not channels and not dense:
            raise ValueError("a network without convolutions and without a dense path sees nothing")
        planes_in = planes_of(n_features, height, width, what="features")
        planes_out = planes_of(n_outputs, height, width, what="outputs")
        require_divisible(height, width, 2 ** (scales - 1) if channels else 1)
        convolution_key, dense_key, mix_key = jax.random.split(key, 3)
        widths = (planes_in, *(channels,) * layers) if channels else (planes_in,)
        self.convolutions = tuple(
            MultiscaleConvolution(a, b, scales=scales, size=3, key=k)
            for a, b, k in zip(
                widths[:-1],
                widths[1:],
                jax.random.split(convolution_key, len(widths))[1:],
                strict=True,
            )
        )
        sizes = (
            (n_features, dense_width, dense_width, dense * height * width)
            if dense
            else (n_features,)
        )
        self.dense = tuple(
            random_linear(a, b, key=k)
            for a, b, k in zip(
                sizes[:-1], sizes[1:], jax.random.split(dense_key, len(sizes))[1:], strict=True
            )
        )
        both = (channels if channels else 0) + dense
        self.mix = PixelLinear(both, both, key=mix_key)
        self.readout = PixelLinear(both, planes_out * n_bumps, key=None)
        self.height, self.width, self.n_bumps = height, width, n_bumps
        self.n_features, self.n_outputs = n_features, n_outputs

    def __call__(
        self, features: Float[Array, " F"], time: Float[Array, ""], *, key: Key | None = None
    ) -> Float[Array, " P"]:
        parts = []
        if self.convolutions:
            h = to_pixels(features, self.height, self.width)
            for layer in self.convolutions:
                h = layer(h)
            parts.append(h)
        if self.dense:
            g = features
            for layer in self.dense:
                g = jax.nn.softplus(layer(g))
            parts.append(to_pixels(g, self.height, self.width))
        y = self.readout(jnp.tanh(self.mix(jnp.concatenate(parts, axis=-1))))
        weighed = y.reshape(self.height, self.width, -1, self.n_bumps) @ bumps(time, self.n_bumps)
        return to_planes(weighed)
