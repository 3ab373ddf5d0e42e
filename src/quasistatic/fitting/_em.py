r"""Expectation maximisation of a mixture of products,

    p(x) = sum_k w_k prod_j p_kj(x_j),

numbers N(mean, variance) of which a rounded value has the mass of its cell, categories a table of
probabilities; missing cells are summed out. NumPy, float64: seconds for ten thousand rows.

The estimates are maxima of the posterior (Dempster, Laird, Rubin 1977): `PRIOR_ROWS` rows of the
whole table's distribution are added to every component, so that none collapses onto a row.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr, logsumexp, softmax

from quasistatic.data.cells import Cells

__all__ = ["Cluster", "Sample", "fit_mixture", "log_density", "shares"]

PRIOR_ROWS = 1.0
"""Rows of the whole table's distribution that every component is given beside its own."""
NARROWEST = 0.1
"""Standard deviation of a component, in widths of the column's cells, at least."""
NARROWEST_DENSITY = 0.02
"""The same for a column with a density, in standard deviations of the column."""
_UNCUT_STEPS = 3
"""Steps towards the parameters of cut distributions in an iteration."""
_LEAST_INSIDE = 0.1
"""Mass of a distribution within its column's limits down to which its parameters are followed."""
MAX_ITERATIONS = 100
TOLERANCE = 1e-3
"""Gain of an iteration, nats a row, below which it is the last."""
_AT_ONCE = 2**17
"""Cells of all rows under some components that are held at once: 1 MB, which stays in a processor's
cache."""


class Sample(NamedTuple):
    """Rows for the estimation.

    Args:
        value: numbers, `[N, Dc]` in z.
        width: widths of their cells, `[N, Dc]`; 0 is a density.
        seen: which numbers are there, bool `[N, Dc]`.
        filler: which numbers stand for an atom and are drawn from N(0, 1), bool `[N, Dc]`.
        states: one-hot codes of the discrete columns beside each other, `[N, S]`; 0 where missing.
        columns: number of the discrete column of each of the S states, `[S]`.
        limits: limits of the numbers' z, `[2, Dc]`, infinite for none: the components are cut to
            them.
    """

    value: np.ndarray
    width: np.ndarray
    seen: np.ndarray
    filler: np.ndarray
    states: np.ndarray
    columns: np.ndarray
    limits: np.ndarray

    @classmethod
    def of(
        cls, rows: tuple[Cells, ...], n_states: list[int], limits: np.ndarray | None = None
    ) -> "Sample":
        """The rows of a table: the block of numbers, if there is one, then the discrete block, if
        it has columns.

        Args:
            rows: blocks of cells, `[N, D]` each.
            n_states: number of states of each discrete column.
            limits: limits of the numbers' z, `[2, Dc]`; None (default) for none.
        """
        *numbers, states = rows if n_states else (*rows, None)
        n_rows = len(rows[0].value)
        nothing = np.zeros((n_rows, 0))
        value, width, seen, filler = nothing, nothing, nothing.astype(bool), nothing.astype(bool)
        if numbers:
            (cells,) = numbers
            value, seen = np.asarray(cells.value, np.float64), np.asarray(cells.observed)
            width = np.zeros_like(value) if cells.width is None else np.asarray(cells.width)
            filler = np.zeros_like(seen) if cells.filler is None else np.asarray(cells.filler)
        codes = [nothing]
        if states is not None:
            for d, n in enumerate(n_states):
                hot = np.asarray(states.value)[:, d, None] == np.arange(n)
                codes.append(hot & np.asarray(states.observed)[:, d, None])
        columns = np.repeat(np.arange(len(n_states)), n_states)
        hot = np.concatenate(codes, axis=1).astype(np.float64)
        edges = np.array([[-np.inf], [np.inf]]) if limits is None else np.float64(limits)
        edges = np.broadcast_to(edges, (2, value.shape[1]))
        return cls(value, width.astype(np.float64), seen, filler, hot, columns, edges)

    def take(self, index: np.ndarray) -> "Sample":
        """Some of the rows."""
        value, width, seen, filler = (
            x[index] for x in (self.value, self.width, self.seen, self.filler)
        )
        return Sample(value, width, seen, filler, self.states[index], self.columns, self.limits)


class Cluster(NamedTuple):
    """The parameters of a mixture of C products.

    Args:
        log_weights: `[C]`.
        mean: means of the numbers, `[C, Dc]`.
        log_variance: logarithms of their variances, `[C, Dc]`.
        log_probs: log-probabilities of the states of all discrete columns beside each other, `[C,
            S]`.
    """

    log_weights: np.ndarray
    mean: np.ndarray
    log_variance: np.ndarray
    log_probs: np.ndarray


