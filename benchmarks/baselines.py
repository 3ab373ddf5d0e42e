"""Baselines in the same units: an independent-marginals model and scikit-learn's Gaussian mixture,
both chosen by validation.

Columns have the base measure that `quasistatic` gives them: a value on a lattice (integers, 0.1)
has the probability mass of its cell, everything else a density. The mixture gets every discrete
column as a lattice of step 1 over its codes, which is how a density model of numbers would be
applied to such a table; its mass of a cell is the mean of the density over the cell, estimated with
32 uniform draws.
"""

import numpy as np
from scipy.special import logsumexp
from sklearn.mixture import GaussianMixture

from quasistatic.data.codec import Codec

DRAWS = 32


class Numbers:
    """A table as numbers with the width of each column's cell (0: density)."""

    def __init__(self, x: np.ndarray, widths: np.ndarray) -> None:
        self.x, self.widths = x, widths

    def noisy(self, rng: np.random.Generator) -> np.ndarray:
        """Values with uniform noise of the width of their cells (dequantisation)."""
        return self.x + self.widths * (rng.random(self.x.shape) - 0.5)

    @property
    def log_cell(self) -> float:
        """Sum of log widths: from the mean density over a cell to its mass."""
        return float(np.sum(np.log(self.widths[self.widths > 0])))


def numbers(codec: Codec, frame) -> Numbers:
    """Continuous columns as they are, discrete ones as codes."""
    from quasistatic.data.columns.states import read_codes

    columns, widths = [], []
    for column in codec.schema.columns:
        if column.is_discrete:
            if column.constant:
                continue
            columns.append(read_codes(frame[column.name], column, "benchmark")[0].astype(float))
            widths.append(1.0)
        else:
            columns.append(frame[column.name].to_numpy().astype(float))
            widths.append(column.step or 0.0)
    return Numbers(np.stack(columns, axis=1), np.array(widths))


def mixture(train: Numbers, valid: Numbers, test: Numbers, seed: int) -> tuple[np.ndarray, str]:
    """Test log-likelihood per row (nats, same base measure) of the Gaussian mixture that is best on
    the validation rows.
    """
    rng = np.random.default_rng(seed)
    mean, scale = train.x.mean(axis=0), train.x.std(axis=0) + 1e-12
    repeats = max(1, min(10, 5000 // len(train.x)))

    def log_density(model: GaussianMixture, data: Numbers) -> np.ndarray:
        draws = [model.score_samples((data.noisy(rng) - mean) / scale) for _ in range(DRAWS)]
        return logsumexp(draws, axis=0) - np.log(DRAWS) - np.log(scale).sum() + data.log_cell

    best = None
    rows = np.concatenate([(train.noisy(rng) - mean) / scale for _ in range(repeats)])
    for components in (1, 2, 3, 5, 10, 20, 50):
        if components * 4 > len(train.x):
            break
        for kind in ("full", "diag"):
            for floor in (1e-6, 1e-3):
                model = GaussianMixture(
                    components,
                    covariance_type=kind,
                    reg_covar=floor,
                    random_state=seed,
                    max_iter=100,
                )
                model.fit(rows)
                reached = log_density(model, valid).mean()
                if best is None or reached > best[0]:
                    best = reached, model, f"{components} {kind}, floor {floor:g}"
    return log_density(best[1], test), best[2]


def independent(train: Numbers, valid: Numbers, test: Numbers, seed: int) -> np.ndarray:
    """One such mixture, or smoothed frequencies (the better on the validation rows), per column."""
    total = np.zeros(len(test.x))
    for j in range(train.x.shape[1]):
        parts = [Numbers(d.x[:, [j]], d.widths[[j]]) for d in (train, valid, test)]
        options = [mixture(*parts, seed)[0]]
        reached = [mixture(parts[0], parts[1], parts[1], seed)[0].mean()]
        if train.widths[j] > 0:
            values, counts = np.unique(np.round(parts[0].x / train.widths[j]), return_counts=True)
            span = values.max() - values.min() + 2
            for smoothing in (0.01, 0.1, 1.0):
                log_prob = [
                    _frequencies(d, values, counts, smoothing, span) for d in (parts[1], parts[2])
                ]
                reached.append(log_prob[0].mean())
                options.append(log_prob[1])
        total += options[int(np.argmax(reached))]
    return total


def _frequencies(
    data: Numbers, values: np.ndarray, counts: np.ndarray, smoothing: float, span: float
) -> np.ndarray:
    table = dict(zip(values.tolist(), counts.tolist(), strict=True))
    seen = np.array([table.get(v, 0) for v in np.round(data.x[:, 0] / data.widths[0]).tolist()])
    return np.log((seen + smoothing) / (counts.sum() + smoothing * span))
