"""Strictly increasing maps g: x -> z that make a column look like N(0, 1), with exact inverse and
log g'.

Beyond |z| = `TAIL` every map grows like a logarithm, so that the density of x falls like that of a
log-normal there: a value a hundred standard deviations out costs some 50 nats, not 5,000.

All arithmetic is float64; parameters are JSON. `fit_transform` chooses between a straight line and
a spline by the penalised Gaussian likelihood of the training values.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal

import numpy as np

__all__ = [
    "TAIL",
    "Affine",
    "Choice",
    "QuantileSpline",
    "Transform",
    "fit_transform",
    "log_cell_mass",
    "transform_from_json",
]


_MOST_VALUES = 2**20
"""Values of a column that its transform is fitted on, at most."""
Choice = Literal["auto", "affine", "spline"]
_SMALLEST_SPLINE_SAMPLE = 50
"""Below this many values (or a third as many distinct ones) a straight line is all that can be
supported."""


TAIL = 5.0


def _compress(u: np.ndarray) -> np.ndarray:
    """Z = u up to `TAIL`, sign(u) (TAIL + log(1 + |u| - TAIL)) beyond: increasing, C1."""
    excess = np.maximum(np.abs(u) - TAIL, 0.0)
    return np.where(excess > 0, np.sign(u) * (TAIL + np.log1p(excess)), u)


def _expand(z: np.ndarray) -> np.ndarray:
    """The u of `_compress(u) = z`."""
    excess = np.minimum(np.maximum(np.abs(z) - TAIL, 0.0), 690.0)
    return np.where(excess > 0, np.sign(z) * (TAIL + np.expm1(excess)), z)


def _log_compression(u: np.ndarray) -> np.ndarray:
    """Logarithm of dz/du."""
    return -np.log1p(np.maximum(np.abs(u) - TAIL, 0.0))


@dataclass(frozen=True)
class Affine:
    """u = (x - mean) / sd, and z = u within the tails."""

    mean: float
    sd: float

    def forward(self, x: np.ndarray) -> np.ndarray:
        """G(x)."""
        return _compress(self._scale(x))

    def _scale(self, x: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return np.clip((x - self.mean) / self.sd, -1e300, 1e300)

    def inverse(self, z: np.ndarray) -> np.ndarray:
        """The x of G(x) = z."""
        return _expand(np.asarray(z, dtype=np.float64)) * self.sd + self.mean

    def log_derivative(self, x: np.ndarray) -> np.ndarray:
        """Logarithm of g'(x), in nats per unit of x."""
        return _log_compression(self._scale(x)) - np.log(self.sd)

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types."""
        return {"type": "affine", "mean": self.mean, "sd": self.sd}


@dataclass(frozen=True)
class QuantileSpline:
    """Monotone rational-quadratic spline (Gregory & Delbourgo 1982) through knots (x_k, z_k) with
    slopes d_k, C1.

    Within a bin of width h and rise r, with theta = (x - x_k) / h, a = d_k h / r and b = d_{k+1} h
    / r,

        z = z_k + r (theta^2 + a theta (1 - theta)) / D,   D = 1 + (a + b - 2) theta (1 - theta),
        g' = (r / h) (b theta^2 + 2 theta (1 - theta) + a (1 - theta)^2) / D^2.

    Outside the knots it is a straight line with the slope of the last knot; z is compressed beyond
    the tails.
    """

    x: tuple[float, ...]
    z: tuple[float, ...]
    slope: tuple[float, ...]

    def _bins(self, value: np.ndarray, knots: tuple[float, ...]) -> tuple[np.ndarray, ...]:
        """Bin number, h, r, a, b of each value; the values outside are put into the first or last
        bin.
        """
        x, z, slope = np.asarray(self.x), np.asarray(self.z), np.asarray(self.slope)
        k = np.clip(np.searchsorted(knots, value, side="right") - 1, 0, len(knots) - 2)
        h, r = np.diff(x), np.diff(z)
        a, b = slope[:-1] * (h / r), slope[1:] * (h / r)
        return k, x[k], z[k], h[k], r[k], a[k], b[k]

    def _spline(self, x: np.ndarray) -> np.ndarray:
        x = np.asarray(x, dtype=np.float64)
        _, x0, z0, h, r, a, b = self._bins(x, self.x)
        theta = np.clip((x - x0) / h, 0.0, 1.0)
        cross = theta * (1 - theta)
        inside = z0 + r * ((theta * theta + a * cross) / (1 + (a + b - 2) * cross))
        below = self.z[0] + (x - self.x[0]) * self.slope[0]
        above = self.z[-1] + (x - self.x[-1]) * self.slope[-1]
        outside = np.where(x < self.x[0], below, above)
        return np.where((x < self.x[0]) | (x > self.x[-1]), np.clip(outside, -1e300, 1e300), inside)

    def forward(self, x: np.ndarray) -> np.ndarray:
        """G(x)."""
        return _compress(self._spline(x))

    def inverse(self, z: np.ndarray) -> np.ndarray:
        """The x of G(x) = z: the root in [0, 1] of a quadratic in theta."""
        z = _expand(np.asarray(z, dtype=np.float64))
        _, x0, z0, h, r, a, b = self._bins(z, self.z)
        rise = np.clip((z - z0) / r, 0.0, 1.0)
        bend = rise * (a + b - 2)
        qa, qb, qc = 1 - a + bend, a - bend, -rise
        theta = 2 * -qc / (qb + np.sqrt(np.maximum(qb * qb - 4 * qa * qc, 0.0)))
        inside = x0 + np.clip(theta, 0.0, 1.0) * h
        below = self.x[0] + (z - self.z[0]) / self.slope[0]
        above = self.x[-1] + (z - self.z[-1]) / self.slope[-1]
        return np.where(z < self.z[0], below, np.where(z > self.z[-1], above, inside))

    def log_derivative(self, x: np.ndarray) -> np.ndarray:
        """Logarithm of g'(x), in nats per unit of x."""
        x = np.asarray(x, dtype=np.float64)
        _, x0, _, h, r, a, b = self._bins(x, self.x)
        theta = np.clip((x - x0) / h, 0.0, 1.0)
        cross = theta * (1 - theta)
        shape = (b * theta * theta + 2 * cross + a * (1 - theta) ** 2) / (
            1 + (a + b - 2) * cross
        ) ** 2
        return np.log(r) - np.log(h) + np.log(shape) + _log_compression(self._spline(x))

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types."""
        return {"type": "spline", "x": list(self.x), "z": list(self.z), "slope": list(self.slope)}


Transform = Affine | QuantileSpline


def transform_from_json(data: dict[str, Any]) -> Transform:
    """Inverse of `to_json` of either map."""
    if data["type"] == "affine":
        return Affine(float(data["mean"]), float(data["sd"]))
    x, z, slope = (tuple(map(float, data[key])) for key in ("x", "z", "slope"))
    return QuantileSpline(x, z, slope)


def fit_transform(x: np.ndarray, step: float | None, choice: Choice = "auto") -> Transform:
    """The map for one column, fitted on its observed training values `[n]` (atoms left out).

    Args:
        x: finite training values, `[n]`.
        step: lattice width, in the units of the values; None for a density; the values are first
            spread evenly over their cells, so that ties do not look like peaks.
        choice: kind of transform: "affine", "spline" (a line still, when the sample is too small
            for one), or "auto" (default): the higher of sum log N(g(x); 0, 1) + log g'(x) -
            (parameters / 2) log n.
    """
    ordered = _thinned(np.sort(np.asarray(x, dtype=np.float64)))
    spread = ordered
    if step is not None:
        spread = _spread_ties(spread, step)
    affine = _fit_affine(spread)
    distinct = 1 + np.count_nonzero(np.diff(ordered))
    if (
        choice == "affine"
        or len(spread) < _SMALLEST_SPLINE_SAMPLE
        or distinct < _SMALLEST_SPLINE_SAMPLE // 3
    ):
        return affine
    spline = _fit_spline(spread)
    if spline is None:
        return affine
    if choice == "spline" or _score(spline, spread, len(spline.x)) > _score(affine, spread, 2):
        return spline
    return affine


def _thinned(ordered: np.ndarray) -> np.ndarray:
    """At most `_MOST_VALUES` of the ordered values, evenly spaced by rank, the two ends among them:
    a quantile of theirs is one of all values, of a level that differs by `1 / _MOST_VALUES` at
    most.
    """
    n = len(ordered)
    if n <= _MOST_VALUES:
        return ordered
    return ordered[np.rint(np.linspace(0, n - 1, _MOST_VALUES)).astype(np.int64)]


def log_cell_mass(transform: Transform, position: np.ndarray) -> np.ndarray:
    """Log-mass of the cells [k - 1/2, k + 1/2] when z is N(0, 1), in nats; at least log 1e-300."""
    low, high = transform.forward(position - 0.5), transform.forward(position + 0.5)
    # the tail that is small: Phi(-|z|) keeps its digits
    flip = low > 0
    low, high = np.where(flip, -high, low), np.where(flip, -low, high)
    return np.log(np.maximum(_normal_cdf(high) - _normal_cdf(low), 1e-300))


_erfc = np.frompyfunc(math.erfc, 1, 1)


def _normal_cdf(z: np.ndarray) -> np.ndarray:
    return 0.5 * np.asarray(_erfc(-np.asarray(z) / math.sqrt(2)), np.float64)


def _spread_ties(ordered: np.ndarray, step: float) -> np.ndarray:
    """The m values of one cell at its (j + 1/2)/m points, j = 0 .. m - 1."""
    _, first, count = np.unique(ordered, return_index=True, return_counts=True)
    rank = np.arange(len(ordered)) - np.repeat(first, count)
    return ordered + step * ((rank + 0.5) / np.repeat(count, count) - 0.5)


def _fit_affine(x: np.ndarray) -> Affine:
    scale = float(np.max(np.abs(x), initial=0.0)) or 1.0  # values of 1e300 have no square
    mean = float(np.mean(x / scale) * scale) if len(x) else 0.0
    sd = float(np.sqrt(np.mean(((x - mean) / scale) ** 2)) * scale) if len(x) else 1.0
    return Affine(mean, sd if sd > 0 else 1.0)


def _fit_spline(x: np.ndarray) -> QuantileSpline | None:
    levels = _levels(len(x))
    knots = np.quantile(x, levels, method="hazen")
    knots[0], knots[-1] = x[0], x[-1]
    # nearly equal quantiles would make a spike of the density: keep knots apart by a share of the
    # bulk's width
    gap = 1e-4 * (np.quantile(x, 0.95) - np.quantile(x, 0.05))
    keep = [0]
    for k in range(1, len(knots)):
        if knots[k] - knots[keep[-1]] > gap:
            keep.append(k)
    if len(keep) < 4 or gap <= 1e-290:  # slopes of 1/gap must stay finite
        return None
    x_knots, p = knots[keep], levels[keep]
    z_knots = np.array([NormalDist().inv_cdf(float(level)) for level in p])
    spline = QuantileSpline(
        tuple(x_knots.tolist()), tuple(z_knots.tolist()), tuple(_slopes(x_knots, z_knots).tolist())
    )
    return _standardise(spline, x)


def _levels(n: int) -> np.ndarray:
    """Quantile levels of the knots: evenly spaced, then halving towards either end while 20 values
    remain beyond.
    """
    k = int(np.clip(n // 40, 4, 32))
    inner = np.arange(1, k) / k
    tail = []
    while (tail[-1] if tail else inner[0]) / 2 * n >= 20:
        tail.append((tail[-1] if tail else inner[0]) / 2)
    low = np.array([0.5 / n, *reversed(tail)])
    return np.concatenate([low, inner, 1 - low[::-1]])


def _slopes(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Slopes at the knots: the bins' secants, meeting in their weighted harmonic mean (Fritsch &
    Butland 1984).

    A harmonic mean never exceeds three times the smaller secant, so no bin overshoots.
    """
    h, secant = np.diff(x), np.diff(z) / np.diff(x)
    left, right = h[:-1], h[1:]
    total = left + right
    inner = 1.0 / (
        ((right + total) / (3 * total)) / secant[:-1] + ((left + total) / (3 * total)) / secant[1:]
    )
    return np.concatenate([secant[:1], inner, secant[-1:]])


def _standardise(spline: QuantileSpline, x: np.ndarray) -> QuantileSpline:
    """The same map followed by the line that gives z mean 0 and variance 1 over x."""
    z = spline._spline(x)
    mean, sd = float(np.mean(z)), float(np.std(z))
    z_knots = (np.asarray(spline.z) - mean) / sd
    return QuantileSpline(
        spline.x, tuple(z_knots.tolist()), tuple((np.asarray(spline.slope) / sd).tolist())
    )


def _score(transform: Transform, x: np.ndarray, parameters: int) -> float:
    """Bayesian information criterion (as a log-likelihood, nats) of N(0, 1) in z."""
    z = transform.forward(x)
    return float(
        np.sum(transform.log_derivative(x) - 0.5 * z * z) - 0.5 * parameters * np.log(len(x))
    )
