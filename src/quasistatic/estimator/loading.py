"""`load`: a density from the model folder that it was saved to."""

import os

import numpy as np

from quasistatic.checkpoint import load_model
from quasistatic.errors import ModelFolderError
from quasistatic.estimator.density import DiffusionDensity
from quasistatic.fitted.model import Fitted

__all__ = ["load"]


def load(path: str | os.PathLike[str]) -> DiffusionDensity:
    """The model of a folder that `DiffusionDensity.save` or `quasistatic fit` wrote; its SHA-256
    sums are checked.

    Args:
        path: path of the model folder.

    Raises:
        ModelFolderError: missing, incomplete, altered, or of an unknown format.
    """
    stored = load_model(path)
    try:
        density = DiffusionDensity(**stored.manifest["parameters"])
    except TypeError as error:
        fix = "use the version of quasistatic that wrote it, or fit again"
        raise ModelFolderError(
            f"it has a setting that this version does not know: {error}", where=str(path), fix=fix
        ) from error
    record = {
        name: value
        for name, value in stored.manifest.items()
        if name
        not in ("format", "versions", "sha256", "parameters", "n_features_in", "feature_names_in")
    }
    density._remember(
        Fitted(stored.model, stored.codec, stored.model_config, stored.train_config, record)
    )
    density.manifest_ = stored.manifest
    density.n_features_in_ = stored.manifest["n_features_in"]
    if stored.manifest["feature_names_in"] is not None:
        density.feature_names_in_ = np.asarray(stored.manifest["feature_names_in"], dtype=object)
    return density
