"""What the files of a model folder may hold: types, ranges and sizes, one declaration a file.

`schema.json` is declared by `data.schema.Schema`, the settings in `config.json` by `ModelConfig`
and `TrainConfig`, its codec by `data/stored.py`.
"""

from typing import Annotated, Any, NotRequired, TypedDict

import numpy as np

from quasistatic.config import ModelConfig
from quasistatic.data.codec import Codec
from quasistatic.data.layout import are_images
from quasistatic.records import Misfit, Within, check, shown

__all__ = ["LARGEST", "check_config", "check_finite", "check_manifest", "check_sizes"]

LARGEST = {"manifest.json": 2**26, "config.json": 2**28, "schema.json": 2**28}
"""Bytes that a file has at most; `model.safetensors` has as many as there is memory."""
_MOST_TABLE = 2**28
"""States times steps whose tables of probabilities are made anew on loading."""
_SPARE, _MOST_SMALL = 8, 2**16
"""What is made on loading may be larger than what is stored by this factor, or as small as this."""
_Sum = Annotated[str, Within(64, 64)]
_Count = Annotated[int, Within(0, 2**62)]


class _Ties(TypedDict):
    """What a table with constraints has beside its schema: that of the free columns."""

    free: dict[str, Any]
    combinations: list[dict[str, Any]]
    room: NotRequired[dict[str, Any]]


class _Config(TypedDict):
    model: dict[str, Any]
    train: dict[str, Any]
    codec: dict[str, Any]
    ties: NotRequired[_Ties]


class _Data(TypedDict):
    rows: _Count
    fingerprint: NotRequired[str]
    columns: NotRequired[_Count]
    held_out: NotRequired[str]


class _Pattern(TypedDict):
    """Columns whose cells are missing in so many rows."""

    columns: list[str]
    rows: _Count


class _Feature(TypedDict):
    name: str
    mean: NotRequired[float]
    sd: NotRequired[Annotated[float, Within(5e-324, 1e300)]]
    values: NotRequired[list[str]]


class _Flags(TypedDict):
    """Logistic regressions of the flags of missing cells."""

    groups: list[list[str]]
    features: list[_Feature]
    weights: list[list[float]]


class _Event(TypedDict):
    step: _Count
    train_nats: float
    valid_nats: float


class _Certificate(TypedDict):
    rows: _Count
    trajectories: _Count
    steps: _Count
    lower: float | None
    upper: float | None
    gap: float | None
    gap_stderr: float | None
    log_likelihood: float | None
    log_likelihood_stderr: float | None
    ess: float | None
    crooks_slope: float | None
    crooks_stderr: float | None
    seed: int
    unit: NotRequired[str]


class _Normaliser(TypedDict):
    kind: str
    lower: float
    upper: float
    stderr_lower: NotRequired[float]
    stderr_upper: NotRequired[float]


class _Manifest(TypedDict):
    format: int
    versions: dict[str, str]
    sha256: dict[str, _Sum]
    family: NotRequired[str]
    data: NotRequired[_Data]
    seed: NotRequired[Annotated[int, Within(0, 2**63 - 1)]]
    validation_bound_nats: NotRequired[float]
    base_measure: NotRequired[str]
    history: NotRequired[list[_Event]]
    stopped_early: NotRequired[str]
    proposed: NotRequired[list[str]]
    missing: NotRequired[list[_Pattern]]
    missing_given: NotRequired[_Flags]
    certificate: NotRequired[_Certificate]
    parameters: NotRequired[dict[str, Any]]
    n_features_in: NotRequired[_Count]
    feature_names_in: NotRequired[list[str] | None]
    told: NotRequired[dict[str, float | bool]]
    normaliser: NotRequired[_Normaliser]
    starting_bias: NotRequired[list[float]]


def check_manifest(data: Any) -> None:
    """Refuse what is no manifest.

    Args:
        data: content of `manifest.json`.

    Raises:
        Misfit: naming what is not as it is declared.
    """
    check(_Manifest, data)


def check_config(data: Any) -> None:
    """Refuse what is no configuration of a model.

    Args:
        data: content of `config.json`.

    Raises:
        Misfit: naming what is not as it is declared.
    """
    check(_Config, data)


def check_finite(arrays: dict[str, np.ndarray]) -> None:
    """Refuse parameters that are no finite numbers.

    Args:
        arrays: parameters by their paths.

    Raises:
        Misfit: naming the first array.
    """
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.all(np.isfinite(array)):
            raise Misfit(f"array {shown(name)} has parameters that are not finite")
        if array.dtype.kind not in "fiub":
            raise Misfit(f"array {shown(name)} is of the type {array.dtype}")


def check_sizes(config: ModelConfig, codec: Codec, arrays: dict[str, np.ndarray]) -> None:
    """Refuse settings that ask for more than is stored, before anything of that size is made.

    Args:
        config: settings of the model.
        codec: codec of the folder.
        arrays: parameters by their paths.

    Raises:
        Misfit: naming the setting.
    """
    stored = sum(array.size for array in arrays.values())
    cells = 2 * len(codec.transforms) + sum(codec.n_states)
    is_diffusion = config.model == "diffusion"
    # Of each component a product of the columns, and units of a network's last layer.
    each = cells + (config.width if is_diffusion else 0)
    asked = {"components": config.components * each if config.components > 1 else 0}
    if is_diffusion:
        asked |= {"width": config.width**2 if config.image is None else config.width}
        asked |= {"members": config.members, "depth": config.depth * config.members}
    for name, size in asked.items():
        if size > _SPARE * stored + _MOST_SMALL:
            raise Misfit(f"{name} = {getattr(config, name)}, but only {stored} numbers are stored")
    if config.trajectory_length * max(cells, 1) > _MOST_TABLE:
        raise Misfit(f"trajectory_length = {config.trajectory_length} is too long for its columns")
    layout = codec.schema.layout
    shape = layout.shape if are_images(layout) else None
    if config.image != shape:
        raise Misfit(f"image = {config.image}, but the schema's is {shape}")
