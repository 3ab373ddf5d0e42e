r"""The numbers of one model on test rows: K, L_null, and bounds of log p, in the experiment's
units.

    L_null = mean log pi(x_0),    pi = N(0, I) or independent Bernoulli(m):

the log-likelihood of a model without any structure.

The pi of an absorbing kernel is the mask, which has no data; there it is the model that raw = 0
stands for, columns of the data's frequencies. A cell of positive width has its mass under pi. Bits
= nats / ln 2. All columns of one table have one base measure, so that K - L_null does not depend on
it.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.bound import evaluate_log_weights, evaluate_terms
from quasistatic.bound.isir import chain_bracket
from quasistatic.data.cells import Cells
from quasistatic.distribution import AbstractDistribution, Categorical
from quasistatic.experiments.experiment import Data, Setting
from quasistatic.forward import AbsorbingDiffusion, AbstractDiffusion
from quasistatic.model import DiffusionModel
from quasistatic.typing import Key

CHUNK_CELLS = 2**17
"""Cells of the (row, repetition) pairs that are evaluated at once, about."""


def _null(block: AbstractDiffusion) -> AbstractDistribution:
    """The distribution of rows without structure."""
    return (
        Categorical(block.log_marginals) if isinstance(block, AbsorbingDiffusion) else block.prior()
    )


def log_null(block: AbstractDiffusion, rows: Cells) -> np.ndarray:
    """log pi of every row's cells, nats `[N]`."""
    prior = _null(block)

    def one(row: Cells) -> jax.Array:
        return jnp.sum(prior.log_cell(row.value, row.width))

    found = [
        jax.vmap(one)(jax.tree.map(jnp.asarray, rows.take(slice(i, i + 1024))))
        for i in range(0, len(rows.value), 1024)
    ]
    return np.concatenate([np.asarray(x, np.float64) for x in found])


def measure(
    model: DiffusionModel, data: Data, setting: Setting, per_row: int, *, key: Key
) -> dict[str, float]:
    """K, L_null, lower and upper with standard errors, in bits per unit.

    `lower` is the importance-weighted bound of `setting.trajectories` trajectories a row; `upper`
    its counterpart by the i-SIR chain, an upper bound for long chains only. Standard errors are
    those of a mean over the test rows.
    """
    rows = data.test
    n_columns = rows.value.shape[1]
    chunk = max(CHUNK_CELLS // n_columns, 16)
    k_key, ais_key = jax.random.split(key)
    terms = evaluate_terms(model, (rows,), repetitions=setting.repetitions, key=k_key, chunk=chunk)
    log_weights = evaluate_log_weights(
        model, (rows,), trajectories=setting.trajectories, key=ais_key, chunk=chunk
    )
    bracket = chain_bracket(log_weights, sweeps=min(4, setting.trajectories - 1))
    k = np.mean(np.asarray(terms.total), axis=1)
    null = log_null(model.forward.blocks[0], rows)

    def bits(nats: np.ndarray) -> float:
        return float((np.mean(nats) + data.log_volume) / (math.log(2) * per_row))

    def error(nats: np.ndarray) -> float:
        return float(np.std(nats) / math.sqrt(len(nats)) / (math.log(2) * per_row))

    found = {
        "K": bits(k),
        "K_stderr": error(k),
        "L_null": bits(null),
        "K_minus_L_null": float(np.mean(k - null) / (math.log(2) * per_row)),
        "lower": bits(bracket.lower),
        "lower_stderr": error(bracket.lower),
        "upper": bits(bracket.upper),
        "lower_minus_K": float(np.mean(bracket.lower - k) / (math.log(2) * per_row)),
        "mean_ess": float(np.mean(bracket.ess)),
    }
    if data.truth_nats is not None:
        found["truth"] = data.truth_nats / (math.log(2) * per_row)
        found["gap_of_lower"] = found["truth"] - found["lower"]
    return found
