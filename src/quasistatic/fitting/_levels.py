"""Whether the few values of a column (a year, a grade, a count to 5) are numbers or states, decided
by held-out rows.

A mixture of products decides, in a fraction of a second for each column: a network would take a
cross-validation. Where order says something, a component's normal distribution of a number needs
two parameters where states need one for each value; where it says nothing, or the values are not
spread like a normal distribution's, the states win.
"""

from functools import reduce
from operator import itemgetter

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
    """The schemas with the values of those columns as states that make held-out rows likelier:
    none or all of them, then one column after the other the other way; `FEW_ROWS` rows decide.

    Where states depend on one another, one column alone gains little by being of states.

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

    def with_levels(names: frozenset[str]) -> Schemas:
        return reduce(lambda found, name: as_states(found, table, name), sorted(names), schemas)

    def reached(names: frozenset[str]) -> float:
        schema = with_levels(names).first

        def encode(
            rest: np.ndarray, held_out: np.ndarray
        ) -> tuple[Codec, EncodedTable, EncodedTable]:
            codec, encoded = fit_and_encode(some.take(rest), schema, transform)
            return codec, encoded, codec.encode(some.take(held_out))

        return best_size(encode, folds, seed=seed, components=_COMPONENTS).held_out_nats

    ends = {names: reached(names) for names in (frozenset(), frozenset(schemas.few_valued))}
    chosen, best = max(ends.items(), key=itemgetter(1))
    for name in schemas.few_valued:
        other = chosen ^ {name}
        nats = ends[other] if other in ends else reached(other)
        if nats > best:
            chosen, best = other, nats
    return with_levels(chosen)


def _some(table: AnyTable, seed: int) -> Table:
    n = len(table)
    if n <= FEW_ROWS:
        return table.held()
    chosen = np.random.default_rng(seed).choice(n, FEW_ROWS, replace=False)
    return table.take(np.sort(chosen)).held()
