r"""A small variational autoencoder: variational Bayes with a network for the posterior of every
row.

    z ~ N(0, I),  x_d ~ Bernoulli(sigmoid(f_d(z))),  q(z|x) = N(m(x), diag s(x)^2);
    log p(x) >= E_q log [p(z) p(x|z) / q(z|x)],

and with K draws the importance-weighted bound `log mean_k w_k`, which rises to log p(x) with K. The
density is normalised and rows are drawn exactly (z, then x); its value is a bound alone, below by
what q misses of the posterior. Source: Kingma and Welling (2014); Burda, Grosse and Salakhutdinov
(2016).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.numerics import log_mean_exp, log_normal_density
from quasistatic.rivals.adam import descend
from quasistatic.rivals.learning import as_bits
from quasistatic.typing import Array, Float, Key

__all__ = ["Autoencoder", "autoencoder", "bound", "decode", "fit", "log_prob_given", "sample"]


class Autoencoder(eqx.Module):
    """Encoder and decoder, each with one hidden layer.

    Args:
        encoder: affine maps of the encoder; the last gives m and log s^2, `[2 Z]`.
        decoder: affine maps of the decoder; the last gives the log-odds of the bits, `[D]`.
    """

    encoder: tuple[eqx.nn.Linear, eqx.nn.Linear]
    decoder: tuple[eqx.nn.Linear, eqx.nn.Linear]


def autoencoder(columns: int, latent: int, width: int, *, key: Key) -> Autoencoder:
    """The autoencoder before training.

    Args:
        columns: number of bits D.
        latent: number of latent numbers Z.
        width: width of the hidden layers.
        key: random key.
    """
    keys = jax.random.split(key, 4)
    return Autoencoder(
        (eqx.nn.Linear(columns, width, key=keys[0]), eqx.nn.Linear(width, 2 * latent, key=keys[1])),
        (eqx.nn.Linear(latent, width, key=keys[2]), eqx.nn.Linear(width, columns, key=keys[3])),
    )


def bound(model: Autoencoder, x: Float[Array, " D"], draws: int, *, key: Key) -> Float[Array, ""]:
    """The importance-weighted lower bound on log p(x), nats; the evidence bound with one draw.

    Args:
        model: autoencoder.
        x: row of bits.
        draws: number of draws K of z.
        key: random key.
    """
    mean, log_variance = jnp.split(_perceptron(model.encoder, 2.0 * x - 1.0), 2)
    noise = jax.random.normal(key, (draws, mean.shape[0]), x.dtype)

    def log_weight(noise: Array) -> Array:
        z = mean + jnp.exp(0.5 * log_variance) * noise
        zero = jnp.zeros_like(z)
        prior = jnp.sum(log_normal_density(z, zero, zero))
        posterior = jnp.sum(log_normal_density(z, mean, log_variance))
        return prior + log_prob_given(model, x, z) - posterior

    return log_mean_exp(jax.vmap(log_weight)(noise))


def log_prob_given(
    model: Autoencoder, x: Float[Array, " D"], z: Float[Array, " Z"]
) -> Float[Array, ""]:
    """log p(x | z), nats."""
    return jnp.sum(-jax.nn.softplus((1.0 - 2.0 * x) * decode(model, z)))


def decode(model: Autoencoder, z: Float[Array, " Z"]) -> Float[Array, " D"]:
    """Log-odds of the bits given z."""
    return _perceptron(model.decoder, z)


def fit(
    rows: np.ndarray,
    *,
    latent: int = 8,
    width: int = 64,
    draws: int = 5,
    updates: int = 5000,
    batch_size: int = 200,
    rate: float = 3e-3,
    seed: int = 0,
) -> Autoencoder:
    """The autoencoder after training.

    Args:
        rows: bits, `[N, D]`.
        latent: number of latent numbers (default 8).
        width: width of the hidden layers (default 64).
        draws: number of draws of z in the bound that is maximised (default 5).
        updates: number of updates (default 5000).
        batch_size: number of rows in an update (default 200).
        rate: learning rate at the beginning (default 3e-3).
        seed: seed of weights, batches and draws (default 0).
    """
    first, later = jax.random.split(jax.random.key(seed))
    data = jnp.asarray(as_bits(rows))
    start = autoencoder(data.shape[1], latent, width, key=first)
    return descend(_downhill, (draws, batch_size), updates, start, later, data, rate).average


def sample(model: Autoencoder, n: int, *, key: Key) -> Float[Array, "n D"]:
    """Exact samples.

    Args:
        model: autoencoder.
        n: number of rows.
        key: random key.
    """

    def row(key: Key) -> Array:
        first, later = jax.random.split(key)
        logits = decode(model, jax.random.normal(first, model.decoder[0].weight.shape[1:]))
        uniform = jax.random.uniform(later, logits.shape)
        return (uniform < jax.nn.sigmoid(logits)).astype(jnp.float32)

    return jax.vmap(row)(jax.random.split(key, n))


def _downhill(choices, model: Autoencoder, key: Key, rows: Array, n: Array):
    draws, batch_size = choices
    pick, noise = jax.random.split(jax.random.fold_in(key, n))
    batch = rows[jax.random.randint(pick, (batch_size,), 0, rows.shape[0])]
    keys = jax.random.split(noise, batch_size)

    def loss(model: Autoencoder) -> Array:
        return -jnp.mean(jax.vmap(lambda x, key: bound(model, x, draws, key=key))(batch, keys))

    return jax.grad(loss)(model), key


def _perceptron(layers: tuple[eqx.nn.Linear, eqx.nn.Linear], x: Array) -> Array:
    return layers[1](jax.nn.tanh(layers[0](x)))