def fit_mixture(sample: Sample, n_components: int, *, seed: int) -> Cluster:
    """The mixture of a given size.

    Args:
        sample: rows.
        n_components: number C of components.
        seed: seed of the rows that the components start at.
    """
    whole = _maximised(sample, np.ones((len(sample.value), 1)), None, None)
    first = _first_shares(sample, whole, n_components, np.random.default_rng(seed))
    cluster, before = _maximised(sample, first, whole, None), -np.inf
    for _ in range(MAX_ITERATIONS):
        joint = _joint(sample, cluster)
        of_rows = np.asarray(logsumexp(joint, axis=1))
        after = float(of_rows.mean())
        cluster = _maximised(sample, np.exp(joint - of_rows[:, None]), whole, cluster)
        if after - before < TOLERANCE:
            break
        before = after
    return cluster


def log_density(sample: Sample, cluster: Cluster) -> np.ndarray:
    """log p of every row, nats `[N]`; the value of an atom's filler is averaged over."""
    return np.asarray(logsumexp(_joint(sample, cluster), axis=1))


def shares(sample: Sample, cluster: Cluster) -> np.ndarray:
    """Probability of every component given every row, `[N, C]`."""
    return np.asarray(softmax(_joint(sample, cluster), axis=1))


def _joint(sample: Sample, cluster: Cluster) -> np.ndarray:
    """log w_k p_k(row), `[N, C]`."""
    joint = cluster.log_weights + sample.states @ cluster.log_probs.T
    size = max(_AT_ONCE // max(sample.value.size, 1), 1)
    for begin in range(0, len(cluster.log_weights), size):
        some = slice(begin, begin + size)
        joint[:, some] += _log_numbers(sample, cluster.mean[some], cluster.log_variance[some])
    return joint


def _log_numbers(sample: Sample, mean: np.ndarray, log_variance: np.ndarray) -> np.ndarray:
    """log-mass of the numbers of each row under some components, nats `[N, C]`."""
    scale = np.exp(0.5 * log_variance)
    value, width, seen, filler = (
        x[:, None, :] for x in (sample.value, sample.width, sample.seen, sample.filler)
    )
    u, h = np.abs(value - mean) / scale, 0.5 * width / scale
    density = -0.5 * (np.square(u) + log_variance + np.log(2 * np.pi))
    wide = (h > 0.05) & seen & ~filler
    terms = density + np.log(np.where(width > 0, width, 1.0))
    upper, lower = log_ndtr(h[wide] - u[wide]), log_ndtr(-h[wide] - u[wide])
    terms[wide] = upper + np.log(-np.expm1(lower - upper - 1e-12))
    if filler.any():
        terms = np.where(filler, _log_filler(sample, mean, log_variance), terms)
    if np.isfinite(sample.limits).any():
        terms = terms - _log_inside(sample.limits, mean, log_variance)
    return np.where(seen, terms, 0.0).sum(axis=2)


def _log_filler(sample: Sample, mean: np.ndarray, log_variance: np.ndarray) -> np.ndarray:
    """Mean log-density of a filler, drawn from N(0, 1) within the limits, less its own there, nats
    `[C, Dc]`.
    """
    middle, spread = _of_filler(sample)
    apart = spread + np.square(middle - mean)
    drawn = -0.5 * (apart * np.exp(-log_variance) + log_variance - spread - np.square(middle))
    zeros = np.zeros_like(middle)
    return drawn + _log_inside(sample.limits, zeros, zeros)


def _log_inside(limits: np.ndarray, mean: np.ndarray, log_variance: np.ndarray) -> np.ndarray:
    """log-mass of N(mean, exp(log_variance)) within the limits `[2, Dc]`, nats."""
    scale = np.exp(-0.5 * log_variance)
    a, b = ((limit - mean) * scale for limit in limits)
    a, b = np.where(a > 0, -b, a), np.where(a > 0, -a, b)
    return log_ndtr(b) + np.log(-np.expm1(np.minimum(log_ndtr(a) - log_ndtr(b), -1e-12)))


def _of_filler(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of N(0, 1) within the limits, `[Dc]` each."""
    zeros = np.zeros(sample.limits.shape[1])
    mean, variance, _ = _within(sample.limits, zeros, zeros)
    return mean, variance


def _within(
    limits: np.ndarray, mean: np.ndarray, log_variance: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and variance of N(mean, exp(log_variance)) within the limits `[2, Dc]`, and the mass
    there.
    """
    scale = np.exp(0.5 * log_variance)
    log_mass = _log_inside(limits, mean, log_variance)
    edges = [(limit - mean) / scale for limit in limits]
    at = [np.exp(-0.5 * (np.square(u) + np.log(2 * np.pi)) - log_mass) for u in edges]
    shift = at[0] - at[1]
    bend = [
        np.where(np.isfinite(u), u, 0.0) * density for u, density in zip(edges, at, strict=True)
    ]
    spread = np.maximum(1.0 + bend[0] - bend[1] - np.square(shift), 1e-6)
    return mean + scale * shift, np.square(scale) * spread, np.exp(log_mass)


def _maximised(
    sample: Sample, shares: np.ndarray, whole: Cluster | None, now: Cluster | None
) -> Cluster:
    """The parameters given the shares of the components in the rows, `[N, C]`; without a `whole`
    table, of the rows alone. `now` are those of the iteration before.
    """
    prior = 0.0 if whole is None else PRIOR_ROWS
    n = shares.sum(axis=0)
    weights = (n + prior) / (n + prior).sum()
    mean, log_variance = _normals(sample, shares, whole, now)
    probs = shares.T @ sample.states + (1e-9 if whole is None else prior * np.exp(whole.log_probs))
    totals = np.zeros((len(n), int(sample.columns.max(initial=-1)) + 1))
    np.add.at(totals.T, sample.columns, probs.T)
    return Cluster(np.log(weights), mean, log_variance, np.log(probs / totals[:, sample.columns]))


def _normals(
    sample: Sample, shares: np.ndarray, whole: Cluster | None, now: Cluster | None
) -> tuple[np.ndarray, np.ndarray]:
    """Means and log-variances of the numbers, `[C, Dc]`; a value within its cell is spread evenly
    (Sheppard's correction).
    """
    middle, drawn = _of_filler(sample)
    x = np.where(sample.filler, middle, sample.value)
    spread = np.where(sample.filler, drawn, -np.square(sample.width) / 12.0)
    seen = sample.seen.astype(np.float64)
    n = shares.T @ seen
    first, second = shares.T @ (seen * x), shares.T @ (seen * (np.square(x) + spread))
    if whole is not None:
        mean, variance, _ = _within(sample.limits, whole.mean, whole.log_variance)
        n = n + PRIOR_ROWS
        first = first + PRIOR_ROWS * mean
        second = second + PRIOR_ROWS * (np.square(mean) + variance)
    n = np.maximum(n, 1e-9)
    widest = np.where(sample.seen, sample.width, 0.0).max(axis=0, initial=0.0)
    floor = np.where(widest > 0, NARROWEST * np.median(sample.width, axis=0), NARROWEST_DENSITY)
    least = np.square(np.maximum(floor, 1e-3))
    mean, second = first / n, second / n
    log_variance = np.log(np.maximum(second - np.square(mean), least))
    if not np.isfinite(sample.limits).any():
        return mean, log_variance
    begin = (mean, log_variance) if now is None else (now.mean, now.log_variance)
    return _uncut(sample.limits, mean, second, least, begin)


def _uncut(
    limits: np.ndarray,
    mean: np.ndarray,
    second: np.ndarray,
    least: np.ndarray,
    begin: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Means and log-variances of the normal distributions that have, within the limits, the given
    first two moments.

    By steps of expectation maximisation: of a distribution with the mass P inside, a row stands for
    1 / P of the whole one, whose others lie outside as its parameters say. Where so little is
    inside that they tell hardly anything, it stays what it is.
    """
    location, log_variance = begin
    for _ in range(_UNCUT_STEPS):
        inside, spread, mass = _within(limits, location, log_variance)
        mass = np.where(mass > _LEAST_INSIDE, mass, 0.0)
        total = np.square(location) + np.exp(log_variance)
        moved = location + mass * (mean - inside)
        total = total + mass * (second - np.square(inside) - spread)
        log_variance = np.log(np.maximum(total - np.square(moved), least))
        location = moved
    return location, log_variance


def _first_shares(
    sample: Sample, whole: Cluster, n_components: int, rng: np.random.Generator
) -> np.ndarray:
    """Every row in the component of the nearest of C rows, drawn far from each other (k-means++,
    Arthur and Vassilvitskii 2007).
    """
    scaled = (sample.value - whole.mean) / np.exp(0.5 * whole.log_variance)
    numbers = np.where(sample.seen & ~sample.filler, scaled, 0.0)
    space = np.concatenate([numbers, sample.states], axis=1)
    centre = space[rng.integers(len(sample.value))]
    nearest = np.square(space - centre).sum(axis=1)
    which = np.zeros(len(sample.value), int)
    for k in range(1, n_components):
        total = nearest.sum()
        chance = nearest / total if total > 0 else None
        distance = np.square(space - space[rng.choice(len(sample.value), p=chance)]).sum(axis=1)
        which = np.where(distance < nearest, k, which)
        nearest = np.minimum(nearest, distance)
    return np.eye(n_components)[which]
