"""The commands on images and sequences: a folder, a stack, a mask, three kinds of sequences."""

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from surface.conftest import refused, run

TINY = ["--max-steps", 2, "--trajectory-length", 4, "--width", 4, "--batch-size", 16]
N = 40


def discs(rng: np.random.Generator, height: int = 8, width: int = 8) -> np.ndarray:
    """Grey discs, uint8 `[N, height, width]`."""
    y, x = np.mgrid[:height, :width]
    centre, radius = rng.uniform(1, 7, (2, N, 1, 1)), rng.uniform(1.5, 3, (N, 1, 1))
    inside = np.hypot(y - centre[0], x - centre[1]) < radius
    return np.where(inside, 220, 60).astype(np.uint8) + rng.integers(
        0, 9, (N, height, width), dtype=np.uint8
    )


def write_folder(stack: np.ndarray, folder: Path) -> Path:
    folder.mkdir()
    for i, image in enumerate(stack):
        Image.fromarray(image).save(folder / f"{i:03d}.png")
    return folder


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder of images and a model of it; do not change it."""
    place = tmp_path_factory.mktemp("images")
    write_folder(discs(np.random.default_rng(0)), place / "discs")
    outcome = run("fit", place / "discs", "-o", place / "model", *TINY, "--json")
    assert outcome.code == 0, outcome.stderr
    (place / "fit.json").write_text(outcome.stdout)
    (place / "fit.txt").write_text(outcome.stderr)
    return place


def test_fit_of_a_folder(place):
    values = json.loads((place / "fit.json").read_text())
    assert (values["rows"], values["layout"]) == (N, {"kind": "images", "shape": [1, 8, 8]})
    assert values["validation_bound_bits"] == pytest.approx(
        values["validation_bound"] / (64 * np.log(2))
    )
    assert values["bits_unit"] == "bits per pixel"
    text = (place / "fit.txt").read_text()
    for words in (
        "40 rows, 8 x 8 pixels, grey",
        "bits per pixel",
        "counting measure on 64 pixels",
        "grid.png",
    ):
        assert words in text
    assert text.count("\n") < 20
    assert {p.name for p in (place / "model").iterdir()} == {
        "config.json",
        "schema.json",
        "model.safetensors",
        "manifest.json",
    }
    assert all(p.stat().st_size < 6000 for p in (place / "model").glob("*.json"))


def test_sample_as_grid_folder_and_array(place, tmp_path):
    for name in ("grid.png", "folder", "x.npy"):
        outcome = run("sample", place / "model", "-n", 5, "-o", tmp_path / name, "--json")
        assert outcome.code == 0, outcome.stderr
    array = np.load(tmp_path / "x.npy")
    assert (array.shape, array.dtype) == ((5, 8, 8), np.uint8)
    np.testing.assert_array_equal(pixels(tmp_path / "folder" / "3.png"), array[3])
    assert pixels(tmp_path / "grid.png").shape[1] >= 300
    assert "exists already" in refused(
        "sample", place / "model", "-n", 5, "-o", tmp_path / "folder", folder=tmp_path
    )
    assert ".png" in refused(
        "sample", place / "model", "-n", 5, "-o", tmp_path / "x.csv", folder=tmp_path
    )
    assert "standard output" in refused(
        "sample", place / "model", "-n", 5, "-o", "-", folder=tmp_path
    )


def test_score(place, tmp_path):
    outcome = run(
        "score", place / "model", place / "discs", "-o", tmp_path / "scores.csv", "--json"
    )
    assert outcome.code == 0, outcome.stderr
    values = json.loads(outcome.stdout)
    assert values["mean_bits"] == pytest.approx(values["mean"] / (64 * np.log(2)))
    assert "bits per pixel" in outcome.stderr
    scores = pl.read_csv(tmp_path / "scores.csv")
    assert (scores.columns, scores.height) == (["log_likelihood", "stderr"], N)
    assert scores["log_likelihood"].is_finite().all()


def test_inspect_and_certify(place, tmp_path):
    model = shutil.copytree(place / "model", tmp_path / "model")
    outcome = run("certify", model, "-n", 4, "--trajectories", 2)
    assert outcome.code == 0, outcome.stderr
    outcome = run("inspect", model)
    assert outcome.code == 0, outcome.stderr
    assert "8 x 8 pixels, grey" in outcome.stdout
    assert "Certificate" in outcome.stdout
    assert "y3x5" not in outcome.stdout  # no line for each pixel


def test_report(place, tmp_path):
    page = tmp_path / "page.html"
    outcome = run(
        "report", place / "model", place / "discs", "-o", page, "--trajectories", 3, "--json"
    )
    assert outcome.code == 0, outcome.stderr
    values = json.loads(outcome.stdout)
    assert (values["rows"], values["score"]["scored_rows"], values["marginals"]) == (N, N, {})
    assert page.read_text(encoding="utf-8").count("data:image/png;base64,") == 4
    wide = write_folder(discs(np.random.default_rng(0), 8, 9), tmp_path / "wide")
    assert "9 x 8" in refused(
        "report", place / "model", wide, "-o", tmp_path / "x.html", folder=tmp_path
    )


def test_inpainting(place, tmp_path):
    mask = np.zeros((8, 8), np.uint8)
    mask[2:5, 3:8] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    few = write_folder(discs(np.random.default_rng(1))[:2], tmp_path / "few")
    command = ("impute", place / "model", few, "--mask", tmp_path / "mask.png", "--particles", 4)
    outcome = run(*command, "-m", 2, "-o", tmp_path / "filled.npy", "--json")
    assert outcome.code == 0, outcome.stderr
    values = json.loads(outcome.stdout)
    assert values["holes"] == 2 * 15
    assert values["mean_log_evidence"] < 0
    assert "log evidence" in outcome.stderr
    seen = np.stack([pixels(p) for p in sorted(few.iterdir())])
    one, two = (np.load(tmp_path / f"filled-{i}.npy") for i in (1, 2))
    np.testing.assert_array_equal(one[:, mask == 0], seen[:, mask == 0])
    assert one.dtype == np.uint8
    assert np.any(one != two)
    assert "--mask" in refused(
        "impute", place / "model", few, "-m", 1, "-o", tmp_path / "x.png", folder=tmp_path
    )


def test_denoising(place, tmp_path):
    clean = discs(np.random.default_rng(1))[:2]
    np.save(tmp_path / "noisy.npy", clean + np.random.default_rng(0).normal(0, 20.0, clean.shape))
    command = ("denoise", place / "model", tmp_path / "noisy.npy", "--draws", 2, "--particles", 2)
    for name in ("clean.npy", "clean"):
        outcome = run(*command, "--sigma", 20, "-o", tmp_path / name)
        assert outcome.code == 0, outcome.stderr
    means = np.load(tmp_path / "clean.npy")
    assert (means.shape, means.dtype) == ((2, 8, 8), np.float64)
    np.testing.assert_array_equal(
        pixels(tmp_path / "clean" / "1.png"), means[1].round().clip(0, 255)
    )
    assert "positive" in refused(*command, "--sigma", -1, "-o", tmp_path / "x.png", folder=tmp_path)


def test_resume_gives_the_uninterrupted_result(place, tmp_path, monkeypatch):
    from quasistatic.estimator.density import DiffusionDensity

    def interrupted(self, *arguments, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(DiffusionDensity, "save", interrupted)
    assert run("fit", place / "discs", "-o", tmp_path / "model", *TINY).code == 130
    monkeypatch.undo()
    assert (tmp_path / "model.checkpoint").is_dir()
    outcome = run("fit", place / "discs", "-o", tmp_path / "model", *TINY, "--resume")
    assert outcome.code == 0, outcome.stderr
    whole, resumed = ((p / "model" / "model.safetensors").read_bytes() for p in (place, tmp_path))
    assert whole == resumed


@pytest.mark.parametrize("kind", ["colour", "binary", "binary, mixtures"])
def test_a_stack_of_odd_size(tmp_path, kind):
    components = ["--components", 2] if "mixtures" in kind else []
    stack = discs(np.random.default_rng(2), 5, 7)
    stack = (
        np.stack([stack, stack // 2, 255 - stack], -1)
        if kind == "colour"
        else np.where(stack > 100, 255, 0)
    )
    np.save(tmp_path / "x.npy", stack.astype(np.uint8))
    options = *TINY, *components, "--quiet"
    outcome = run("fit", tmp_path / "x.npy", "-o", tmp_path / "model", *options)
    assert outcome.code == 0, outcome.stderr
    assert (
        "pixel and colour" if kind == "colour" else "35 pixels (2 values: 0, 255)"
    ) in outcome.stdout
    if kind == "colour":
        assert run("sample", tmp_path / "model", "-n", 3, "-o", tmp_path / "y.npy").code == 0
        assert np.load(tmp_path / "y.npy").shape == (3, 5, 7, 3)
        return
    outcome = run("score", tmp_path / "model", tmp_path / "x.npy", "-o", tmp_path / "scores.csv")
    assert outcome.code == 0, outcome.stderr
    assert (pl.read_csv(tmp_path / "scores.csv")["log_likelihood"] < 0).all()


SEQUENCES = {
    "binary": lambda rng: np.tile(np.eye(5, dtype=bool), (N // 5, 1)),
    "categorical": lambda rng: (np.arange(N)[:, None] + np.arange(5)) % 3,
    "real": lambda rng: rng.normal(size=(N, 5)).cumsum(1),
}


@pytest.mark.parametrize("kind", SEQUENCES)
def test_sequences(tmp_path, rng, kind):
    np.save(tmp_path / "x.npy", SEQUENCES[kind](rng))
    outcome = run(
        "fit",
        tmp_path / "x.npy",
        "--kind",
        "sequence",
        "-o",
        tmp_path / "model",
        "--dropout",
        0,
        "--max-minutes",
        2,
        *TINY,
    )
    assert outcome.code == 0, outcome.stderr
    for words in ("sequence of length 5", "bits per sequence", "measure on 5 places"):
        assert words in outcome.stdout
    for name in ("y.npy", "y.csv"):
        assert run("sample", tmp_path / "model", "-n", 6, "-o", tmp_path / name).code == 0
        outcome = run("score", tmp_path / "model", tmp_path / name, "-o", tmp_path / f"{name}.csv")
        assert outcome.code == 0, outcome.stderr
        assert "bits per sequence" in outcome.stdout
    rows = np.load(tmp_path / "y.npy")
    assert (rows.shape, rows.dtype) == ((6, 5), np.float32 if kind == "real" else np.int32)
    one, two = (pl.read_csv(tmp_path / f"y.{x}.csv")["log_likelihood"] for x in ("npy", "csv"))
    np.testing.assert_allclose(one, two, atol=1e-3)
    if kind == "binary":
        (tmp_path / "holes.csv").write_text("x0,x1,x2,x3,x4\n1,0,,,\n")
        outcome = run(
            "impute",
            tmp_path / "model",
            tmp_path / "holes.csv",
            "-m",
            1,
            "-o",
            tmp_path / "filled.csv",
        )
        assert outcome.code == 0, outcome.stderr
        assert pl.read_csv(tmp_path / "filled.csv").null_count().row(0) == (0,) * 5
