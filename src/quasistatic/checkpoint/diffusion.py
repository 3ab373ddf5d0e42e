"""A diffusion model in its folder."""

import os
from typing import Any, NamedTuple

from quasistatic.assemble import skeleton
from quasistatic.checkpoint.arrays import arrays_of, with_arrays
from quasistatic.checkpoint.declared import check_sizes
from quasistatic.checkpoint.folder import Contents, decoded, read_contents, write_contents
from quasistatic.config import ModelConfig, TrainConfig
from quasistatic.data.codec import Codec
from quasistatic.data.constraints.stored import check_free
from quasistatic.data.constraints.ties import Ties
from quasistatic.data.schema import Schema
from quasistatic.model import DiffusionModel

__all__ = ["StoredModel", "load_model", "save_model"]


class StoredModel(NamedTuple):
    """What a model folder holds."""

    model: DiffusionModel
    codec: Codec
    model_config: ModelConfig
    train_config: TrainConfig
    manifest: dict[str, Any]
    ties: Ties | None = None


def save_model(
    path: str | os.PathLike[str],
    model: DiffusionModel,
    codec: Codec,
    model_config: ModelConfig,
    train_config: TrainConfig,
    record: dict[str, Any],
    *,
    ties: Ties | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Write a model folder, whole or not at all; an older one is replaced at the last moment.

    Args:
        path: path of the model folder.
        model: the trained model.
        codec: map between the columns of the table and the blocks of the model.
        model_config: settings that the model was assembled from.
        train_config: settings of the training of the model.
        record: entries of the manifest, in JSON types: data fingerprint, history and the like.
        ties: how the table is made from the columns of the model; None (default) where it has no
            constraints.
        force: whether an existing model folder is replaced (default False).

    Returns:
        The manifest.

    Raises:
        OutputError: the path exists, or cannot be written.
    """
    coded = codec.to_json()
    schema = coded.pop("schema")
    config = {"model": model_config.to_json(), "train": train_config.to_json(), "codec": coded}
    if ties is not None:
        config |= {"ties": {"free": schema, "combinations": ties.to_json(), "room": ties.room()}}
        schema = ties.schema.to_json()
    return write_contents(path, Contents(config, schema, arrays_of(model), record), force=force)


def load_model(path: str | os.PathLike[str]) -> StoredModel:
    """Read a model folder after checking its sums.

    Raises:
        ModelFolderError: missing, incomplete, altered, or of an unknown format.
    """
    return decoded(path, read_contents(path), _build)


def _build(contents: Contents) -> StoredModel:
    config = contents.config
    ties, schema = None, contents.schema
    if "ties" in config:
        stored = config["ties"]
        ties, schema = (
            Ties.from_json(Schema.from_json(schema), stored["combinations"], stored.get("room")),
            stored["free"],
        )
        check_free(ties, Schema.from_json(schema))
    codec = Codec.from_json(config["codec"] | {"schema": schema})
    model_config = ModelConfig.from_json(config["model"])
    train_config = TrainConfig.from_json(config["train"])
    check_sizes(model_config, codec, contents.arrays)
    empty = skeleton(model_config, codec.typical_width, codec.marginals, codec.limits)
    model = with_arrays(empty, contents.arrays)
    return StoredModel(model, codec, model_config, train_config, contents.manifest, ties)
