"""Rows with holes, completed by draws of a first model, for the training of a second.

A row with holes teaches the network what the observed cells say of one another with the others
absent. Samples and fillings are made with every cell present, and where a table is wide and its
holes many, hardly any row of it is whole. So the holes are filled by draws of a model that was
trained on the rows as they are, and the model that is kept learns from both. (One step of Monte
Carlo expectation maximisation, Wei and Tanner 1990, with the masked bound kept beside it.)
"""

import jax
import numpy as np

from quasistatic.data.cells import Cells, EncodedTable
from quasistatic.data.codec import Codec
from quasistatic.data.disk.table import AnyTable
from quasistatic.data.schema import Schema
from quasistatic.model import DiffusionModel
from quasistatic.posterior.budget import effort, shortened
from quasistatic.posterior.query import impute_rows
from quasistatic.typing import Key

COMPLETIONS = 4
"""Completed copies of every row, beside the row as it is: a fifth of the training keeps to the
masked bound."""
LEAST_SHARE = 0.05
"""Least share of rows with holes: with fewer, the whole rows are enough."""
ENOUGH_HELD_OUT = 100
"""Held-out rows that decide between trainings of completed rows; no further fold is trained on, as
such trainings are long."""
MOST_CELLS = 1 << 18
"""Most cells in rows with holes: to complete more of them would take longer than the training."""


def worth_completing(table: AnyTable, schema: Schema) -> bool:
    """Whether the holes are many enough to matter, and few enough to be filled in a time like that
    of the training.

    Args:
        table: table of the rows that are trained on.
        schema: schema of the table's columns.
    """
    cells = sum(schema.block_sizes)
    if LEAST_SHARE * len(table) * cells >= MOST_CELLS:
        return False  # without a look at the rows, which may lie on the disk
    with_holes = int(np.count_nonzero(~table.whole(schema.names)))
    return with_holes > LEAST_SHARE * len(table) and with_holes * cells <= MOST_CELLS


def with_completions(
    model: DiffusionModel, codec: Codec, encoded: EncodedTable, *, key: Key
) -> EncodedTable:
    """The rows as they are, then all rows `COMPLETIONS` times with their holes filled, each time by
    another draw.

    Args:
        model: model that was trained on the rows.
        codec: codec of the rows.
        encoded: encoded cells of the N rows.
        key: random key of the draws.

    Returns:
        (1 + COMPLETIONS) N rows. A row that is impossible under the model keeps its holes.
    """
    short = shortened(model, None)
    # Of too few particles, drawn cells depend less on the observed ones than the model says.
    n_holed = int(np.count_nonzero(~encoded.whole))
    worth = effort(n_holed, model.forward.n_columns, short.trajectory_length)
    found = impute_rows(
        short, encoded.rows, n_imputations=COMPLETIONS, particles=worth.particles, key=key
    )
    possible = ~found.impossible[:, None]
    tables = [encoded]
    for i in range(COMPLETIONS):
        drawn = codec.settle([block[:, i] for block in found.draws])
        pairs = zip(encoded.rows, drawn.rows, strict=True)
        blocks = tuple(_filled(here, there, possible) for here, there in pairs)
        tables.append(
            EncodedTable(blocks, np.where(possible[:, 0], drawn.log_volume, encoded.log_volume))
        )
    rows = jax.tree.map(lambda *parts: np.concatenate(parts), *(table.rows for table in tables))
    return EncodedTable(rows, np.concatenate([table.log_volume for table in tables]))


def _filled(here: Cells, there: Cells, possible: np.ndarray) -> Cells:
    """A block with the cells of another where it has none of its own."""
    hole = ~here.observed & possible
    value, width, filler = jax.tree.map(
        lambda own, other: np.where(hole, other, own).astype(own.dtype),
        (here.value, here.width, here.filler),
        (there.value, there.width, there.filler),
    )
    return Cells(value, here.observed | hole, width, filler)
