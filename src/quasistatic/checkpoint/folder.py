"""The model folder. JSON and safetensors; no pickle.

    config.json        model and training settings, the columns' transforms and frequencies
    schema.json        the columns
    model.safetensors  parameters
    manifest.json      family of the model, versions, data fingerprint, training history, SHA-256 of
                       the three other files and of itself

Nothing in the folder depends on the clock, so the same data, seed and versions give the same bytes.
What the files mean is the business of the model's family (`checkpoint/diffusion.py`,
`fitted/energy_store.py`).
"""

import hashlib
import json
import os
import platform
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from quasistatic.checkpoint.arrays import write_file
from quasistatic.checkpoint.declared import LARGEST, check_config, check_finite, check_manifest
from quasistatic.compiled import require_own_process
from quasistatic.data.door import ordinary
from quasistatic.data.exchange import check_name, new_folder, recover
from quasistatic.data.memory import available_bytes
from quasistatic.errors import DataError, ModelFolderError, OutputError
from quasistatic.records import Misfit, parse_json

__all__ = [
    "DIFFUSION",
    "FORMAT",
    "Contents",
    "decoded",
    "family_of",
    "read_contents",
    "versions",
    "write_contents",
]

FORMAT = 2
DIFFUSION = "diffusion"
"""The family of a folder whose manifest names none."""
_SUMMED = ("config.json", "schema.json", "model.safetensors")
_Model = TypeVar("_Model")


class Contents(NamedTuple):
    """What a model folder holds, as it is written.

    Args:
        config: settings and codec without its schema, in JSON types.
        schema: schema of the columns, in JSON types.
        arrays: parameters by their paths.
        manifest: manifest, in JSON types; before writing: the record that goes into it.
    """

    config: dict[str, Any]
    schema: dict[str, Any]
    arrays: dict[str, np.ndarray]
    manifest: dict[str, Any]


def write_contents(
    path: str | os.PathLike[str], contents: Contents, *, force: bool = False
) -> dict[str, Any]:
    """Write a model folder, whole or not at all; an older one is replaced at the last moment.

    Args:
        path: path of the model folder.
        contents: what it is to hold.
        force: whether an existing model folder is replaced (default False).

    Returns:
        The manifest.

    Raises:
        OutputError: the path exists, or cannot be written.
    """
    files = {
        "config.json": _json_bytes(contents.config),
        "schema.json": _json_bytes(contents.schema),
        "model.safetensors": safetensors.save(contents.arrays),
    }
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    manifest = {"format": FORMAT, "versions": versions(), **contents.manifest, "sha256": sums}
    manifest["sha256"]["manifest.json"] = _own_sum(manifest)
    _write_folder(Path(path), files | {"manifest.json": _json_bytes(manifest)}, force)
    return manifest


