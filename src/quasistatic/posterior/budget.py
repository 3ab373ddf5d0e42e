"""How many particles fill a row, and in how many steps, where nothing else is asked for."""

from typing import NamedTuple

from quasistatic.config import require_whole
from quasistatic.model import DiffusionModel, thin

__all__ = ["MOST_PARTICLES", "PARTICLES", "STEPS", "Effort", "effort", "shortened"]

STEPS = 32
"""Steps of a walk among particles."""
_MOST_STEPS = 64
"""Steps of a walk of a small table."""
PARTICLES = 16
"""Particles of a row at least."""
MOST_PARTICLES = 128
"""Particles of a row at most."""

_CELL_WALKS = 1 << 24
"""Rows x columns x particles x steps of a filling: 16 particles in 8 steps for 13,000 rows of 10
columns."""


class Effort(NamedTuple):
    """What is spent on every row of a table.

    Args:
        particles: number of particles of a row.
        steps: number of steps of the particles' walk.
    """

    particles: int
    steps: int


def effort(rows: int, columns: int, T: int) -> Effort:
    """Particles and steps for so many rows: small tables are filled more exactly, large ones with
    16 particles in 32 steps at most.

    Args:
        rows: number of rows that are filled.
        columns: number of the model's columns.
        T: number of the model's steps.

    Example:
        >>> effort(450, 30, 16), effort(10_000, 10, 8)
        (Effort(particles=64, steps=16), Effort(particles=16, steps=8))
    """
    walks = _CELL_WALKS // max(rows * columns, 1)
    most = _MOST_STEPS if walks >= _MOST_STEPS * PARTICLES else STEPS
    steps = min(most, T)
    # A power of two: few shapes to compile for.
    particles = 1 << max(walks // steps, 1).bit_length() - 1
    return Effort(min(max(particles, PARTICLES), MOST_PARTICLES), steps)


def shortened(model: DiffusionModel, steps: int | None = None) -> DiffusionModel:
    """The model on `steps` of its T steps, evenly spaced; the model itself if it has no more.

    Args:
        model: model of T steps.
        steps: number of steps; None (default) takes `STEPS`, 32.

    Raises:
        SettingError: fewer than one step.
    """
    T = model.trajectory_length
    wanted = STEPS if steps is None else steps
    require_whole("steps", wanted, 1)
    if wanted >= T:
        return model
    return thin(model, sorted({round((k + 1) * T / wanted) for k in range(wanted)}))
