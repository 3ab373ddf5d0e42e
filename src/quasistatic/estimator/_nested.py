"""The `DiffusionDensity` within another estimator."""

from typing import Any

import numpy as np
from sklearn.base import clone

from quasistatic.errors import SettingError
from quasistatic.estimator.density import DiffusionDensity


def fresh_density(
    settings: DiffusionDensity | None, random: np.random.RandomState
) -> DiffusionDensity:
    """An unfitted density with these settings; its seed is drawn if it has none.

    Args:
        settings: a `DiffusionDensity`, which stays as it is; None takes the defaults.
        random: random generator of the estimator around it.

    Raises:
        SettingError: `settings` is something else.
    """
    seed = int(random.randint(2**31 - 1))
    if settings is None:
        return DiffusionDensity(random_state=seed)
    if not isinstance(settings, DiffusionDensity):
        fix = "give a DiffusionDensity with the settings of the fit, or None"
        raise SettingError(f"density = {settings!r} is no DiffusionDensity", fix=fix)
    density: Any = clone(settings)
    return density if density.random_state is not None else density.set_params(random_state=seed)
