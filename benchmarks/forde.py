"""The density of an adversarial random forest (FORDE, Watson et al. 2023), by the library `arfpy`,
which is installed apart from the extras (with numpy below 2.3).

Probability of a row: the mean over the trees of the sum over a tree's leaves of the leaf's share of
the training rows, times a normal distribution cut off at the leaf's bounds for each number, times
the smoothed frequency in the leaf, among the states within its bounds, of each state. The base
measure is that of `baselines`: a value on a lattice has the mass of its cell, a difference of two
values of the distribution function, which adds up to 1 over the lattice; a cell that a split runs
through has a part in each of the leaves. Everything else has a density.

The forest is arfpy's. Its leaves are read here rather than by `forde()`, whose smoothing fails on
columns with different numbers of states. Cross-validation of the training rows chooses the rows
that a leaf has at least, the smoothing, the smallest standard deviation of a leaf and its bounds:
those of the splits, or these narrowed to the range of the table or of the leaf's own rows, with a
hundredth of the mass exempt from it, so that no row has probability 0.
"""

import importlib
import importlib.util
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from baselines import Numbers
from scipy.special import log_ndtr

SIZES = (2, 3, 5, 10, 20, 50)
SMOOTHING = (0.01, 0.1, 1.0)
FLOORS = (0.01, 0.03, 0.1, 0.2, 0.4)
BOUNDS = ("splits", "table", "leaf")
EXEMPT = 0.01
FOLDS = 4
TREES = 100, 30
"""Below `MANY` rows, which are cross-validated too, and above, where one fold is held out."""
MANY = 5000


@dataclass(frozen=True)
class Settings:
    """Pseudo-rows of each state, the smallest standard deviation in units of the column's, and what
    bounds a leaf's numbers.
    """

    smoothing: float
    floor: float
    bounds: str


ALL = tuple(Settings(*one) for one in product(SMOOTHING, FLOORS, BOUNDS))


def is_installed() -> bool:
    """Whether the forest can be fitted here."""
    return importlib.util.find_spec("arfpy") is not None


def forest_density(
    train: Numbers, test: Numbers, discrete: np.ndarray, seed: int
) -> tuple[np.ndarray, str]:
    """Test log-likelihood per row, nats, and what was chosen.

    Args:
        train: rows that all choices are made on.
        test: rows that are judged once.
        discrete: flags of the columns of codes.
        seed: seed of the folds and the forests.
    """
    units = Units(train, test, discrete)
    x, n = units.of(train), len(train.x)
    folds = np.array_split(np.random.default_rng(seed).permutation(n), FOLDS)
    folds = folds if n < MANY else folds[:1]
    reached: dict[tuple[int, Settings], float] = {}
    for size in SIZES:
        fitted = [(Forest(units, np.delete(x, f, axis=0), size, seed), x[f]) for f in folds]
        for settings in ALL:
            means = [forest.log_prob(rows, settings).mean() for forest, rows in fitted]
            reached[size, settings] = float(np.mean(means))
    size, best = max(reached, key=lambda pair: reached[pair])
    values = Forest(units, x, size, seed).log_prob(units.of(test), best)
    words = f"leaves of {size}, smoothing {best.smoothing:g}, floor {best.floor:g}"
    return values, f"{words}, bounds of the {best.bounds}, held out {max(reached.values()):.3f}"


class Units:
    """Values on a lattice as numbers of steps, whose cells then are ± 1/2: a split between two
    neighbours is where their cells meet.
    """

    def __init__(self, train: Numbers, test: Numbers, discrete: np.ndarray) -> None:
        self.discrete = discrete
        self.half = np.where((train.widths > 0) & ~discrete, 0.5, 0.0)
        self.step = np.where(self.half > 0, train.widths, 1.0)
        self.origin = np.where(self.half > 0, train.x.min(axis=0), 0.0)
        highest = np.maximum(train.x.max(axis=0), test.x.max(axis=0))
        self.n_states = np.where(discrete, highest + 1, 0).astype(int)

    def of(self, data: Numbers) -> np.ndarray:
        """The rows in these units, which the probabilities do not depend on."""
        x = (data.x - self.origin) / self.step
        return np.where(self.half > 0, np.round(x), x)


class Forest:
    """An adversarial forest and what its leaves hold."""

    def __init__(self, units: Units, x: np.ndarray, size: int, seed: int) -> None:
        table = pd.DataFrame(x, columns=[f"x{j}" for j in range(x.shape[1])])
        for j in np.flatnonzero(units.discrete):
            states = pd.Categorical(x[:, j].astype(int), categories=range(units.n_states[j]))
            table[f"x{j}"] = states
        np.random.seed(seed)  # noqa: NPY002  pandas shuffles with it
        sizes = {"num_trees": TREES[len(x) >= MANY], "min_node_size": size}
        grown = importlib.import_module("arfpy.arf").arf(
            x=table, verbose=False, random_state=seed, **sizes
        )
        self.trees = [Tree(one.tree_, x, units) for one in grown.clf.estimators_]

    def log_prob(self, x: np.ndarray, settings: Settings) -> np.ndarray:
        """Of rows in the forest's units, nats `[N]`."""
        total = np.full(len(x), -np.inf)
        for tree in self.trees:
            rows, values = tree.log_parts(x, settings)
            np.logaddexp.at(total, rows, values)
        return total - np.log(len(self.trees))


