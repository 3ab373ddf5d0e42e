"""`quasistatic reproduce` on the command line."""

import gzip
import json
import pickle

import numpy as np
import pytest
from typer.testing import CliRunner

from quasistatic.cli.app import app


def reproduce(*arguments: str):
    return CliRunner().invoke(app, ["reproduce", *arguments])


def test_missing_files_and_names_end_in_one_message(tmp_path, monkeypatch):
    monkeypatch.delenv("QUASISTATIC_DATA", raising=False)
    result = reproduce("mnist", "--quick", "-o", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert "QUASISTATIC_DATA" in result.stderr
    assert "To do:" in result.stderr
    assert not (tmp_path / "out").exists()
    result = reproduce("table1", "-o", str(tmp_path))
    assert result.exit_code == 2
    assert "no results for table1" in result.stderr
    assert reproduce("bark", "-o", str(tmp_path)).exit_code == 2
    result = reproduce("heartbeat", "--quick", "--variant", "newer", "-o", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert "choose among modern, paper" in result.stderr
    assert reproduce("table1", "--variant", "paper", "-o", str(tmp_path)).exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["heartbeat", "swiss-roll"])
def test_quick_experiments(tmp_path, name):
    result = reproduce(name, "--quick", "-o", str(tmp_path / name), "--json")
    assert result.exit_code == 0, result.stderr
    metrics = json.loads(result.stdout)
    assert metrics["K_minus_L_null"] > 1.0
    assert json.loads((tmp_path / name / "metrics.json").read_text())["K"] == metrics["K"]
    result = reproduce("table1", "-o", str(tmp_path))
    assert result.exit_code == 0
    assert f"{name} (quick)" in result.stdout


@pytest.mark.slow
def test_quick_textures_fill_holes_and_remove_noise(tmp_path):
    result = reproduce("textures", "--quick", "-o", str(tmp_path / "out"), "--json")
    assert result.exit_code == 0, result.stderr
    metrics = json.loads(result.stdout)
    assert metrics["K_minus_L_null"] > 0.2
    assert metrics["seconds"] < 180
    holes, noise = metrics["inpainting"], metrics["denoising"]
    assert all(np.isfinite(holes["log_evidence"]))
    assert min(holes["log_evidence"]) > holes["pixels_seen"] * (metrics["L_null"] - 1)
    assert noise["rmse_mean"] < 0.9 * noise["rmse_half"] < 0.9 * noise["rmse_noisy"]
    assert {"inpainting.png", "denoising.png"} <= {
        path.name for path in (tmp_path / "out").iterdir()
    }


@pytest.mark.slow
def test_quick_bmnist_on_bars(tmp_path, monkeypatch):
    """One bar of three columns in 22 places: log 22 nats; the file has the form of the real one."""
    monkeypatch.setenv("QUASISTATIC_DATA", str(tmp_path))
    rng = np.random.default_rng(0)

    def bars(n: int) -> np.ndarray:
        at = rng.integers(2, 24, n)[:, None, None] + np.zeros((n, 28, 1), int)
        return np.packbits((np.abs(np.arange(28) - at) <= 1).reshape(n, -1), axis=1)

    (tmp_path / "mnist").mkdir()
    np.savez(
        tmp_path / "mnist" / "bmnist_pcg64_2015.npz",
        train=bars(10_000),
        valid=bars(256),
        test=bars(64),
    )
    result = reproduce("bmnist", "--quick", "-o", str(tmp_path / "out"), "--json")
    assert result.exit_code == 0, result.stderr
    metrics = json.loads(result.stdout)
    nats = metrics["nats_per_image"]["modern"]
    assert metrics["seconds"] < 180
    assert nats["L_null"] + 150 < nats["K"] < nats["lower"] + 1
    assert nats["lower"] < 0
    result = reproduce("table1", "-o", str(tmp_path))
    assert result.exit_code == 0
    assert "bmnist (quick)" in result.stdout


def shaded_disks(n: int, side: int, rng: np.random.Generator) -> np.ndarray:
    """A light disk of any place and radius on a dark ground, uint8 `[n, side, side]`."""
    y, x, radius = (
        rng.uniform(low, high, (n, 1, 1)) for low, high in ((8, side - 8), (8, side - 8), (3, 8))
    )
    grid = np.arange(side)
    distance = np.hypot(grid[:, None] - y, grid - x) - radius
    return (40 + 180 / (1 + np.exp(distance))).astype(np.uint8)


def is_small_and_complete(folder, metrics) -> bool:
    files = {
        "metrics.json",
        "results.md",
        "samples.png",
        "inpainting.png",
        "denoising.png",
        "reverse.gif",
    }
    return (
        metrics["quick"]
        and metrics["seconds"] < 180
        and files <= {path.name for path in folder.iterdir()}
    )


@pytest.mark.slow
def test_quick_dead_leaves(tmp_path):
    result = reproduce("dead-leaves", "--quick", "-o", str(tmp_path / "out"), "--json")
    assert result.exit_code == 0, result.stderr
    metrics = json.loads(result.stdout)
    assert is_small_and_complete(tmp_path / "out", metrics)
    assert metrics["K_minus_L_null"] > 0.5
    assert (
        metrics["baselines"]["gaussian_mixture_4"]["mean"]
        > metrics["baselines"]["gaussian_mixture_1"]["mean"]
    )


@pytest.mark.slow
def test_quick_mnist_on_disks(tmp_path, monkeypatch):
    """The files have the form and the size of the real ones."""
    monkeypatch.setenv("QUASISTATIC_DATA", str(tmp_path))
    rng = np.random.default_rng(0)
    (tmp_path / "mnist").mkdir()
    for name, n in (("train", 60_000), ("t10k", 10_000)):
        head = np.array([0x803, n, 28, 28], ">u4").tobytes()
        packed = gzip.compress(head + shaded_disks(n, 28, rng).tobytes(), compresslevel=1)
        (tmp_path / "mnist" / f"{name}-images-idx3-ubyte.gz").write_bytes(packed)
    result = reproduce("mnist", "--quick", "-o", str(tmp_path / "out"), "--json")
    assert result.exit_code == 0, result.stderr
    metrics = json.loads(result.stdout)
    assert is_small_and_complete(tmp_path / "out", metrics)
    assert metrics["variants"]["modern"]["K_minus_L_null"] > 1.5
    assert set(metrics["parzen"]) == {"paper", "modern"}


@pytest.mark.slow
def test_quick_cifar10_on_disks(tmp_path, monkeypatch):
    """The files have the form of the real ones and are smaller; the disks are red, green or
    blue."""
    monkeypatch.setenv("QUASISTATIC_DATA", str(tmp_path))
    rng = np.random.default_rng(0)
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        images = np.zeros((1200, 3, 32, 32), np.uint8)
        images[np.arange(1200), rng.integers(0, 3, 1200)] = shaded_disks(1200, 32, rng)
        batch = {b"data": images.reshape(1200, -1), b"labels": [0] * 1200}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    result = reproduce("cifar10", "--quick", "-o", str(tmp_path / "out"), "--json")
    assert result.exit_code == 0, result.stderr
    metrics = json.loads(result.stdout)
    assert is_small_and_complete(tmp_path / "out", metrics)
    assert metrics["variants"]["modern"]["K_minus_L_null"] > 0.7
