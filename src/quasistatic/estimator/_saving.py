"""A density as a model folder, with scikit-learn's attributes."""

import os
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from quasistatic.checkpoint import save_model
from quasistatic.estimator._validation import fitted_of


def record_of(density: Any, **parameters: Any) -> dict[str, Any]:
    """The record of a fitted density, with all that `load` makes the estimator of again.

    Args:
        density: fitted `DiffusionDensity` or `EnergyDensity`.
        parameters: parameters in JSON types, in place of the estimator's own.
    """
    check_is_fitted(density)
    names, seed = vars(density).get("feature_names_in_"), density.random_state
    # Of a generator its draw is kept, as the seed of the fit.
    kept = {"random_state": int(seed) if isinstance(seed, int | np.integer) else None}
    return density.fitted_.record | {
        "parameters": density.get_params(deep=False) | kept | parameters,
        "n_features_in": density.n_features_in_,
        "feature_names_in": None if names is None else list(names),
    }


def save_density(density: Any, path: str | os.PathLike[str], force: bool) -> dict[str, Any]:
    """Write the model folder, whole or not at all, and give its manifest.

    Args:
        density: fitted `DiffusionDensity`.
        path: path of the model folder.
        force: whether what is there is replaced.

    Raises:
        OutputError: the path exists (and not `force`), or cannot be written.
    """
    fitted = fitted_of(density)
    parts = fitted.model, fitted.codec, fitted.model_config, fitted.train_config
    return save_model(path, *parts, record_of(density), ties=fitted.ties, force=force)
