"""Images inside a network: planes of pixels, and convolutions as patch extraction and one matrix
product.

A row of an image block lists its cells plane by plane (channel, height, width), so the features and
the raw outputs of a Gaussian block are planes of the same size: `[planes * H * W]` outside, `[H, W,
planes]` inside. XLA's own convolution runs many times slower inside a scan on a CPU than outside of
it; a matrix product does not.
"""

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.typing import Array, Float, Key


def to_pixels(flat: Float[Array, " n"], height: int, width: int) -> Float[Array, "H W planes"]:
    """Planes one after the other, as pixels."""
    return jnp.moveaxis(flat.reshape(-1, height, width), 0, -1)


def to_planes(pixels: Float[Array, "H W planes"]) -> Float[Array, " planes*H*W"]:
    """Inverse of `to_pixels`."""
    return jnp.moveaxis(pixels, -1, 0).reshape(-1)


def neighbourhoods(x: Float[Array, "H W C"], size: int) -> Float[Array, "H W {size}*{size}*C"]:
    """The size x size pixels around every pixel (size odd), 0 beyond the edge."""
    reach, (height, width, _) = size // 2, x.shape
    padded = jnp.pad(x, ((reach, reach), (reach, reach), (0, 0)))
    return jnp.concatenate(
        [padded[i : i + height, j : j + width] for i in range(size) for j in range(size)], axis=-1
    )


def tiles(
    x: Float[Array, "H W C"], size: int
) -> Float[Array, "H//{size} W//{size} {size}*{size}*C"]:
    """Non-overlapping size x size squares, each as one pixel."""
    height, width, channels = x.shape
    cut = x.reshape(height // size, size, width // size, size, channels).swapaxes(1, 2)
    return cut.reshape(height // size, width // size, size * size * channels)


def untile(x: Float[Array, "h w squares"], size: int) -> Float[Array, "h*{size} w*{size} C"]:
    """Inverse of `tiles`."""
    height, width, channels = x.shape
    cut = x.reshape(height, width, size, size, channels // size**2).swapaxes(1, 2)
    return cut.reshape(height * size, width * size, channels // size**2)


def mean_pool(x: Float[Array, "H W C"], size: int) -> Float[Array, "H//{size} W//{size} C"]:
    """Means of size x size squares."""
    height, width, channels = x.shape
    return x.reshape(height // size, size, width // size, size, channels).mean(axis=(1, 3))


def upsample(x: Float[Array, "h w C"], size: int) -> Float[Array, "h*{size} w*{size} C"]:
    """Every pixel repeated as a size x size square."""
    height, width, channels = x.shape
    spread = jnp.broadcast_to(x[:, None, :, None, :], (height, size, width, size, channels))
    return spread.reshape(height * size, width * size, channels)


class PixelLinear(eqx.Module):
    """The same affine map at every pixel, of its size x size neighbourhood: a convolution.

    Args:
        n_in: number of planes of the input.
        n_out: number of planes of the output.
        size: side of the square filter, pixels, odd (default 1).
        key: random key of the N(0, 1/fan-in) weights; None starts them at 0.
    """

    weight: Float[Array, "fan_in out"]
    bias: Float[Array, " out"]
    size: int = eqx.field(static=True)

    def __init__(self, n_in: int, n_out: int, *, size: int = 1, key: Key | None) -> None:
        fan_in = size * size * n_in
        shape = (fan_in, n_out)
        self.weight = (
            jnp.zeros(shape) if key is None else jax.random.normal(key, shape) * fan_in**-0.5
        )
        self.bias, self.size = jnp.zeros(n_out), size

    def __call__(self, x: Float[Array, "H W C"]) -> Float[Array, "H W out"]:
        return neighbourhoods(x, self.size) @ self.weight + self.bias[None, None]


def planes_of(n: int, height: int, width: int, *, what: str) -> int:
    """How many H x W planes n numbers are.

    Raises:
        ValueError: not a whole number of planes.
    """
    if n % (height * width):
        raise ValueError(
            f"{n} {what} are not a whole number of planes of {height} x {width} pixels"
        )
    return n // (height * width)


def require_divisible(height: int, width: int, factor: int) -> None:
    """Both sides must be multiples of what the image is shrunk by.

    Raises:
        ValueError: they are not.
    """
    if height % factor or width % factor:
        raise ValueError(
            f"an image of {height} x {width} pixels cannot be shrunk by {factor} without a "
            "remainder"
        )
