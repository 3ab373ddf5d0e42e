"""The mixture of products (`_em.py`) that trainings are measured against, its size chosen by
held-out rows.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from quasistatic.data.cells import EncodedTable
from quasistatic.data.codec import Codec
from quasistatic.data.disk.cells import take_rows
from quasistatic.distribution import Categorical, Mixture, Normal, Product
from quasistatic.fitting._em import Cluster, Sample, fit_mixture, log_density, shares
from quasistatic.fitting._folds import Folds
from quasistatic.numerics import LOG_ZERO
from quasistatic.threads import side_by_side

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


_Encode = Callable[[np.ndarray, np.ndarray], tuple[Codec, EncodedTable, EncodedTable | None]]
_AT_ONCE = 2**16
"""Rows whose states are written out beside each other at once."""


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
        return self.on_first()

    def on_first(self, n_folds: int | None = None) -> float:
        """Mean over the first folds (default: all), nats per row."""
        return float(np.mean(self.by_fold[:n_folds]))


def best_size(
    encode: _Encode,
    folds: Folds,
    *,
    seed: int,
    components: int | None = None,
    most_rows: int = MANY_ROWS,
) -> Size:
    """The size of the mixture with the best mean log p of the held-out rows.

    Args:
        encode: function from the numbers of the rows that are estimated from and of those held out
            to their codec and to both of them encoded.
        folds: parts of the rows, each of which is held out in turn.
        seed: seed of the estimation.
        components: the one size to judge; None (default) tries `SIZES`.
        most_rows: number of rows that are estimated from, at most (default `MANY_ROWS`).
    """
    parts = []
    for rest, held_out in zip(folds.rests, folds.held_out, strict=True):
        codec, encoded, judged = encode(rest, held_out)
        assert judged is not None
        train = _sample(_some(encoded, seed, most_rows), codec)
        parts.append((train, _sample(judged, codec), judged.log_volume))

    def reached(part: tuple[Sample, Sample, np.ndarray], size: int) -> float:
        train, judged, log_volume = part
        cluster = _likeliest(train, size, seed)
        return float(np.mean(log_density(judged, cluster) + log_volume))

    best, worse = Size(SIZES[0], (-np.inf,)), 0
    for size in SIZES if components is None else (components,):
        tasks = [lambda tell, part=part, size=size: reached(part, size) for part in parts]
        found = Size(size, tuple(side_by_side(tasks)))
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
    cluster = _likeliest(_sample(_some(encoded, seed, MANY_ROWS), codec), n, seed)
    slices = (slice(begin, begin + _AT_ONCE) for begin in range(0, len(encoded), _AT_ONCE))
    found = [log_density(_sample(encoded.take(rows), codec), cluster) for rows in slices]
    nats = float(np.mean(np.concatenate(found) + encoded.log_volume))
    return _mixture(cluster, list(codec.n_states)), nats


def classes(
    encoded: EncodedTable, codec: Codec, n: int, seed: int
) -> tuple[Sample, np.ndarray, np.ndarray]:
    """Up to `FEW_ROWS` of the rows, the shares of n products of their mixture in each, `[N, C]`,
    and the means of the products, `[C, D]`.

    Args:
        encoded: rows to estimate it from.
        codec: codec of the rows.
        n: number of products.
        seed: seed of the estimation.
    """
    sample = _sample(_some(encoded, seed, FEW_ROWS), codec)
    cluster = fit_mixture(sample, n, seed=seed)
    return sample, shares(sample, cluster), cluster.mean


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
    repeated = jax.tree.map(lambda x: jax.device_put(np.asarray(x)[which]), found)
    copies = np.bincount(which)[which]
    return Mixture(_array(np.asarray(repeated.log_weights) - np.log(copies)), repeated.components)


def _sample(encoded: EncodedTable, codec: Codec) -> Sample:
    return Sample.of(encoded.rows, list(codec.n_states), codec.limits)


def _some(encoded: EncodedTable, seed: int, most_rows: int) -> EncodedTable:
    """The rows that are estimated from: all of a table that has no more than these."""
    if len(encoded) <= most_rows:
        return encoded
    rng = np.random.default_rng(seed)
    index = rng.choice(len(encoded), most_rows, replace=False)
    return EncodedTable(take_rows(encoded.rows, index), encoded.log_volume[index])


def _likeliest(sample: Sample, n: int, seed: int) -> Cluster:
    n_rows = len(sample.value)
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
    return jax.device_put(np.asarray(x, np.float32))
