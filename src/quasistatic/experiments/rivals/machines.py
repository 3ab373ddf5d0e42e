r"""Benches (a) and (b): samples of a Boltzmann machine that is known, so that every error is.

(a) The spin glass of Sohl-Dickstein, Battaglino and DeWeese (ICML 2011), table 1: `E = x'Jx` on a
10 x 10 lattice (open borders here; the paper does not say), J_ij ~ N(0, 10) between neighbours,
columns of J with sum 0, 20,000 exact samples. Their errors are mean squares over the 10,000 entries
of J and of the correlations.

(b) The machine of maximum likelihood for real bits: nltcs (16 columns), or the penguins as nine
bits.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from quasistatic.experiments.files import data_path
from quasistatic.rivals import exact
from quasistatic.rivals.boltzmann import BoltzmannMachine, dense, machine
from quasistatic.rivals.double import in_double
from quasistatic.rivals.energy import starting_bias
from quasistatic.rivals.graph import complete, lattice
from quasistatic.rivals.transfer import moments

PUBLISHED = {
    "mpf": (0.0172, 0.0025),
    "pseudolikelihood": (0.0582, 0.0036),
    "cd-1": (0.3196, 0.0127),
    "cd-10": (0.3341, 0.0123),
    "tap": (7.7704, 0.0983),
}
"""Mean squared errors of couplings and correlations, ICML 2011, table 1."""
PUBLISHED_SIDE = 10
PENGUINS = Path(__file__).parents[4] / "examples" / "penguins.csv"
PACKAGED = Path(__file__).parents[2] / "examples" / "penguins.csv"
_VARIANCE = 10.0


class Known(NamedTuple):
    """A machine and its samples.

    Args:
        truth: machine that the rows are of.
        train: training rows, `[N, D]`.
        test: test rows, `[M, D]`.
        correlations: correlations of the bits under the truth, `[D, D]`.
        products: E x_i x_j under the truth, `[D, D]`.
    """

    truth: BoltzmannMachine
    train: np.ndarray
    test: np.ndarray
    correlations: np.ndarray
    products: np.ndarray


def glass(side: int, seed: int) -> BoltzmannMachine:
    """The spin glass of a seed on a lattice of side x side."""
    graph = lattice(side, side)
    rng = np.random.default_rng([2011, seed])
    j = rng.normal(0.0, np.sqrt(_VARIANCE), len(graph.edges))
    # p = exp(-x'Jx) / Z: each edge counts twice, the diagonal is minus the sum of its column.
    row_sums = np.asarray(dense(graph, jnp.asarray(j, jnp.float32))).sum(axis=1)
    bias, coupling = jnp.asarray(row_sums, jnp.float32), jnp.asarray(-2.0 * j, jnp.float32)
    return BoltzmannMachine(bias, coupling, graph)


def of_bits(rows: np.ndarray) -> BoltzmannMachine:
    """The complete machine of maximum likelihood for rows of bits."""
    bias = starting_bias(jnp.asarray(rows, jnp.float32).mean(axis=0), len(rows))
    start = machine(complete(rows.shape[1]), bias)
    return exact.fit(start, rows, l2=1e-4).energy


def nltcs() -> np.ndarray:
    """The 16 binary columns of nltcs, `[N, 16]`.

    Raises:
        DataError: the file is missing.
    """
    source = "one of the twenty data sets of Van Haaren and Davis (2012), rows as packed bits"
    with np.load(data_path("debd/nltcs.npz", source=source), allow_pickle=False) as content:
        columns = int(content["n_vars"])
        return np.unpackbits(content["train"], axis=1)[:, :columns].astype(np.float32)


def penguins() -> np.ndarray:
    """The penguins as nine bits: two of the species, two of the islands, the sex, and whether each
    measurement is above its median, `[333, 9]`.
    """
    path = PENGUINS if PENGUINS.exists() else PACKAGED
    frame = pl.read_csv(path, null_values="NA").drop_nulls()
    measured = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
    bits = [
        frame["species"] == "Adelie",
        frame["species"] == "Gentoo",
        frame["island"] == "Biscoe",
        frame["island"] == "Dream",
        frame["sex"] == "male",
        *(frame[name] > frame[name].median() for name in measured),
    ]
    return np.stack([bit.to_numpy() for bit in bits], axis=1).astype(np.float32)


def known(truth: BoltzmannMachine, n_train: int, n_test: int, seed: int) -> Known:
    """Exact samples of a machine, and its correlations."""
    rows = exact.sample(truth, n_train + n_test, key=jax.random.key(seed))
    return Known(truth, rows[:n_train], rows[n_train:], *_pairs(*in_double(moments, truth)))


def errors(known: Known, estimate: BoltzmannMachine | Callable[[], np.ndarray]) -> dict[str, float]:
    """Mean squared errors over all pairs (i, j): of the entries of J, of the correlations, and of
    E x_i x_j, which is what some authors call a correlation.

    Args:
        known: machine that the rows are of.
        estimate: machine that was learned, or a function that draws rows of another model.
    """
    found = {}
    if isinstance(estimate, BoltzmannMachine):
        gap = _matrix(estimate) - _matrix(known.truth)
        found["couplings"] = float(np.mean(gap**2))
        mean, covariance = in_double(moments, estimate)
    else:
        rows = np.asarray(estimate(), np.float64)
        mean, covariance = rows.mean(axis=0), np.cov(rows.T, ddof=0)
    correlations, products = _pairs(mean, covariance)
    found["correlations"] = float(np.mean((correlations - known.correlations) ** 2))
    found["products"] = float(np.mean((products - known.products) ** 2))
    return found


def _pairs(mean: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Correlations, 0 with a constant column, and E x_i x_j of all pairs, `[D, D]` each."""
    scale = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    safe = np.where(scale > 0, scale, 1.0)
    return covariance / np.outer(safe, safe), covariance + np.outer(mean, mean)


def _matrix(energy: BoltzmannMachine) -> np.ndarray:
    """J of `E = x'Jx`."""
    coupling = np.asarray(dense(energy.graph, energy.coupling), np.float64)
    return -0.5 * coupling - np.diag(np.asarray(energy.bias, np.float64))
