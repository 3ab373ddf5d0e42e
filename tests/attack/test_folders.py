"""A model folder from a stranger is data: it is loaded, or refused with one clear error."""

import json
import os
import random
import shutil
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from safetensors import numpy as safetensors

from attack.folders import FILES, look, outcome, sealed, spoiled
from attack.mutation import deep
from quasistatic.errors import ModelFolderError
from quasistatic.estimator.loading import load

GOLDEN = Path(__file__).parents[1] / "golden"
SCHEMA = json.loads((GOLDEN / "mixed" / "schema.json").read_bytes())
YEAR = [column["name"] for column in SCHEMA["columns"]].index("year")
TRIES = 100


@pytest.mark.parametrize("name", ["mixed", "binary", "digits"])
def test_nonsense_with_right_sums(tmp_path, name):
    rng, found = random.Random(0), Counter()
    for _ in range(TRIES):
        found[outcome(spoiled(GOLDEN / name, tmp_path / "m", rng), look)] += 1
    assert set(found) <= {"loaded", "refused"}
    assert found["refused"] > TRIES / 2


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "m"
    shutil.copytree(GOLDEN / "mixed", path)
    return path


def change(folder, name, *path_and_value):
    """Another value in a file, the sums made right."""
    *path, last, value = path_and_value
    data = json.loads((folder / name).read_bytes())
    place = data
    for key in path:
        place = place[key]
    place[last] = value
    if name == "manifest.json":
        sealed(folder, data)
    else:
        (folder / name).write_text(json.dumps(data))
        sealed(folder)


def test_the_unchanged_folder_loads(folder):
    assert outcome(folder, look) == "loaded"
    sealed(folder)
    assert outcome(folder, look) == "loaded"


def test_what_is_checked_costs_less_than_50_ms(folder):
    """Against reading the same files and checking nothing; of the processor's time, the least."""

    def plainly():
        for name in FILES:
            json.loads((folder / name).read_bytes())
        safetensors.load((folder / "model.safetensors").read_bytes())

    def seconds(work):
        start = time.process_time()
        work()
        return time.process_time() - start

    load(folder)
    assert min(seconds(lambda: load(folder)) - seconds(plainly) for _ in range(5)) < 0.05


@pytest.mark.parametrize(
    ("change_of", "words"),
    [
        (("config.json", "model", "trajectory_length", 10**9), "trajectory_length"),
        (("config.json", "model", "members", 10**7), "members"),
        (("config.json", "model", "depth", 10**6), "depth"),
        (("config.json", "model", "depth", 90), "missing array"),
        (("config.json", "model", "width", 65_536), "only .* numbers are stored"),
        (("config.json", "model", "width", 1.5), "width = 1.5 is no whole number"),
        (("config.json", "model", "x", 1), r"unknown keys \['x'\]"),
        (("config.json", "codec", "marginals", 0, 0, -0.5), "is not between"),
        (("config.json", "codec", "marginals", 0, 0, 0.9), "do not sum to 1"),
        (("config.json", "codec", "transforms", 0, "x", 0, 1e6), "does not increase"),
        (("schema.json", "columns", 0, "categories", ["a"]), "states"),
        (("schema.json", "columns", 2, "step", 0), "is not between"),
        (("schema.json", "columns", YEAR, "offset", 2**64), "no whole number of its type"),
        (("schema.json", "columns", 2, "kind", "x"), "is none of"),
        (("schema.json", "columns", 2, "dtype", "Float65"), "no column type"),
        (("manifest.json", "x", 1), r"unknown keys \['x'\]"),
        (("manifest.json", "history", [{}]), "missing keys"),
        (("manifest.json", "seed", -1), "seed"),
        (("manifest.json", "parameters", {"x": 1}), "does not know"),
    ],
)
def test_values_are_held_to_their_declaration(folder, change_of, words):
    change(folder, *change_of)
    start = time.monotonic()
    with pytest.raises(ModelFolderError, match=words):
        load(folder)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_parameters_that_are_not_finite(folder, value):
    path = folder / "model.safetensors"
    arrays = safetensors.load(path.read_bytes())
    name = next(name for name, array in arrays.items() if array.size and array.dtype.kind == "f")
    arrays[name] = np.full_like(arrays[name], value)
    path.write_bytes(safetensors.save(arrays))
    sealed(folder)
    with pytest.raises(ModelFolderError, match="not finite"):
        load(folder)


@pytest.mark.parametrize("name", [*FILES, "model.safetensors"])
def test_what_is_no_ordinary_file(folder, name):
    path = folder / name
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ModelFolderError, match="no ordinary file"):
        load(folder)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(ModelFolderError, match="no ordinary file"):
        load(folder)


@pytest.mark.parametrize("name", FILES)
def test_bombs(folder, name):
    for content in (
        b"[" * 100_000,
        b'{"a": NaN}',
        b'{"a": "\\udc00"}',
        json.dumps(deep(40)).encode(),
    ):
        (folder / name).write_bytes(content)
        if name != "manifest.json":
            sealed(folder)
        with pytest.raises(ModelFolderError, match="no valid JSON"):
            load(folder)
