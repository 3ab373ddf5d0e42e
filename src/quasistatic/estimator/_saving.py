"""A density as a model folder, with scikit-learn's attributes."""

import os
from typing import Any

import numpy as np

from quasistatic.checkpoint import save_model
from quasistatic.estimator._validation import fitted_of


def save_density(density: Any, path: str | os.PathLike[str], force: bool) -> dict[str, Any]:
    """Write the model folder, whole or not at all, and give its manifest.

    Args:
        density: fitted `DiffusionDensity`.
        path: path of the model folder.
        force: whether what is there is replaced.

    Raises:
        OutputError: the path exists (and not `force`), or cannot be written.
    """
    fitted, names = fitted_of(density), vars(density).get("feature_names_in_")
    seed = density.random_state  # of a generator its draw is kept, as the seed of the fit
    kept = {"random_state": int(seed) if isinstance(seed, int | np.integer) else None}
    record = fitted.record | {
        "parameters": density.get_params(deep=False) | kept,
        "n_features_in": density.n_features_in_,
        "feature_names_in": None if names is None else list(names),
    }
    parts = fitted.model, fitted.codec, fitted.model_config, fitted.train_config
    return save_model(path, *parts, record, ties=fitted.ties, force=force)
