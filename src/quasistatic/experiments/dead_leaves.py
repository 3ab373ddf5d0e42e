"""Dead leaves (paper, section 3.2.2 and table 1), with mixtures of Gaussians for comparison."""

import math
from typing import Any

import numpy as np
from sklearn.mixture import GaussianMixture

from quasistatic.config import TrainConfig
from quasistatic.data.images.files import dequantise
from quasistatic.experiments import leaves
from quasistatic.experiments.experiment import Data, Experiment, Published, Run, Setting
from quasistatic.experiments.image_models import (
    MODERN,
    PAPER,
    draw,
    image_data,
    pixels_per_row,
    restored,
)


def stacks(setting: Setting, seed: int) -> list[np.ndarray]:
    """Training, validation and test patches, each of canvases of its own."""
    sizes = (setting.n_train, setting.n_valid, setting.n_test)
    return [leaves.patches(n, setting.sizes["side"], 3 * seed + i) for i, n in enumerate(sizes)]


def load(setting: Setting, seed: int) -> Data:
    """Generated patches."""
    return image_data(*stacks(setting, seed))


def baselines(run: Run) -> dict[str, Any]:
    """Test log-likelihood of a full-covariance Gaussian and of a mixture, bits per pixel, on
    uniformly dequantised patches: its mean over them and the standard error.

    The unit is that of the tables: a density of pixels of unit variance.
    """
    train, _, test = stacks(run.setting, run.seed)
    train, test = (dequantise(x, seed=run.seed).reshape(len(x), -1) for x in (train, test))
    mean, scale = train.mean(), train.std()
    train, test = (train - mean) / scale, (test - mean) / scale
    per_row = math.log(2) * pixels_per_row(run.setting)
    found = {}
    for n in (1, run.setting.sizes["mixture"]):
        mixture = GaussianMixture(n, reg_covar=1e-5, max_iter=60, random_state=run.seed).fit(train)
        bits = mixture.score_samples(test) / per_row
        found[f"gaussian_mixture_{n}"] = {
            "mean": float(np.mean(bits)),
            "stderr": float(np.std(bits) / math.sqrt(len(bits))),
        }
    return {"baselines": found}


def extra(run: Run) -> dict[str, Any]:
    """Mixtures of Gaussians; holes and noise."""
    return baselines(run) | restored(run)


DEAD_LEAVES = Experiment(
    name="dead-leaves",
    title="Dead leaves, grey patches",
    units="bits per pixel",
    published=Published(k=1.489, k_minus_l_null=3.536),
    variants=(MODERN, PAPER),
    full=Setting(
        TrainConfig(
            max_steps=12_000,
            batch_size=64,
            weight_decay=0.0,
            evaluate_every=500,
            patience=100,
            ema_decay=0.999,
            first_step_share=0.1,
        ),
        trajectory_length=1000,
        n_train=50_000,
        n_valid=512,
        n_test=200,
        repetitions=1,
        trajectories=4,
        n_samples=64,
        sizes={
            "side": 16,
            "channels": 20,
            "layers": 3,
            "scales": 3,
            "dense": 4,
            "bumps": 10,
            "unet": 48,
            "depth": 2,
            "mixture": 32,
            "restored": 4,
            "particles": 64,
        },
    ),
    quick=Setting(
        TrainConfig(
            max_steps=250,
            batch_size=64,
            weight_decay=0.0,
            evaluate_every=50,
            patience=100,
            ema_decay=0.98,
            warmup_steps=25,
            first_step_share=0.1,
        ),
        trajectory_length=60,
        n_train=4000,
        n_valid=128,
        n_test=64,
        repetitions=2,
        trajectories=6,
        n_samples=64,
        sizes={
            "side": 8,
            "channels": 8,
            "layers": 2,
            "scales": 3,
            "dense": 2,
            "bumps": 6,
            "unet": 24,
            "depth": 1,
            "mixture": 4,
            "restored": 4,
            "particles": 32,
        },
    ),
    load=load,
    per_row=pixels_per_row,
    draw=draw,
    extra=extra,
)
