"""MNIST (paper, table 2): the dense path alone, Parzen windows on 10,000 samples; and a U-Net
beside it.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from quasistatic.config import TrainConfig
from quasistatic.data.images.idx import read_idx
from quasistatic.experiments.experiment import Data, Experiment, Published, Run, Setting, Variant
from quasistatic.experiments.files import data_path
from quasistatic.experiments.image_models import (
    PAPER,
    draw,
    image_data,
    modern_model,
    pixels_per_row,
    restored,
)
from quasistatic.experiments.parzen import parzen
from quasistatic.forward import cosine_schedule
from quasistatic.model import DiffusionModel
from quasistatic.train.weights import simple_weights
from quasistatic.typing import Key

SOURCE = "MNIST in idx format is at https://yann.lecun.com/exdb/mnist (and in many mirrors of it)"


def stacks(setting: Setting) -> list[np.ndarray]:
    """Training, validation (the last of the 60,000) and test images, uint8 `[n, 1, 28, 28]`.

    Raises:
        DataError: a file is missing or damaged.
    """
    train = read_idx(data_path("mnist/train-images-idx3-ubyte.gz", source=SOURCE))[:, None]
    test = read_idx(data_path("mnist/t10k-images-idx3-ubyte.gz", source=SOURCE))[:, None]
    return [train[: setting.n_train], train[-setting.n_valid :], test[: setting.n_test]]


def load(setting: Setting, seed: int) -> Data:
    """The images; nothing is random."""
    del seed
    return image_data(*stacks(setting))


def parzen_of_all(run: Run) -> dict[str, Any]:
    """Parzen log-likelihood of every variant, bits per image, pixels in [0, 1]; the first also at
    the top of metrics.json.
    """
    _, valid, _ = stacks(run.setting)
    test = read_idx(data_path("mnist/t10k-images-idx3-ubyte.gz", source=SOURCE))[
        : run.setting.sizes["parzen_test"]
    ]
    valid, test = (x.reshape(len(x), -1) / 255.0 for x in (valid, test))
    found = {}
    for item in run.trained:
        pixels = run.data.decode(item.samples).reshape(len(item.samples), -1) / 255.0
        outcome = parzen(pixels, valid[:1000], test)
        found[item.variant.name] = {
            "bits_per_image": outcome.nats / math.log(2),
            "stderr": outcome.stderr / math.log(2),
            "sigma": outcome.sigma,
            "samples": len(pixels),
        }
    return {"parzen": found}


def extra(run: Run) -> dict[str, Any]:
    """Parzen log-likelihoods; holes and noise."""
    return parzen_of_all(run) | restored(run)


def digits_model(setting: Setting, key: Key) -> DiffusionModel:
    """The U-Net with a cosine schedule: more than half of its steps are between log_snr -2 and 2,
    where shapes are decided.
    """
    return modern_model(setting, key, cosine_schedule(setting.trajectory_length))


def for_samples(setting: Setting) -> Setting:
    """What 10,000 samples need: all noise levels alike in the loss, of twice the batch; and a tenth
    of the paper's T.

    At T = 1000 they are ten million evaluations.
    """
    length = min(setting.trajectory_length, 100)
    train = replace(
        setting.train,
        batch_size=2 * setting.train.batch_size,
        first_step_share=None,
        step_weights=simple_weights(cosine_schedule(length)),
    )
    return replace(setting, train=train, trajectory_length=length)


MODERN = Variant(
    "modern",
    "small U-Net with a dense path, corridor head, cosine schedule, "
    "all noise levels alike in the loss",
    digits_model,
    2e-3,
    adapt=for_samples,
)

MNIST = Experiment(
    name="mnist",
    title="MNIST, grey digits",
    units="bits per pixel",
    published=Published(parzen=317.0),
    variants=(PAPER, MODERN),
    full=Setting(
        TrainConfig(
            max_steps=10_000,
            batch_size=64,
            weight_decay=0.0,
            evaluate_every=500,
            patience=100,
            ema_decay=0.999,
            first_step_share=0.1,
        ),
        trajectory_length=1000,
        n_train=50_000,
        n_valid=1024,
        n_test=100,
        repetitions=1,
        trajectories=4,
        n_samples=10_000,
        sizes={
            "side": 28,
            "channels": 0,
            "layers": 0,
            "scales": 1,
            "dense": 8,
            "bumps": 10,
            "unet": 32,
            "depth": 1,
            "coarse_depth": 2,
            "dense_units": 1024,
            "dense_depth": 2,
            "restored": 4,
            "particles": 32,
            "parzen_test": 10_000,
        },
    ),
    quick=Setting(
        TrainConfig(
            max_steps=200,
            batch_size=64,
            weight_decay=0.0,
            evaluate_every=50,
            patience=100,
            ema_decay=0.98,
            warmup_steps=20,
            first_step_share=0.1,
        ),
        trajectory_length=50,
        n_train=10_000,
        n_valid=256,
        n_test=32,
        repetitions=1,
        trajectories=4,
        n_samples=256,
        sizes={
            "side": 28,
            "channels": 0,
            "layers": 0,
            "scales": 1,
            "dense": 4,
            "bumps": 6,
            "unet": 16,
            "depth": 1,
            "dense_units": 64,
            "restored": 4,
            "particles": 16,
            "parzen_test": 500,
        },
    ),
    load=load,
    per_row=pixels_per_row,
    draw=draw,
    extra=extra,
)
