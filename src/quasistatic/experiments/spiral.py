r"""The Swiss roll as a distribution: a spiral with Gaussian noise, its exact density and its exact
entropy.

    theta ~ U(3 pi / 2, 9 pi / 2),   x = theta (cos theta, sin theta) + NOISE e,   e ~ N(0, I),
    z = (x - E x) / scale,

with one scale for both coordinates, `scale^2 = tr Cov(x) / 2`: the paper scales its data to unit
variance by one constant. (The paper does not state its generator; this is scikit-learn's spiral
without the axis of the roll, theta instead of the arc uniform.)

The density is an integral over theta alone, done by the trapezoidal rule with nodes much closer
than the noise, and

    -H = E log p(z) = E_theta E_e log p(z(theta, e)),

by Gauss-Legendre quadrature over theta and Gauss-Hermite over e. NOISE is chosen so that -H = 1.40
bits per row.
"""

import numpy as np

LOW, HIGH = 1.5 * np.pi, 4.5 * np.pi
NOISE = 0.04934
NEGATIVE_ENTROPY_BITS = 1.4003
"""-H in bits per row, by `negative_entropy_nats`; the tests compute it again."""

_NODES = 4001


def _curve(theta: np.ndarray) -> np.ndarray:
    return theta[:, None] * np.stack([np.cos(theta), np.sin(theta)], axis=1)


def _moments() -> tuple[np.ndarray, float]:
    theta, weight = _trapezoid()
    x = _curve(theta)
    mean = weight @ x
    return mean, float(np.sqrt(np.sum(weight @ np.square(x - mean)) / 2 + NOISE**2))


def _trapezoid() -> tuple[np.ndarray, np.ndarray]:
    theta, weight = np.linspace(LOW, HIGH, _NODES), np.ones(_NODES)
    weight[[0, -1]] = 0.5
    return theta, weight / weight.sum()


def sample(n: int, seed: int) -> np.ndarray:
    """n rows z, float64 `[n, 2]`."""
    rng = np.random.default_rng(seed)
    mean, scale = _moments()
    x = _curve(rng.uniform(LOW, HIGH, n)) + NOISE * rng.standard_normal((n, 2))
    return (x - mean) / scale


def log_density(z: np.ndarray) -> np.ndarray:
    """log p of rows `[N, 2]`, nats `[N]`."""
    theta, weight = _trapezoid()
    mean, scale = _moments()
    nodes, x = _curve(theta), np.asarray(z, np.float64) * scale + mean
    constant = 2 * np.log(scale) - np.log(2 * np.pi * NOISE**2)
    found = np.empty(len(x))
    for begin in range(0, len(x), 512):
        part = x[begin : begin + 512]
        squared = np.sum(part**2, 1)[:, None] - 2 * part @ nodes.T + np.sum(nodes**2, 1)
        exponent = np.log(weight) - np.maximum(squared, 0) / (2 * NOISE**2)
        highest = exponent.max(axis=1, keepdims=True)
        found[begin : begin + 512] = highest[:, 0] + np.log(
            np.sum(np.exp(exponent - highest), axis=1)
        )
    return found + constant


def negative_entropy_nats(n_theta: int = 200, n_noise: int = 12) -> float:
    """-H in nats per row."""
    node, weight = np.polynomial.legendre.leggauss(n_theta)
    error, error_weight = np.polynomial.hermite_e.hermegauss(n_noise)
    error_weight = error_weight / error_weight.sum()
    mean, scale = _moments()
    curve = _curve(0.5 * (HIGH - LOW) * node + 0.5 * (HIGH + LOW))
    noise = np.stack(np.meshgrid(error, error), axis=-1).reshape(-1, 2)
    noise_weight = np.outer(error_weight, error_weight).reshape(-1)
    z = (curve[:, None] + NOISE * noise - mean) / scale
    values = log_density(z.reshape(-1, 2)).reshape(n_theta, -1)
    return float(0.5 * weight @ values @ noise_weight)
