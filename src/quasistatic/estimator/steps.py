"""Fewer steps for walks that are repeated often: an even choice out of a long trajectory."""

from quasistatic.errors import SettingError
from quasistatic.model import DiffusionModel, thin

STEPS = 32
"""Steps of a walk among particles, where nothing else is asked for."""


def shortened(model: DiffusionModel, steps: int | None) -> DiffusionModel:
    """The model on `steps` of its T steps, evenly spaced; by default at most `STEPS`. The model itself if it has no more.

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
