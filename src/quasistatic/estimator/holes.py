"""Likelihoods of tables with holes: a row with missing cells has the log-evidence of the cells that
are there.
"""

from typing import Any

import jax
import numpy as np

from quasistatic.data.cells import EncodedTable
from quasistatic.estimator.methods import METHODS
from quasistatic.model import DiffusionModel
from quasistatic.posterior.query import evidence_of_rows
from quasistatic.typing import Key

LEAST_PARTICLES = 16
"""Particles of a row with holes, where the method has fewer trajectories."""


def evaluate_table(
    model: DiffusionModel, encoded: EncodedTable, method: str, n: int, *, key: Key
) -> dict[str, Any]:
    """Fields of a `Likelihood` in the model's units: whole rows by the method, the others by
    sequential Monte Carlo over their holes.

    The latter's particles sum over the missing cells of the joint model; their number is at least
    `LEAST_PARTICLES`. They have no named terms, and no upper side: a method with one wants whole
    rows.
    """
    whole = encoded.whole
    if whole.all():
        return METHODS[method].evaluate(model, encoded.rows, n, key=key)
    holed = encoded.take(np.flatnonzero(~whole))
    below = evidence_of_rows(
        model, holed.rows, particles=max(n, LEAST_PARTICLES), key=jax.random.fold_in(key, 1)
    )
    found: dict[str, Any] = {}
    if whole.any():
        found = METHODS[method].evaluate(
            model, encoded.take(np.flatnonzero(whole)).rows, n, key=key
        )
    placed, n_rows = {}, len(encoded)
    for name, part in below._asdict().items():
        values = np.empty(n_rows)
        values[~whole] = part
        if whole.any():
            values[whole] = found[name]
        placed[name] = values
    return placed
