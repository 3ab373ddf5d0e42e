"""Observed cells: a delta at a value, the interval of a rounded one, the state of a discrete
one.
"""

from typing import Self

import jax.numpy as jnp
import numpy as np

from quasistatic.data.cells import Cells
from quasistatic.numerics import LOG_ZERO
from quasistatic.posterior.belief import Belief, NormalBelief
from quasistatic.posterior.evidence import AbstractClosedEvidence, block_of
from quasistatic.trajectory import Row
from quasistatic.typing import Array, Float, State


class Observed(AbstractClosedEvidence):
    """The cells of a row that are observed, another subset in every row.

    A cell of a rounded or integer column is its interval [z - w/2, z + w/2]; one without width is a
    delta, and log E r then a log-density. A cell at an atom says nothing of z (the discrete block
    has it): z is integrated out.

    Args:
        blocks: the row's cells, one `Cells` per block.
    """

    blocks: tuple[Cells, ...]

    @classmethod
    def of(cls, row: Row) -> Self:
        """Of a row, or of a table [N, D]."""
        return cls(tuple(map(_plain, row)))

    def log_prob(self, x_0: State) -> Float[Array, ""]:
        total = jnp.zeros(())
        for i, cells in enumerate(self.blocks):
            x = block_of(x_0, i)
            if cells.width is None:
                inside = x == cells.value
            else:
                inside = jnp.abs(x - cells.value) <= 0.5 * cells.width
            total = total + jnp.sum(jnp.where(cells.observed & ~inside, LOG_ZERO, 0.0))
        return total

    def condition(self, belief: Belief) -> Belief:
        for i, (cells, part) in enumerate(zip(self.blocks, belief.parts, strict=True)):
            if isinstance(part, NormalBelief):
                assert cells.width is not None  # `of` has filled it in
                belief = belief.updated(i, *part.pin(cells.observed, cells.value, cells.width))
            else:
                states = jnp.arange(part.log_probs.shape[1], dtype=jnp.int32)
                other = cells.observed[:, None] & (states[None, :] != cells.value[:, None])
                belief = belief.updated(i, *part.times(jnp.where(other, LOG_ZERO, 0.0)))
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
