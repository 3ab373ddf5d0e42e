r"""Fourier features of numbers: what lets a perceptron see fine structure in a column (peaks,
edges, repeated values).

A perceptron learns functions that vary slowly in its inputs long before those that vary fast
(Tancik et al. 2020); a density needs the fast ones as well (Kingma et al. 2021, who feed sines of
x_t to the networks of images). A sine that is finer than the noise in x_t tells nothing and invites
the network to learn the noise by heart, so each has the size that noise leaves of it:

    E sin(omega y) = exp(-omega^2 b^2 / 2) sin(omega x),   y ~ N(x, b^2)

(Barron et al. 2021), with b the noise at step t. At t = T little more than the slowest is left;
towards the data one octave after the other appears.
"""

import jax.numpy as jnp

from quasistatic.typing import Array, Float

__all__ = ["OCTAVES", "fourier_features"]

OCTAVES = 6
"""Frequencies by default: of numbers of unit variance the finest wave is a fifth of a standard
deviation long."""


def fourier_features(
    x: Float[Array, " D"], log_noise: Float[Array, " D"], n_frequencies: int
) -> Float[Array, " features"]:
    """`exp(-omega^2 b^2 / 2) [sin(omega x), cos(omega x)]` for omega = 1, 2, 4, ...

    Args:
        x: numbers [D], about standard normal.
        log_noise: log b^2, [D], the variance of the noise in the numbers.
        n_frequencies: number K of octaves.

    Returns:
        2 K D features, frequency after frequency.
    """
    omega = 2.0 ** jnp.arange(n_frequencies, dtype=jnp.float32)
    left = jnp.exp(-0.5 * jnp.outer(jnp.square(omega), jnp.exp(log_noise)))
    angle = jnp.outer(omega, x)
    return jnp.stack([left * jnp.sin(angle), left * jnp.cos(angle)], axis=1).reshape(-1)