class Tree:
    """A tree's nodes with the rows, bounds, means, deviations and counts of states of those that
    are leaves.
    """

    def __init__(self, tree: Any, x: np.ndarray, units: Units) -> None:
        self.tree, self.units = tree, units
        self.lower, self.upper = self._bounds(x.shape[1])
        leaf = tree.apply(x.astype(np.float32))
        n = self.n = np.bincount(leaf, minlength=tree.node_count)
        totals = np.stack([np.bincount(leaf, column, len(n)) for column in x.T], axis=1)
        self.mean = totals / np.maximum(n, 1)[:, None]
        squares = (x - self.mean[leaf]) ** 2
        totals = np.stack([np.bincount(leaf, column, len(n)) for column in squares.T], axis=1)
        self.deviation = np.sqrt(totals / np.maximum(n - 1, 1)[:, None])
        self.scale = x.std(axis=0) + 1e-12
        self.low, self.high = np.full_like(self.mean, np.inf), np.full_like(self.mean, -np.inf)
        np.minimum.at(self.low, leaf, x - units.half)
        np.maximum.at(self.high, leaf, x + units.half)
        self.counts = {}
        for j in np.flatnonzero(units.discrete):
            self.counts[j] = np.zeros((len(n), units.n_states[j]))
            np.add.at(self.counts[j], (leaf, x[:, j].astype(int)), 1)

    def _bounds(self, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Of each node, `[nodes, D]`. The parent of a pruned child has the other one twice."""
        tree = self.tree
        lower, upper = (np.full((tree.node_count, width), end) for end in (-np.inf, np.inf))
        children = np.stack([tree.children_left, tree.children_right], axis=1)
        for i in np.flatnonzero(children[:, 0] >= 0):
            left, right = children[i]
            lower[[left, right]], upper[[left, right]] = lower[i], upper[i]
            if left != right:
                upper[left, tree.feature[i]] = lower[right, tree.feature[i]] = tree.threshold[i]
        return lower, upper

    def log_parts(self, x: np.ndarray, settings: Settings) -> tuple[np.ndarray, np.ndarray]:
        """For each leaf that a row reaches: the row, and log of the leaf's share times the row's
        probability in it.
        """
        rows, leaf = self._reached(x)
        total = np.log(self.n[leaf] / self.n.sum())
        for j, counts in self.counts.items():
            state = np.arange(counts.shape[1])
            possible = (state > self.lower[:, [j]]) & (state < self.upper[:, [j]])
            smoothed = counts + settings.smoothing * possible
            share = smoothed[leaf, x[rows, j].astype(int)] / smoothed[leaf].sum(axis=1)
            total += np.log(share)
        at = np.ix_(leaf, np.flatnonzero(~self.units.discrete))
        return rows, total + self._log_numbers(x[rows][:, at[1][0]], at, settings)

    def _reached(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pairs of a row and a leaf that its cells touch; where they touch several, all of them."""
        tree, half = self.tree, self.units.half
        rows, node = np.arange(len(x)), np.zeros(len(x), int)
        found = []
        while len(rows):
            ends = tree.children_left[node] < 0
            found.append((rows[ends], node[ends]))
            rows, node = rows[~ends], node[~ends]
            left, right, j = tree.children_left[node], tree.children_right[node], tree.feature[node]
            value, at = x[rows, j], tree.threshold[node]
            goes_left = (left == right) | (value - half[j] < at) | (value == at)
            goes_right = (left != right) & (value + half[j] > at)
            node = np.concatenate([left[goes_left], right[goes_right]])
            rows = np.concatenate([rows[goes_left], rows[goes_right]])
        return np.concatenate([r for r, _ in found]), np.concatenate([n for _, n in found])

    def _log_numbers(self, x: np.ndarray, at: Any, settings: Settings) -> np.ndarray:
        """Of pairs with the leaves and columns `at`, the numbers' sum."""
        scale = self.scale[at[1]]
        half, lower, upper = self.units.half[at[1]], self.lower[at], self.upper[at]
        mean, deviation = self.mean[at], np.maximum(self.deviation[at], settings.floor * scale)

        def log_parts(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
            a, b = (np.clip(x + side, lower, upper) for side in (-half, half))
            mass = _log_between((a - mean) / deviation, (b - mean) / deviation)
            point = -0.5 * ((x - mean) / deviation) ** 2 - np.log(deviation * np.sqrt(2 * np.pi))
            point = np.where((x >= lower) & (x <= upper), point, -np.inf)
            whole = _log_between((lower - mean) / deviation, (upper - mean) / deviation)
            return np.sum(np.where(half > 0, mass, point) - whole, axis=1)

        free = log_parts(lower, upper)
        if settings.bounds == "splits":
            return free
        low, high = self.low[at], self.high[at]
        if settings.bounds == "table":
            there = self.n > 0
            low = self.low[there].min(axis=0)[at[1]]
            high = self.high[there].max(axis=0)[at[1]]
        slack = np.where(half > 0, 0.0, settings.floor * scale)
        bounded = log_parts(np.maximum(lower, low - slack), np.minimum(upper, high + slack))
        return np.logaddexp(np.log1p(-EXEMPT) + bounded, np.log(EXEMPT) + free)


def _log_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Log of the standard normal mass between a and b, exact in both tails and for a narrow gap;
    -inf where it is 0.
    """
    a, b = np.where(a > 0, -b, a), np.where(a > 0, -a, b)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_b, gap = log_ndtr(b), b - a
        wide = log_b + np.log1p(-np.exp(log_ndtr(a) - log_b))
        narrow = np.log(gap) - 0.5 * b**2 - 0.5 * np.log(2 * np.pi)
        return np.where(gap > 1e-6, wide, np.where(gap > 0, narrow, -np.inf))
