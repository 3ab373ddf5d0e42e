r"""L-BFGS with a line search for both Wolfe conditions, and for an l1 penalty its orthant-wise
form.

Minimises f(x) + sum_i l1_i |x_i| for smooth f. The step is -H g, H from the last pairs (x' - x, g'
- g) by the two-loop recursion; the line search brackets by bisection. With l1, g is the
pseudo-gradient (of the directional derivatives, the least in size), the step keeps its signs, and
a coordinate that would change its sign stops at 0.

Source: Nocedal and Wright (2006), chapter 7; Andrew and Gao (2007) for l1; Lewis and Overton (2013)
for the line search.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

__all__ = ["Minimum", "minimise"]

_MEMORY = 100
_DECREASE, _FLATTENING = 1e-4, 0.9
_TRIALS = 40


class Minimum(NamedTuple):
    """Where the search ended.

    Args:
        point: minimiser, `[P]`.
        value: the objective there, its penalty included.
        slope: the largest entry of its (pseudo-)gradient there.
        steps: number of steps taken.
        converged: whether `slope` is within the tolerance.
    """

    point: np.ndarray
    value: float
    slope: float
    steps: int
    converged: bool


def minimise(
    value_and_gradient: Callable[[np.ndarray], tuple[float, np.ndarray]],
    start: np.ndarray,
    *,
    l1: np.ndarray | float = 0.0,
    metric: Callable[[np.ndarray], np.ndarray] = lambda g: g,
    steps: int = 1000,
    tolerance: float = 1e-6,
) -> Minimum:
    """The minimum from a start.

    Args:
        value_and_gradient: smooth part f and its gradient at a point `[P]`.
        start: point to begin with, `[P]`.
        l1: weight of the l1 penalty of each coordinate, `[P]` or one for all (default 0).
        metric: symmetric positive map M that the steps begin with, H = gamma M; the identity by
            default.
        steps: number of steps at most (default 1000).
        tolerance: largest entry of the gradient at which the search ends (default 1e-6).

    Example:
        >>> found = minimise(lambda x: (float(x @ x - 2 * x.sum()), 2 * x - 2), np.zeros(3))
        >>> found.point.tolist(), found.converged
        ([1.0, 1.0, 1.0], True)
    """
    x = np.asarray(start, np.float64)
    l1 = np.broadcast_to(np.asarray(l1, np.float64), x.shape)
    value, gradient = value_and_gradient(x)
    value += float(l1 @ np.abs(x))
    pairs: list[tuple[np.ndarray, np.ndarray]] = []
    count = 0
    for count in range(steps + 1):
        pseudo = _pseudo_gradient(x, gradient, l1)
        slope = float(np.max(np.abs(pseudo), initial=0.0))
        if slope <= tolerance or count == steps:
            break
        direction = -_times_inverse_hessian(pseudo, pairs, metric)
        direction = np.where((l1 > 0) & (direction * pseudo >= 0), 0.0, direction)
        found = _search(value_and_gradient, x, value, gradient, pseudo, direction, l1, not pairs)
        if found is None and pairs:  # the memory misleads: once more along the gradient
            pairs = []
            continue
        if found is None:
            break
        moved, value, changed = found
        pair = moved - x, changed - gradient
        if pair[0] @ pair[1] > 1e-14 * (pair[1] @ pair[1]):
            pairs = [*pairs, pair][-_MEMORY:]
        x, gradient = moved, changed
    return Minimum(x, float(value), slope, count, slope <= tolerance)


def _pseudo_gradient(x: np.ndarray, gradient: np.ndarray, l1: np.ndarray) -> np.ndarray:
    right, left = gradient + l1, gradient - l1
    at_zero = np.where(right < 0, right, np.where(left > 0, left, 0.0))
    return np.where(x > 0, right, np.where(x < 0, left, at_zero))


def _times_inverse_hessian(
    gradient: np.ndarray,
    pairs: list[tuple[np.ndarray, np.ndarray]],
    metric: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """The two-loop recursion."""
    q, alphas = gradient.copy(), []
    for s, y in reversed(pairs):
        alphas.append((s @ q) / (s @ y))
        q -= alphas[-1] * y
    q = metric(q)
    if pairs:
        s, y = pairs[-1]
        q *= (s @ y) / (y @ metric(y))
    for (s, y), alpha in zip(pairs, reversed(alphas), strict=True):
        q += (alpha - (y @ q) / (s @ y)) * s
    return q


def _search(
    value_and_gradient: Callable[[np.ndarray], tuple[float, np.ndarray]],
    x: np.ndarray,
    value: float,
    gradient: np.ndarray,
    pseudo: np.ndarray,
    direction: np.ndarray,
    l1: np.ndarray,
    first: bool,
) -> tuple[np.ndarray, float, np.ndarray] | None:
    """A point along the direction that is low and flat enough; None where none is lower."""
    low, high = 0.0, np.inf
    length = 1.0 / max(1.0, float(np.linalg.norm(direction))) if first else 1.0
    orthant = np.where(x != 0, np.sign(x), -np.sign(pseudo))
    best = None
    for _ in range(_TRIALS):
        moved = x + length * direction
        moved = np.where((l1 > 0) & (np.sign(moved) != orthant), 0.0, moved)
        new, changed = value_and_gradient(moved)
        new += float(l1 @ np.abs(moved))
        if not np.isfinite(new) or new > value + _DECREASE * float(pseudo @ (moved - x)):
            high = length
        else:
            best = moved, new, changed
            flat = changed @ direction >= _FLATTENING * float(gradient @ direction)
            if flat or l1.any():
                break
            low = length
        length = 2.0 * low if np.isinf(high) else 0.5 * (low + high)
    return best
