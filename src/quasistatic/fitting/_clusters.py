"""The mixture of products (`_em.py`) that trainings are measured against, its size chosen by
held-out rows.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.data.cells import EncodedTable
from quasistatic.data.codec import Codec, fit_and_encode
from quasistatic.data.columns.transform import Choice
from quasistatic.data.schema import Schema
from quasistatic.data.table import Table
from quasistatic.distribution import Categorical, Mixture, Normal, Product
from quasistatic.fitting._em import Cluster, Sample, fit_mixture, log_density
from quasistatic.fitting._folds import Folds
from quasistatic.numerics import LOG_ZERO

SIZES = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
"""Numbers of components that are tried, in this order, up to the third that gains nothing."""
ATTEMPTS = 3
"""Starts of the estimation on a small table, of which the likeliest is kept."""
FEW_ROWS = 2000
"""Up to here `ATTEMPTS` are made."""
MANY_ROWS = 10_000
"""Rows that the estimation uses, at most."""
BASELINE = 16
"""The one size that a diffusion on more than `FEW_ROWS` rows is measured against, with so many of
them: all sizes and all rows would take long for a comparison that a trained network seldom
loses there."""


class Size(NamedTuple):
    """The size of a mixture, and what it reaches.

    Args:
        components: number C of components.
        by_fold: mean log p of the held-out rows of each fold, nats per row in the data's units.
    """

    components: int
    by_fold: tuple[float, ...]

    @property
    def held_out_nats(self) -> float:
        """Mean over the folds, nats per row."""
        return float(np.mean(self.by_fold))


def best_size(
    table: Table,
    schema: Schema,
    transform: Choice,
    folds: Folds,
    *,
    seed: int,
    components: int | None = None,
    most_rows: int = MANY_ROWS,
) -> Size:
    """The size of the mixture with the best mean log p of the held-out rows.

    Args:
        table: table of all rows of the fit.
        schema: schema of the columns.
        transform: kind of the transform of numbers.
        folds: parts of the rows, each of which is held out in turn.
        seed: seed of the estimation.
        components: the one size to judge; None (default) tries `SIZES`.
        most_rows: number of rows that are estimated from, at most (default `MANY_ROWS`).
    """
    parts = []
    for rest, held_out in zip(folds.rests, folds.held_out, strict=True):
        codec, encoded = fit_and_encode(table.take(rest), schema, transform)
        judged = codec.encode(table.take(held_out))
        parts.append((_sample(encoded, codec), _sample(judged, codec), judged.log_volume))
    best, worse = Size(SIZES[0], (-np.inf,)), 0
    for size in SIZES if components is None else (components,):
        reached = []
        for train, judged, log_volume in parts:
            cluster = _likeliest(train, size, seed, most_rows)
            reached.append(float(np.mean(log_density(judged, cluster) + log_volume)))
        found = Size(size, tuple(reached))
        best, worse = (found, 0) if found.held_out_nats > best.held_out_nats else (best, worse + 1)
        if worse == 3:
            break
    return best


def estimate(encoded: EncodedTable, codec: Codec, n: int, seed: int) -> tuple[Mixture, float]:
    """The mixture of n products of some rows, and their mean log p in the data's units, nats.

    Args:
        encoded: rows to estimate it from.
        codec: codec of the rows.
        n: number of components.
        seed: seed of the estimation.
    """
    sample = _sample(encoded, codec)
    cluster = _likeliest(sample, n, seed)
    nats = float(np.mean(log_density(sample, cluster) + encoded.log_volume))
    return _mixture(cluster, list(codec.n_states)), nats


def clustered_start(
    encoded: EncodedTable, codec: Codec, clusters: int, components: int, seed: int
) -> Mixture:
    """The mixture of some rows that a training starts from: of `clusters` products, each once or
    several times among the components.

    Args:
        encoded: rows to estimate it from.
        codec: codec of the rows.
        clusters: number of products, `components` at most.
        components: number of components.
        seed: seed of the estimation.
    """
    found, _ = estimate(encoded, codec, clusters, seed)
    which = np.arange(components) % clusters
    repeated = jax.tree.map(lambda x: x[which], found)
    copies = np.bincount(which)[which]
    return Mixture(repeated.log_weights - _array(np.log(copies)), repeated.components)


def _sample(encoded: EncodedTable, codec: Codec) -> Sample:
    return Sample.of(encoded.rows, list(codec.n_states))


def _likeliest(sample: Sample, n: int, seed: int, most_rows: int = MANY_ROWS) -> Cluster:
    n_rows = len(sample.value)
    if n_rows > most_rows:
        chosen = np.random.default_rng(seed).choice(n_rows, most_rows, replace=False)
        sample, n_rows = sample.take(chosen), most_rows
    attempts = ATTEMPTS if n_rows <= FEW_ROWS and n > 1 else 1
    found = [fit_mixture(sample, n, seed=seed + 1000 * i) for i in range(attempts)]
    return max(found, key=lambda cluster: float(np.mean(log_density(sample, cluster))))


def _mixture(cluster: Cluster, n_states: list[int]) -> Mixture:
    """The distribution with these parameters, the discrete columns padded to one number of
    states.
    """
    parts = []
    if cluster.mean.shape[1]:
        parts.append(jax.vmap(Normal)(_array(cluster.mean), _array(cluster.log_variance)))
    if n_states:
        ends = np.cumsum([0, *n_states])
        table = np.full((len(cluster.mean), len(n_states), max(n_states)), LOG_ZERO)
        for d, n in enumerate(n_states):
            table[:, d, :n] = cluster.log_probs[:, ends[d] : ends[d + 1]]
        parts.append(jax.vmap(Categorical)(_array(table)))
    return Mixture(_array(cluster.log_weights), Product(tuple(parts)))


def _array(x: np.ndarray) -> jax.Array:
    return jnp.asarray(x, jnp.float32)
