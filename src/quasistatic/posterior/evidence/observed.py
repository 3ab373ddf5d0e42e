"""Observed cells: a delta at a value, the interval of a rounded one, the state of a discrete
one.
"""

from typing import Self

import jax.numpy as jnp
import numpy as np

from quasistatic.belief import Belief
from quasistatic.data.cells import Cells
from quasistatic.numerics import LOG_ZERO
from quasistatic.posterior.evidence.base import AbstractClosedEvidence
from quasistatic.rows import Row
from quasistatic.typing import Array, Float, State

__all__ = ["Observed"]


class Observed(AbstractClosedEvidence):
    """The cells of a row that are observed, another subset in every row.

    A cell of a rounded or integer column is its interval [z - w/2, z + w/2]; one without width is a
    delta, and log E r then a log-density. A cell at an atom says nothing of z (the discrete block
    has it): z is integrated out.

    Args:
        blocks: cells of the row, one `Cells` [D] per block.
    """

    blocks: tuple[Cells, ...]

    @classmethod
    def of(cls, row: Row) -> Self:
        """The observed cells of a row, or of each row of a table.

        Args:
            row: one `Cells` [D] (of a table [N, D]) per block.
        """
        return cls(tuple(map(_plain, row)))

    def log_prob(self, x_0: State) -> Float[Array, ""]:
        total = jnp.zeros(())
        for cells, x in zip(self.blocks, x_0, strict=True):
            if cells.width is None:
                inside = x == cells.value
            else:
                inside = jnp.abs(x - cells.value) <= 0.5 * cells.width
            total = total + jnp.sum(jnp.where(cells.observed & ~inside, LOG_ZERO, 0.0))
        return total

    def condition(self, belief: Belief) -> Belief:
        for i, (cells, part) in enumerate(zip(self.blocks, belief.parts, strict=True)):
            belief = belief.updated(i, *part.observe(cells))
        return belief

    def tempered(self, share: Float[Array, ""]) -> Self:
        return self


def _plain(cells: Cells) -> Cells:
    """Cells with a width where they are continuous, and no filler: a filler cell is not
    observed.
    """
    if not np.issubdtype(cells.value.dtype, np.floating):
        return Cells(cells.value, cells.observed)
    width = jnp.zeros(cells.value.shape, jnp.float32) if cells.width is None else cells.width
    observed = cells.observed if cells.filler is None else cells.observed & ~cells.filler
    return Cells(cells.value, observed, width)
