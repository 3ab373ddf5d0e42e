"""The checkpoint of a training run."""

import json
import math

import jax
import numpy as np
import pytest

from quasistatic.checkpoint import TrainingStore, remove_checkpoints, training
from quasistatic.checkpoint.arrays import arrays_of
from quasistatic.config import TrainConfig
from quasistatic.errors import OutputError, TrainingError
from quasistatic.train.state import initial_state

SCALARS = ("step", "best_bound", "stale", "retries", "rate_scale")
HISTORY = [
    {"step": 2, "train_nats": -1.0, "valid_nats": -2.0},
    {"step": 4, "train_nats": -0.5, "valid_nats": math.nan},
]


@pytest.fixture(scope="module")
def fresh(parts):
    return initial_state(parts[0], TrainConfig(max_steps=5))


@pytest.fixture(scope="module")
def state(fresh):
    """A state in the middle of a run."""
    arrays = fresh._replace(**dict.fromkeys(SCALARS))
    moved = jax.tree.map(lambda x: x + 1 if x.dtype == np.float32 else x, arrays)
    return moved._replace(step=4, best_bound=-0.1 - 1e-17, stale=1, retries=2, rate_scale=0.25)


@pytest.fixture
def folder(state, tmp_path):
    TrainingStore(tmp_path / "c", "me").save(state, HISTORY)
    return tmp_path / "c"


def same(one, two) -> bool:
    left, right = arrays_of(one), arrays_of(two)
    return left.keys() == right.keys() and all(
        left[name].tobytes() == right[name].tobytes() for name in left
    )


def test_round_trip(folder, state, fresh):
    restored, history = TrainingStore(folder, "me", resume=True).restore(fresh)
    assert same(restored, state)
    for name in SCALARS:
        assert getattr(restored, name) == getattr(state, name)
        assert type(getattr(restored, name)) is type(getattr(state, name))
    assert str(history) == str(HISTORY)


def test_the_start_has_no_bound_yet(tmp_path, fresh):
    TrainingStore(tmp_path, "me").save(fresh, [])
    restored, history = TrainingStore(tmp_path, "me", resume=True).restore(fresh)
    assert restored.best_bound == -math.inf
    assert history == []


def test_only_one_file_is_kept(folder, state):
    TrainingStore(folder, "me").save(state, HISTORY)
    assert [path.name for path in folder.iterdir()] == ["training.safetensors"]


@pytest.mark.parametrize("resume", [True, False])
def test_nothing_there(tmp_path, fresh, resume):
    restored, history = TrainingStore(tmp_path / "none", "me", resume=resume).restore(fresh)
    assert restored is fresh
    assert history == []
    assert not list(tmp_path.iterdir())


def test_not_asked_to_resume(folder, fresh):
    restored, history = TrainingStore(folder, "me").restore(fresh)
    assert restored is fresh
    assert history == []


def refused(folder, fresh, identity="me") -> TrainingError:
    with pytest.raises(TrainingError) as caught:
        TrainingStore(folder, identity, resume=True).restore(fresh)
    assert caught.value.where == str(folder / "training.safetensors")
    assert caught.value.fix
    return caught.value


def test_another_run(folder, fresh):
    assert "other data, settings" in refused(folder, fresh, "you").what


def test_flipped_bits(folder, fresh):
    file = folder / "training.safetensors"
    content = file.read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    rng = np.random.default_rng(0)
    places = {
        0,
        7,
        8,
        header,
        len(content) - 1,
        *rng.integers(8, header, 150),
        *rng.integers(header, len(content), 30),
    }
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        file.write_bytes(damaged)
        refused(folder, fresh)
    file.write_bytes(content)
    TrainingStore(folder, "me", resume=True).restore(fresh)


def test_a_changed_step(folder, fresh):
    """The numbers beside the arrays are under the sum as well."""
    file = folder / "training.safetensors"
    content = file.read_bytes()
    old = json.dumps('{"state": {"step": 4')[1:-1].encode()
    assert content.count(old) == 1
    file.write_bytes(content.replace(old, old.replace(b"4", b"5")))
    assert "damaged" in refused(folder, fresh).what


@pytest.mark.parametrize("keep", [0, 4, 8, 100, -1])
def test_truncated(folder, fresh, keep):
    file = folder / "training.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    assert "damaged" in refused(folder, fresh).what


def test_a_folder_in_its_place(folder, fresh):
    (folder / "training.safetensors").unlink()
    (folder / "training.safetensors").mkdir()
    refused(folder, fresh)


def test_full_disk_leaves_the_older_checkpoint(folder, state, monkeypatch):
    before = (folder / "training.safetensors").read_bytes()

    def full(path, content):
        path.write_bytes(content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(training, "write_file", full)
    with pytest.raises(OutputError, match="No space left") as caught:
        TrainingStore(folder, "me").save(state, [])
    assert caught.value.where == str(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "training.safetensors": before
    }


def test_a_file_where_the_folder_should_be(tmp_path, state):
    (tmp_path / "c").write_text("mine")
    with pytest.raises(OutputError):
        TrainingStore(tmp_path / "c", "me").save(state, [])
    assert (tmp_path / "c").read_text() == "mine"


def test_clear(folder):
    TrainingStore(folder, "me").clear()
    assert not folder.exists()


def test_remove_checkpoints_and_nothing_else(tmp_path, state):
    TrainingStore(tmp_path / "one", "me").save(state, [])
    (tmp_path / "one" / "mine.txt").write_text("mine")
    (tmp_path / "training.safetensors").write_text("mine")
    remove_checkpoints(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "mine.txt",
        "training.safetensors",
    ]
    remove_checkpoints(tmp_path / "nowhere")
