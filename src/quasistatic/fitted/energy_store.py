"""A fitted energy in its folder."""

import os
from typing import Annotated, Any, NotRequired, TypedDict

import numpy as np

from quasistatic.checkpoint.arrays import arrays_of, with_arrays
from quasistatic.checkpoint.folder import Contents, decoded, read_contents, write_contents
from quasistatic.data.codec import Codec
from quasistatic.fitted.energy import MEANINGS, FittedEnergy, check_bits
from quasistatic.records import Misfit, Within, check
from quasistatic.rivals.energy import AbstractBinaryEnergy
from quasistatic.rivals.graph import graph_of
from quasistatic.rivals.methods import EnergyName, starting_energy
from quasistatic.rivals.normaliser import Normaliser

__all__ = ["FAMILY", "load_energy", "save_energy"]

FAMILY = "energy"


def save_energy(
    path: str | os.PathLike[str],
    fitted: FittedEnergy,
    record: dict[str, Any],
    *,
    force: bool = False,
) -> dict[str, Any]:
    """Write a model folder, whole or not at all.

    Args:
        path: path of the model folder.
        fitted: energy, codec and settings.
        record: entries of the manifest, in JSON types.
        force: whether an existing model folder is replaced (default False).

    Returns:
        The manifest.

    Raises:
        OutputError: the path exists, or cannot be written.
    """
    coded = fitted.codec.to_json()
    schema = coded.pop("schema")
    config = {"model": fitted.settings, "train": {}, "codec": coded}
    contents = Contents(config, schema, arrays_of(fitted.energy), {"family": FAMILY, **record})
    return write_contents(path, contents, force=force)


def load_energy(path: str | os.PathLike[str]) -> tuple[FittedEnergy, dict[str, Any]]:
    """Read a model folder after checking its sums.

    Returns:
        The fitted energy, without its record, and the manifest.

    Raises:
        ModelFolderError: missing, incomplete, altered, or of an unknown format.
    """
    return decoded(path, read_contents(path), _build)


def _build(contents: Contents) -> tuple[FittedEnergy, dict[str, Any]]:
    codec = Codec.from_json(contents.config["codec"] | {"schema": contents.schema})
    settings, manifest = contents.config["model"], contents.manifest
    check(_Settings, settings, "model")
    check_bits(codec.schema)
    if settings["columns"] != len(codec.schema.columns):
        raise Misfit(f"columns = {settings['columns']}, but the schema has others")
    if settings.get("hidden", 1) > sum(array.size for array in contents.arrays.values()):
        raise Misfit(f"hidden = {settings['hidden']}, but fewer numbers are stored")
    if len(manifest["starting_bias"]) != settings["columns"]:
        raise Misfit("starting_bias has another length than the columns")
    energy = with_arrays(_skeleton(settings), contents.arrays)
    normaliser = Normaliser(**manifest["normaliser"])
    if normaliser.kind not in MEANINGS:
        raise Misfit(f"no normaliser is {normaliser.kind!r}")
    return FittedEnergy(energy, codec, normaliser, settings, {}), manifest


class _Settings(TypedDict):
    """The settings of an energy in `config.json`."""

    energy: EnergyName
    method: str
    columns: Annotated[int, Within(1, 100_000)]
    edges: NotRequired[list[tuple[int, int]]]
    hidden: NotRequired[Annotated[int, Within(1, 10**6)]]


def _skeleton(settings: dict[str, Any]) -> AbstractBinaryEnergy:
    """An energy of the stored structure."""
    columns = int(settings["columns"])
    graph = graph_of(columns, settings.get("edges", []))
    rows = np.zeros((1, columns), np.float32)
    return starting_energy(settings["energy"], rows, graph, int(settings.get("hidden", 1)), 0)
