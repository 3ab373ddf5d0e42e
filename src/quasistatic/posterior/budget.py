"""How long and in what company the particles walk that fill a row, where nothing else is asked
for.
"""

from typing import NamedTuple

from quasistatic.errors import SettingError
from quasistatic.model import DiffusionModel, thin

STEPS = 32
"""Steps of a walk among particles."""
MOST_STEPS = 64
PARTICLES = 16
MOST_PARTICLES = 128

CELL_WALKS = 1 << 25
"""Rows x columns x particles x steps of a filling: 16 particles in 32 steps for 6,500 rows of 10
columns."""


class Effort(NamedTuple):
    """Of every row of a table."""

    particles: int
    steps: int


def effort(rows: int, columns: int) -> Effort:
    """Particles and steps for so many rows: small tables are filled more exactly, large ones with
    16 particles in 32 steps.

    Example:
        >>> effort(300, 5), effort(6500, 10)
        (Effort(particles=128, steps=64), Effort(particles=16, steps=32))
    """
    walks = CELL_WALKS // max(rows * columns, 1)
    steps = MOST_STEPS if walks >= MOST_STEPS * 2 * PARTICLES else STEPS
    particles = (
        1 << max(walks // steps, 1).bit_length() - 1
    )  # a power of two: few shapes to compile for
    return Effort(min(max(particles, PARTICLES), MOST_PARTICLES), steps)


def shortened(model: DiffusionModel, steps: int | None) -> DiffusionModel:
    """The model on `steps` of its T steps, evenly spaced; by default at most `STEPS`. The model
    itself if it has no more.

    Args:
        model: the model.
        steps: how many.

    Raises:
        SettingError: fewer than one.
    """
    T = model.trajectory_length
    wanted = STEPS if steps is None else steps
    if wanted < 1:
        raise SettingError(f"steps = {steps} must be at least 1")
    if wanted >= T:
        return model
    return thin(model, sorted({round((k + 1) * T / wanted) for k in range(wanted)}))
