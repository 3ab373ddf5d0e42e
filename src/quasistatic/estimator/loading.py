"""`load`: a density from the model folder that it was saved to."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from quasistatic.cache import enable_compilation_cache
from quasistatic.checkpoint import load_model
from quasistatic.checkpoint.folder import DIFFUSION, family_of
from quasistatic.errors import ModelFolderError, SettingError
from quasistatic.estimator.density import DiffusionDensity
from quasistatic.estimator.energy import EnergyDensity
from quasistatic.fitted import energy_store
from quasistatic.fitted.model import Fitted

__all__ = ["Density", "load", "load_diffusion"]

Density = DiffusionDensity | EnergyDensity
"""What `load` gives."""
_NO_RECORD = (
    "format", "family", "versions", "sha256", "parameters", "n_features_in", "feature_names_in",
)  # fmt: skip

_NEEDED = (
    *("data.fingerprint", "data.columns", "history", "seed"),
    *("parameters", "n_features_in", "feature_names_in"),
)
_OF_DIFFUSION = ("data.held_out", "validation_bound_nats")
"""Entries of the manifest that a fitted model has."""


def load(path: str | os.PathLike[str]) -> Density:
    """The model of a folder that `save` or `quasistatic fit` wrote; its SHA-256 sums are checked.

    Args:
        path: path of the model folder.

    Raises:
        ModelFolderError: missing, incomplete, altered, or of an unknown format or family.
    """
    enable_compilation_cache()
    family = family_of(path)
    if family not in _FAMILIES:
        raise ModelFolderError(
            f"a model of the family {family!r} is unknown to this version",
            where=str(path),
            fix="use the version of quasistatic that wrote it, or fit again",
        )
    return _FAMILIES[family](path)


def load_diffusion(path: str | os.PathLike[str]) -> DiffusionDensity:
    """A diffusion model, for what no other model can answer.

    Args:
        path: path of the model folder.

    Raises:
        ModelFolderError: as `load`.
        SettingError: the model is another.
    """
    density = load(path)
    if isinstance(density, DiffusionDensity):
        return density
    raise SettingError(
        f"this needs a diffusion model, and the folder holds an {type(density).__name__}",
        where=str(path),
        fix="fit with --model diffusion; `score`, `sample`, `compare` and `report` take any model",
    )


def _load_diffusion(path: str | os.PathLike[str]) -> DiffusionDensity:
    stored = load_model(path)
    density = _shell(DiffusionDensity, stored.manifest, path, (*_NEEDED, *_OF_DIFFUSION))
    density._remember(
        Fitted(
            stored.model,
            stored.codec,
            stored.model_config,
            stored.train_config,
            _record(stored.manifest),
            stored.ties,
        )
    )
    density.manifest_ = stored.manifest
    return density


def _load_energy(path: str | os.PathLike[str]) -> EnergyDensity:
    fitted, manifest = energy_store.load_energy(path)
    density = _shell(EnergyDensity, manifest, path, _NEEDED)
    return density._remember(replace(fitted, record=_record(manifest)), manifest)


_FAMILIES: dict[str, Callable[[str | os.PathLike[str]], Density]] = {
    DIFFUSION: _load_diffusion,
    energy_store.FAMILY: _load_energy,
}


def _record(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest without what was added on saving."""
    return {name: value for name, value in manifest.items() if name not in _NO_RECORD}


def _shell(
    kind: Any, manifest: dict[str, Any], path: str | os.PathLike[str], needed: Sequence[str]
) -> Any:
    """The estimator of the stored parameters, with scikit-learn's attributes."""
    held = {*manifest, *(f"data.{name}" for name in manifest.get("data", ()))}
    absent = [name for name in needed if name not in held]
    if absent:
        raise ModelFolderError(
            f"the manifest has no {', '.join(absent)}", where=str(path), fix="fit again"
        )
    try:
        density = kind(**manifest["parameters"])
    except TypeError as error:
        fix = "use the version of quasistatic that wrote it, or fit again"
        raise ModelFolderError(
            f"it has a setting that this version does not know: {error}", where=str(path), fix=fix
        ) from error
    density.n_features_in_ = manifest["n_features_in"]
    if manifest["feature_names_in"] is not None:
        density.feature_names_in_ = np.asarray(manifest["feature_names_in"], dtype=object)
    return density
