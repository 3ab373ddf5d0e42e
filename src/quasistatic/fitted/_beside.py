"""What cells that go together say where they do not give a cell of the model: a country without its
city is a set of cities.
"""

import jax.numpy as jnp
import numpy as np

from quasistatic.data.codec import Codec
from quasistatic.data.constraints.ties import Ties
from quasistatic.data.table import Table
from quasistatic.numerics import LOG_ZERO
from quasistatic.posterior import Soft
from quasistatic.posterior.query import Beside


def beside(codec: Codec, ties: Ties, table: Table) -> Beside | None:
    """What is known of the rows of a table beside the cells of the model; None where nothing is.

    Args:
        codec: codec of the model.
        ties: ties of the table.
        table: table of N rows with the columns of the ties, completed.
    """
    found, informed = [], np.zeros(len(table), bool)
    for one in ties.combinations:
        allowed = one.allowed(table, ties.schema)
        some = (allowed.sum(axis=1) > 1) & ~allowed.all(axis=1)
        if some.any():
            informed |= some
            found.append((codec.places(one.free)[0].index, allowed | ~some[:, None]))
    if not found or codec.states is None:
        return None
    log_r = np.zeros((len(table), len(codec.n_states), max(codec.n_states)), np.float32)
    for index, allowed in found:
        log_r[:, index, : allowed.shape[1]] = np.where(allowed, 0.0, LOG_ZERO)
    return Beside(Soft(jnp.asarray(log_r), codec.states), informed)
