"""Holes and noise in images: against what a model without structure must give, and the figures."""

import math
from pathlib import Path

import jax
import numpy as np
import pytest

from quasistatic.config import TrainConfig
from quasistatic.data.cells import Cells
from quasistatic.experiments.catalogue import experiment
from quasistatic.experiments.denoising import denoised
from quasistatic.experiments.experiment import Run, Setting, Trained, Variant
from quasistatic.experiments.image_models import image_data, modern_model, shape_of
from quasistatic.experiments.inpainting import POPULATIONS, fill, inpainted, window
from quasistatic.experiments.leaves import patches
from quasistatic.forward import AbsorbingDiffusion
from quasistatic.forward.categorical import pad_log_probs
from quasistatic.model import DiffusionModel
from quasistatic.network import ResidualMLP

PARTICLES, IMAGES = 32, 3


@pytest.fixture(scope="module")
def structureless():
    """A run whose network says nothing: pixels N(0, 1), independent."""
    setting = Setting(
        TrainConfig(),
        trajectory_length=20,
        n_train=40,
        n_valid=8,
        n_test=8,
        sizes={"side": 8, "unet": 4, "depth": 1, "restored": IMAGES, "particles": PARTICLES},
    )
    variant = Variant("modern", "untrained", modern_model)
    item = Trained(
        variant, modern_model(setting, jax.random.key(0)), [], {"K": 0.0}, np.zeros((1, 64))
    )
    data = image_data(*(patches(n, 8, seed) for seed, n in enumerate((40, 8, 8))))
    return Run(experiment("textures"), setting, data, (item,), Path(), 0)


def test_the_window_is_in_the_middle():
    hole = window(8, 12)
    assert hole.shape == (8, 12)
    np.testing.assert_array_equal(np.flatnonzero(hole.any(axis=1)), [2, 3, 4, 5])
    np.testing.assert_array_equal(np.flatnonzero(hole.any(axis=0)), [4, 5, 6, 7])
    assert window(28, 28).sum() == 14**2


def test_log_evidence_of_a_model_without_structure(structureless, tmp_path):
    """Its seen pixels are independent, and log Z is the sum of their log-masses, per unit of width
    about the density of N(0, 1)."""
    run = structureless._replace(folder=tmp_path)
    found = inpainted(run, run.trained[0], shape_of(run.setting))
    assert (tmp_path / "inpainting.png").stat().st_size > 1000
    assert found["pixels_seen"] == 48
    assert found["pixels_in_the_hole"] == 16
    rows = run.data.test.take(slice(0, IMAGES))
    seen = ~window(8, 8).reshape(-1)
    log_density = -0.5 * np.square(rows.value[:, seen].astype(np.float64)) - 0.5 * math.log(
        2 * math.pi
    )
    exact = log_density.sum(axis=1)
    assert np.all(np.abs(np.array(found["log_evidence"]) * math.log(2) - exact) < 0.02 * 48)
    assert np.all(np.array(found["stderr"]) < 0.1)
    # Independent draws of N(0, 1) instead of a pixel x: E (x' - x)^2 = 1 + x^2.
    expected = math.sqrt(1 + np.mean(rows.value[:, ~seen] ** 2))
    assert found["rms_smc"] == pytest.approx(expected, rel=0.4)
    assert found["rms_2015"] == pytest.approx(expected, rel=0.4)


def test_what_is_known_stays_and_the_same_key_gives_the_same(structureless):
    run = structureless
    seen = np.broadcast_to(~window(8, 8).reshape(-1), (IMAGES, 64))
    rows = run.data.test.take(slice(0, IMAGES))._replace(observed=seen)
    first, again = (
        fill(run.trained[0].model, rows, particles=PARTICLES, key=jax.random.key(1))
        for _ in range(2)
    )
    for filled in (first.smc, first.recipe):
        np.testing.assert_array_equal(filled[seen], rows.value[seen])
        assert np.all(filled[~seen] != rows.value[~seen])
    assert first.log_evidence.shape == first.ess.shape == (IMAGES, POPULATIONS)
    np.testing.assert_array_equal(first.smc, again.smc)
    np.testing.assert_array_equal(first.log_evidence, again.log_evidence)


def test_without_structure_the_posterior_mean_halves_the_noisy_image(structureless, tmp_path):
    run = structureless._replace(folder=tmp_path)
    found = denoised(run, run.trained[0])
    assert (tmp_path / "denoising.png").stat().st_size > 1000
    n = IMAGES * 64
    assert abs(found["rmse_noisy"] - 1) < 5 * math.sqrt(0.5 / n)
    assert found["rmse_mean"] == pytest.approx(found["rmse_half"], rel=0.1)
    assert found["rmse_draw"] > found["rmse_mean"]
    assert found["images"] == IMAGES


def test_holes_of_binary_pixels_are_filled_with_bits():
    """An absorbing model of independent pixels, 0.9 to be 1: both ways draw bits, and log Z is
    exact."""
    log_p = pad_log_probs([np.array([0.1, 0.9])] * 16)
    forward = AbsorbingDiffusion(4, log_p)
    model = DiffusionModel(forward, ResidualMLP(32, 32, width=4, depth=1, key=jax.random.key(0)))
    seen = np.broadcast_to(~window(4, 4).reshape(-1), (2, 16))
    rows = Cells(np.where(seen, np.array([[1], [0]]), 0).astype(np.int32), seen)
    found = fill(model, rows, particles=8, key=jax.random.key(1))
    for filled in (found.smc, found.recipe):
        np.testing.assert_array_equal(filled[seen], rows.value[seen])
        assert set(np.unique(filled)) <= {0, 1}
    np.testing.assert_allclose(
        found.log_evidence, 12 * np.log([[0.9] * POPULATIONS, [0.1] * POPULATIONS]), rtol=1e-4
    )
