"""Whether the few values of a column (a year, a grade, a count to 5) are numbers or states, decided
by held-out rows.

A mixture of products decides, in a fraction of a second for each column: a network would take a
cross-validation. Where order says something, a component's normal distribution of a number needs
two parameters where states need one for each value; where it says nothing, or the values are not
spread like a normal distribution's, the states win.
"""

import numpy as np

from quasistatic.data.cells import EncodedTable
from quasistatic.data.codec import Codec
from quasistatic.data.columns.alternatives import Schemas, as_states
from quasistatic.data.columns.transform import Choice
from quasistatic.data.disk.table import AnyTable
from quasistatic.data.fitted_codec import fit_and_encode
from quasistatic.data.table import Table
from quasistatic.fitting._clusters import FEW_ROWS, best_size
from quasistatic.fitting._folds import Folds

_Encoded = tuple[Codec, EncodedTable, EncodedTable]
_COMPONENTS = 6
"""Products of the mixtures that are compared."""


def with_states(table: AnyTable, schemas: Schemas, transform: Choice, *, seed: int) -> Schemas:
    """The schemas with the values of those columns as states that make held-out rows likelier, one
    column after the other; `FEW_ROWS` rows decide.

    Args:
        table: table of the rows of the fit.
        schemas: schemas of the table.
        transform: kind of the transform of numbers.
        seed: seed of the choice of rows, of the folds and of the estimation.
    """
    if not schemas.few_valued:
        return schemas
    some = _some(table, seed)
    folds = Folds.of(len(some), seed)

    def reached(schemas: Schemas) -> float:
        def encode(
            rest: np.ndarray, held_out: np.ndarray
        ) -> tuple[Codec, EncodedTable, EncodedTable]:
            codec, encoded = fit_and_encode(some.take(rest), schemas.first, transform)
            return codec, encoded, codec.encode(some.take(held_out))

        return best_size(encode, folds, seed=seed, components=_COMPONENTS).held_out_nats

    best = reached(schemas)
    for name in schemas.few_valued:
        other = as_states(schemas, table, name)
        nats = reached(other)
        if nats > best:
            schemas, best = other, nats
    return schemas


def _some(table: AnyTable, seed: int) -> Table:
    n = len(table)
    if n <= FEW_ROWS:
        return table.held()
    chosen = np.random.default_rng(seed).choice(n, FEW_ROWS, replace=False)
    return table.take(np.sort(chosen)).held()
