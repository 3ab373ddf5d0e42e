"""Model folders with nonsense inside and the right sums outside, as a stranger could send them."""

import hashlib
import json
import random
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import numpy as safetensors

from attack.mutation import as_json, nonsense
from attack.readers import told
from quasistatic.errors import QuasistaticError

FILES = ("config.json", "schema.json", "manifest.json")


def sealed(folder: Path, manifest: Any = None) -> None:
    """Give a folder the sums of its files, and of a manifest in place of its own.

    Args:
        folder: model folder that was changed.
        manifest: content of the manifest; None (default) takes the one that is there.
    """
    if manifest is None:
        manifest = json.loads((folder / "manifest.json").read_bytes())
    if not isinstance(manifest, dict) or not isinstance(manifest.get("sha256"), dict):
        (folder / "manifest.json").write_bytes(as_json(manifest))
        return
    names = ("config.json", "schema.json", "model.safetensors")
    sums = {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in names}
    manifest = manifest | {"sha256": sums}
    try:
        own = hashlib.sha256(written(manifest)).hexdigest()
        content = written(manifest | {"sha256": sums | {"manifest.json": own}})
    except (RecursionError, UnicodeEncodeError):
        content = as_json(manifest)
    (folder / "manifest.json").write_bytes(content)


def written(data: Any) -> bytes:
    """JSON as the package writes it, NaN included."""
    return (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode()


def spoiled(good: Path, folder: Path, rng: random.Random) -> Path:
    """A copy of a good folder with nonsense in one of its files, the sums made right.

    Args:
        good: model folder; it stays as it is.
        folder: folder for the copy, of which an older one is removed.
        rng: generator of the changes.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(good, folder)
    name = rng.choice((*FILES, *FILES, *FILES, "model.safetensors"))
    if name == "model.safetensors":
        arrays = safetensors.load((folder / name).read_bytes())
        key = rng.choice(sorted(arrays))
        arrays[key] = rng.choice(ARRAYS)(arrays[key].copy())
        if rng.random() < 0.3:
            arrays[rng.choice(("x", key + ".y"))] = arrays.pop(key)
        (folder / name).write_bytes(safetensors.save(arrays))
        sealed(folder)
        return folder
    data = nonsense(json.loads((folder / name).read_bytes()), rng)
    if name == "manifest.json":
        sealed(folder, data)
        return folder
    try:
        (folder / name).write_bytes(written(data))
    except (RecursionError, UnicodeEncodeError):
        (folder / name).write_bytes(as_json(data))
    sealed(folder)
    return folder


def _first(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        if array.dtype.kind == "f" and array.size:
            array.reshape(-1)[0] = value
        return array

    return change


ARRAYS: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    *(_first(np.nan), _first(np.inf), _first(-np.inf), _first(1e38)),
    lambda array: array[..., None],
    lambda array: array.astype(np.float64),
    lambda array: array.astype(np.int32),
    lambda array: np.zeros((0, *array.shape), array.dtype),
    lambda array: np.repeat(array[None], 3, axis=0),
)
"""Changes of an array."""


def outcome(folder: Path, use: Callable[[Any], object]) -> str:
    """What becomes of a folder: "loaded", "refused", or the end of a traceback.

    Args:
        folder: model folder.
        use: what is done with the density that was loaded.
    """
    from quasistatic.estimator.loading import load

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            use(load(folder))
    except QuasistaticError:
        return "refused"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return told(error)
    return "loaded"


def look(density: Any) -> None:
    """What `inspect` does with a density, and the decoding of a row: no likelihoods."""
    from quasistatic.cli.inspect import summary
    from quasistatic.fitted.certificate import Certificate

    schema, codec = density.schema_, density.fitted_.codec
    schema.describe(), schema.base_measure()
    summary(density.manifest_["history"])
    if "certificate" in density.manifest_:
        Certificate.from_json(density.manifest_["certificate"])
    numbers = [np.zeros((2, len(codec.continuous)), np.float32)] if codec.continuous else []
    states = [np.zeros((2, len(codec.n_states)), np.int32)] if codec.n_states else []
    table = codec.table_of([*numbers, *states], "rows")
    codec.encode(table)
