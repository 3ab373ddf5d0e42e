"""The strongest classical rival on a small mixed table: a mixture whose components are a normal
distribution with full covariance of the numbers times independent states of the discrete columns,
estimated by EM; components and ridge of the covariances are chosen by cross-validation of the
training rows.

Numbers of at most 12 different values are states, too. The base measure is that of `baselines`: a
value on a lattice has the mean density over its cell times its width.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from baselines import DRAWS, Numbers
from scipy.linalg import solve_triangular
from scipy.special import logsumexp

COMPONENTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
RIDGES = (0.01, 0.03, 0.1, 0.3)
FOLDS = 4
MOST_STATES = 12
STARTS = 3
ITERATIONS = 200


@dataclass
class Rows:
    """Standardised numbers `[N, Dc]` and one-hot states `[N, S]`."""

    numbers: np.ndarray
    states: np.ndarray


@dataclass
class Fitted:
    """Weights `[C]`, means `[C, Dc]`, Cholesky factors of the covariances and log-probabilities of
    the states `[C, S]`.
    """

    log_weights: np.ndarray
    mean: np.ndarray
    factor: np.ndarray
    log_probs: np.ndarray

    def joint(self, rows: Rows) -> np.ndarray:
        """log w_k p_k(row), `[N, C]`."""
        d = rows.numbers.shape[1]
        log_p = self.log_weights + rows.states @ self.log_probs.T
        for k, (mean, factor) in enumerate(zip(self.mean, self.factor, strict=True)):
            y = solve_triangular(factor, (rows.numbers - mean).T, lower=True)
            log_det = np.sum(np.log(np.diag(factor)))
            log_p[:, k] += -0.5 * np.sum(y**2, axis=0) - log_det - 0.5 * d * np.log(2 * np.pi)
        return log_p


def estimated(
    rows: Rows, ends: np.ndarray, n: int, ridge: float, rng: np.random.Generator
) -> Fitted:
    """EM from random rows' neighbourhoods."""
    size, d = rows.numbers.shape
    both = np.concatenate([rows.numbers, rows.states], axis=1)
    centres = both[rng.choice(size, n, replace=False)]
    shares = np.exp(-0.5 * ((both[:, None] - centres[None]) ** 2).sum(axis=2))
    shares = (shares + 1e-9) / (shares + 1e-9).sum(axis=1, keepdims=True)
    last = -np.inf
    for _ in range(ITERATIONS):
        mass = shares.sum(axis=0) + 1e-9
        mean = shares.T @ rows.numbers / mass[:, None]
        factor = np.empty((n, d, d))
        for k in range(n):
            away = rows.numbers - mean[k]
            covariance = (away * shares[:, k, None]).T @ away
            # The ridge counts as one row.
            factor[k] = np.linalg.cholesky((covariance + ridge * np.eye(d)) / (mass[k] + 1.0))
        counts = shares.T @ rows.states + 0.1
        log_probs = np.concatenate(
            [np.log(part / part.sum(axis=1, keepdims=True)) for part in np.split(counts, ends, 1)],
            axis=1,
        )
        found = Fitted(np.log(mass / mass.sum()), mean, factor, log_probs)
        joint = found.joint(rows)
        total = logsumexp(joint, axis=1)
        shares = np.exp(joint - total[:, None])
        if total.mean() - last < 1e-5:
            break
        last = total.mean()
    return found


def mixed_mixture(
    train: Numbers, test: Numbers, discrete: np.ndarray, seed: int
) -> tuple[np.ndarray, str]:
    """Test log-likelihood per row, nats, and what was chosen.

    Args:
        train: rows that all choices are made on.
        test: rows that are judged once.
        discrete: flags of the columns of codes.
        seed: seed of starts, folds and dequantisation.
    """
    rng = np.random.default_rng(seed)
    few = np.array([len(np.unique(column)) <= MOST_STATES for column in train.x.T])
    is_state = discrete | (few & (train.widths > 0))
    coder = Coder(train, test, is_state)
    n, order = len(train.x), rng.permutation(len(train.x))
    folds = np.array_split(order, FOLDS if n < 5000 else 10)[: FOLDS if n < 5000 else 1]

    def held_out(components: int, ridge: float) -> float:
        reached = []
        for fold in folds:
            rest = np.setdiff1d(order, fold)
            fitted = coder.likeliest(train.x[rest], components, ridge, rng)
            reached.append(coder.log_prob(fitted, train.x[fold], rng, draws=4).mean())
        return float(np.mean(reached))

    sizes = [c for c in COMPONENTS if c * 5 <= n]
    tried = {pair: held_out(*pair) for pair in product(sizes, RIDGES)}
    components, ridge = max(tried, key=lambda pair: tried[pair])
    fitted = coder.likeliest(train.x, components, ridge, rng)
    values = coder.log_prob(fitted, test.x, rng, draws=DRAWS)
    return values, f"{components}, ridge {ridge:g}, 4-fold {max(tried.values()):.3f}"


class Coder:
    """Between a table of numbers and codes, and the rows of the mixture."""

    def __init__(self, train: Numbers, test: Numbers, is_state: np.ndarray) -> None:
        self.is_state, self.widths = is_state, train.widths[~is_state]
        known = train.x[:, ~is_state]
        self.mean, self.scale = known.mean(axis=0), known.std(axis=0) + 1e-12
        both = np.concatenate([train.x, test.x])[:, is_state]
        self.levels = [np.unique(column) for column in both.T]
        self.ends = np.cumsum([len(levels) for levels in self.levels])[:-1]
        spans = self.widths[self.widths > 0]
        self.log_volume = float(np.sum(np.log(spans)) - np.sum(np.log(self.scale)))

    def rows(self, x: np.ndarray, rng: np.random.Generator) -> Rows:
        """With uniform noise of the width of the cells."""
        numbers = x[:, ~self.is_state]
        numbers = numbers + self.widths * (rng.random(numbers.shape) - 0.5)
        states = [
            (column[:, None] == levels).astype(float)
            for column, levels in zip(x[:, self.is_state].T, self.levels, strict=True)
        ]
        empty = np.zeros((len(x), 0))
        return Rows((numbers - self.mean) / self.scale, np.concatenate([empty, *states], axis=1))

    def likeliest(
        self, x: np.ndarray, components: int, ridge: float, rng: np.random.Generator
    ) -> Fitted:
        """The best of several starts; few rows are noised several times."""
        copies = 4 if len(x) < 2000 and np.any(self.widths > 0) else 1
        rows = self.rows(np.tile(x, (copies, 1)), rng)
        ends = self.ends if len(self.levels) else np.array([], int)
        found = [
            estimated(rows, ends, components, ridge * copies, rng)
            for _ in range(STARTS if len(x) < 2000 else 1)
        ]
        return max(found, key=lambda one: logsumexp(one.joint(rows), axis=1).mean())

    def log_prob(
        self, fitted: Fitted, x: np.ndarray, rng: np.random.Generator, draws: int
    ) -> np.ndarray:
        """In the units of the table."""
        each = [logsumexp(fitted.joint(self.rows(x, rng)), axis=1) for _ in range(draws)]
        return logsumexp(each, axis=0) - np.log(draws) + self.log_volume
