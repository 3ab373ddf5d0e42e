"""The last layer of a U-Net that answers for the C components of a mixture, with one latent class
for the whole image.
"""

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.network._linear import random_linear
from quasistatic.network._planes import PixelLinear
from quasistatic.typing import Array, Float, Key

__all__ = ["RANK", "ImageComponents", "WholeImage"]

RANK = 8
"""Units that each component of a mixture has to itself, at every pixel."""


class WholeImage(eqx.Module):
    """`A silu(E s)`: what all pixels are told of the image, where s lists `PLANES` planes of all
    coarse pixels, an affine map of each, and silu(E s) is a code of `CODE` numbers.

    A class is of the whole image, and what a pixel is in it depends on pixels that no convolution
    reaches.

    Args:
        channels: number of planes of the coarse level.
        n_pixels: number of pixels of the coarse level.
        n_outputs: length of the output.
        key: random key of the initial weights.
    """

    PLANES = 4
    CODE = 64

    squeeze: PixelLinear
    encode: eqx.nn.Linear
    tell: eqx.nn.Linear

    def __init__(self, channels: int, n_pixels: int, n_outputs: int, *, key: Key) -> None:
        k1, k2, k3 = jax.random.split(key, 3)
        self.squeeze = PixelLinear(channels, self.PLANES, key=k1)
        self.encode = random_linear(n_pixels * self.PLANES, self.CODE, key=k2)
        self.tell = random_linear(self.CODE, n_outputs, key=k3)

    def __call__(self, coarse: Float[Array, "h w C"]) -> Float[Array, " told"]:
        return self.tell(jax.nn.silu(self.encode(self.squeeze(coarse).reshape(-1))))


class ImageComponents(eqx.Module):
    """At each of N pixels i of every component k the departure of its parameters, and for all
    pixels that of its log-weight:

        g_k(i) = silu(B_k h(i) + A_k z + b_k(i)),
        V g_k(i) + W h(i) + c,    N^(-1/2) sum_i u g_k(i),

    V, W and u shared by all components, z the code of the coarse level (`WholeImage`), b_k(i) a
    bias of the place. V, W, u, c and b start at 0 and so does the output; B and A are random, so
    that components part as soon as V and u are no longer 0.

    Args:
        channels: number of planes of h; the coarse level has twice as many.
        n_planes: number of planes of the parameters.
        components: number C of components.
        rank: length of g_k.
        height: height of h, pixels, even.
        width: width of h, pixels, even.
        key: random key of B and A.
    """

    hidden: PixelLinear
    place: Float[Array, "H W CR"]
    whole: WholeImage
    each: PixelLinear
    shared: PixelLinear
    components: int = eqx.field(static=True)

    def __init__(
        self,
        channels: int,
        n_planes: int,
        components: int,
        rank: int,
        *,
        height: int,
        width: int,
        key: Key,
    ) -> None:
        hidden_key, whole_key = jax.random.split(key)
        n_hidden, n_coarse = components * rank, height * width // 4
        self.hidden = PixelLinear(channels, n_hidden, key=hidden_key)
        self.place = jnp.zeros((height, width, n_hidden))
        self.whole = WholeImage(2 * channels, n_coarse, n_hidden, key=whole_key)
        self.each = PixelLinear(rank, n_planes + 1, key=None)
        self.shared = PixelLinear(channels, n_planes, key=None)
        self.components = components

    def __call__(
        self, h: Float[Array, "H W channels"], coarse: Float[Array, "h w coarse"]
    ) -> tuple[Float[Array, "C H W planes"], Float[Array, " C"]]:
        """The parameters and the log-weights.

        Args:
            h: fine level.
            coarse: coarse level, a pixel for 2 x 2 of the fine one.
        """
        height, width, _ = h.shape
        g = jax.nn.silu(self.hidden(h) + self.place + self.whole(coarse)[None, None])
        g = g.reshape(height * width, self.components, -1).swapaxes(0, 1)
        found = self.each(g).reshape(self.components, height, width, -1)
        # As large as the part of one pixel, where those of N pixels are independent.
        log_weights = jnp.sum(found[..., -1], axis=(1, 2)) * (height * width) ** -0.5
        return found[..., :-1] + self.shared(h)[None], log_weights