def read_contents(path: str | os.PathLike[str]) -> Contents:
    """Read a model folder after checking its sums.

    Raises:
        ModelFolderError: missing, incomplete, altered, or of an unknown format.
    """
    folder = Path(path)
    _refuse_no_folder(folder)
    files = {name: _read(folder, name) for name in (*_SUMMED, "manifest.json")}
    manifest = _parsed(folder, "manifest.json", files["manifest.json"])
    if manifest.get("format") != FORMAT or not isinstance(manifest.get("sha256"), dict):
        raise ModelFolderError(
            f"format {manifest.get('format')!r} is unknown to this version",
            where=str(folder / "manifest.json"),
            fix="use the version of quasistatic that wrote it, or fit again",
        )
    sums = {name: hashlib.sha256(files[name]).hexdigest() for name in _SUMMED}
    # The bytes too: "1e-05" and "1E-05" are one value.
    as_written = files["manifest.json"] == _json_bytes(manifest)
    for name, reached in (
        {"manifest.json": _own_sum(manifest) if as_written else None} | sums
    ).items():
        if reached != manifest.get("sha256", {}).get(name):
            raise ModelFolderError(
                "the file is not the one that was saved (its SHA-256 differs from manifest.json)",
                where=str(folder / name),
                fix="restore the folder from a copy, or fit again",
            )
    config, schema = (_parsed(folder, name, files[name]) for name in ("config.json", "schema.json"))
    try:
        check_manifest(manifest)
        check_config(config)
        arrays = safetensors.load(files["model.safetensors"])
        check_finite(arrays)
    except (Misfit, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise _unfitting(folder, error) from error
    return Contents(config, schema, arrays, manifest)


def decoded(
    path: str | os.PathLike[str], contents: Contents, build: Callable[[Contents], _Model]
) -> _Model:
    """What a family makes of the contents of a folder.

    Args:
        path: path of the model folder, for the message.
        contents: what it holds.
        build: function from the contents to the model.

    Raises:
        ModelFolderError: the files do not fit together.
    """
    require_own_process()
    try:
        return build(contents)
    except Exception as error:  # the files are data, whatever is in them
        raise _unfitting(Path(path), error) from error


def family_of(path: str | os.PathLike[str]) -> str:
    """The family of the model in a folder; its sums are checked when it is read.

    Raises:
        ModelFolderError: missing or incomplete.
    """
    folder = Path(path)
    _refuse_no_folder(folder)
    manifest = _parsed(folder, "manifest.json", _read(folder, "manifest.json"))
    return str(manifest.get("family", DIFFUSION))


def versions() -> dict[str, str]:
    """What decides a model's bytes beside data, settings and seed: versions, and the flags of the
    compiler where there are some.
    """
    names = ("quasistatic", "jax", "jaxlib", "equinox", "optax", "numpy", "polars")
    flags = os.environ.get("XLA_FLAGS", "")
    return (
        {"python": platform.python_version()}
        | {name: version(name) for name in names}
        | ({"XLA_FLAGS": flags} if flags else {})
    )


def _refuse_no_folder(folder: Path) -> None:
    if not os.path.lexists(folder) and folder.name:
        with suppress(OSError):
            recover(folder, _is_own)
    if not folder.is_dir():
        raise ModelFolderError(
            "there is no such model folder", where=str(folder), fix="give a folder that `fit` wrote"
        )


def _unfitting(folder: Path, error: Exception) -> ModelFolderError:
    return ModelFolderError(
        f"the folder's files do not fit together ({error})", where=str(folder), fix="fit again"
    )


def _own_sum(manifest: dict[str, Any]) -> str:
    """SHA-256 of the manifest without this sum."""
    sums = {name: value for name, value in manifest["sha256"].items() if name != "manifest.json"}
    return hashlib.sha256(_json_bytes(manifest | {"sha256": sums})).hexdigest()


def _json_bytes(data: Any) -> bytes:
    return (json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _read(folder: Path, name: str) -> bytes:
    """The bytes of an ordinary file that is not larger than such a file can be."""
    path, fix = folder / name, "restore the folder or fit again"
    try:
        ordinary(path)
        size, most = path.stat().st_size, LARGEST.get(name) or available_bytes() // 2
        if size > most:
            raise ModelFolderError(
                f"the file has {size} bytes, and may have {most}", where=str(path), fix=fix
            )
        return path.read_bytes()
    except DataError as error:
        raise ModelFolderError(error.what, where=str(path), fix=fix) from error
    except OSError as error:
        if isinstance(error, ModelFolderError):
            raise
        raise ModelFolderError(
            f"the file cannot be read ({error.strerror})", where=str(path), fix=fix
        ) from error


def _parsed(folder: Path, name: str, content: bytes) -> dict[str, Any]:
    try:
        data = parse_json(content)
        if not isinstance(data, dict):
            raise Misfit("no JSON object")
    except Misfit as error:
        raise ModelFolderError(
            f"no valid JSON ({error})",
            where=str(folder / name),
            fix="restore the folder or fit again",
        ) from error
    return data


def _write_folder(path: Path, files: dict[str, bytes], force: bool) -> None:
    """All files in a new folder beside `path`, which then takes its place."""
    check_name(path)
    if path.exists() and not force:
        raise OutputError(
            "the path exists already",
            where=str(path),
            fix="choose another one, or force the overwriting",
        )
    if path.exists() and not (
        path.is_dir() and ((path / "manifest.json").exists() or not any(path.iterdir()))
    ):
        raise OutputError(
            "the path exists and is no model folder", where=str(path), fix="choose another path"
        )
    try:
        with new_folder(path, _is_own, force=force) as fresh:
            for name, content in files.items():
                write_file(fresh / name, content)
    except OSError as error:
        raise OutputError(
            f"the model cannot be written ({error.strerror})",
            where=str(path),
            fix="free the disk or choose another path",
        ) from error


def _is_own(file: Path) -> bool:
    """Whether a file is part of a model folder."""
    return file.name in (*_SUMMED, "manifest.json")
