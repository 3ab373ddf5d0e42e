"""Binary digits: the file, the unit, a whole run as small as it can be."""

import json
import math
from dataclasses import replace

import jax
import numpy as np
import pytest

from quasistatic.errors import DataError
from quasistatic.experiments.bmnist import BMNIST, FILE, PIXELS, stacks
from quasistatic.experiments.metrics import measure
from quasistatic.experiments.running import run
from quasistatic.experiments.store import load_parameters


@pytest.fixture
def file(tmp_path, monkeypatch, rng):
    """Digits that are vertical bars, in the place and form of the real ones; the last column is
    always 0."""
    monkeypatch.setenv("QUASISTATIC_DATA", str(tmp_path))
    path = tmp_path / FILE
    path.parent.mkdir()

    def bars(n):
        at = rng.integers(2, 24, n)[:, None, None] + np.zeros((n, 28, 1), int)
        return np.packbits((np.abs(np.arange(28) - at) <= 1).reshape(n, -1), axis=1)

    np.savez(path, train=bars(64), valid=bars(16), test=bars(8))
    return path


def tiny():
    train = replace(BMNIST.quick.train, max_steps=4, batch_size=16, evaluate_every=2)
    sizes = {"unet": 4, "depth": 1, "restored": 2, "particles": 2}
    return replace(
        BMNIST.quick,
        train=train,
        trajectory_length=7,
        n_train=64,
        n_valid=16,
        n_test=5,
        trajectories=2,
        n_samples=10,
        sizes=sizes,
    )


def test_bits_are_unpacked_and_cut(file):
    train, valid, test = stacks(tiny())
    assert (train.shape, valid.shape, test.shape) == ((64, PIXELS), (16, PIXELS), (5, PIXELS))
    assert set(np.unique(train)) == {0, 1}
    assert np.all(train.sum(axis=1) == 3 * 28)


def test_a_damaged_file_is_named(file):
    for content in (b"", b"PK\x03\x04 no archive", file.read_bytes()[:900]):
        file.write_bytes(content)
        with pytest.raises(DataError, match="no file of packed bits") as error:
            stacks(tiny())
        assert str(file) in str(error.value)
    np.savez(file, train=np.zeros((2, 98), np.uint8))
    with pytest.raises(DataError, match="no file of packed bits"):
        stacks(tiny())
    np.savez(file, **{name: np.zeros((2, 90), np.uint8) for name in ("train", "valid", "test")})
    with pytest.raises(DataError, match="fewer than 784 pixels"):
        stacks(tiny())


@pytest.mark.slow
def test_a_whole_run(file, tmp_path):
    folder, setting = tmp_path / "out", tiny()
    metrics = run(BMNIST, setting, folder, seed=1)
    values, nats = metrics["variants"]["modern"], metrics["nats_per_image"]["modern"]
    for name in ("K", "L_null", "lower", "lower_stderr"):
        assert nats[name] == pytest.approx(values[name] * math.log(2) * 784)
    assert metrics["test_images"] == 5
    train, _, test = stacks(setting)
    p = (train.sum(axis=0) + 0.5) / 65
    independent = np.where(test == 1, np.log(p), np.log(1 - p)).sum(axis=1).mean()
    assert nats["L_null"] == pytest.approx(independent, rel=1e-4)
    assert all(np.isfinite(metrics["inpainting"]["log_evidence"]))
    names = {
        "samples.png",
        "reverse.png",
        "reverse.gif",
        "training.png",
        "inpainting.png",
        "metrics.json",
    }
    assert {path.name for path in folder.glob("*.*")} == names
    history = json.loads((folder / "modern" / "model.json").read_text())["history"]
    minutes = [event["minutes"] for event in history]
    assert len(minutes) == 2
    assert minutes == sorted(minutes)
    model = load_parameters(folder / "modern", BMNIST)
    key = jax.random.split(jax.random.key(1), 3)[1]
    assert measure(model, BMNIST.load(setting, 1), setting, 784, key=key)["K"] == pytest.approx(
        values["K"]
    )
