"""Textures (paper, section 3.2.3 and table 1): crops of grey pictures.

The paper's four bark images (Lazebnik et al. 2005) are used if they lie in `bark/` of the data
folder; otherwise the textures that come with scikit-image stand in: brick, grass and gravel, 512 x
512. The left half of every picture is for training, the right half for validation and test.
"""

import os
from pathlib import Path

import numpy as np

from quasistatic.config import TrainConfig
from quasistatic.data.images.folder import read_image_folder
from quasistatic.errors import DataError
from quasistatic.experiments.experiment import Data, Experiment, Published, Setting
from quasistatic.experiments.files import VARIABLE
from quasistatic.experiments.image_models import (
    MODERN,
    PAPER,
    draw,
    image_data,
    pixels_per_row,
    restored,
)

STAND_INS = ("brick", "grass", "gravel")


def pictures() -> list[np.ndarray]:
    """The grey pictures, uint8 `[H, W]`.

    Raises:
        DataError: neither bark nor scikit-image is there, or the bark is in colour.
    """
    bark = Path(os.environ.get(VARIABLE, "")) / "bark"
    if VARIABLE in os.environ and bark.is_dir():
        stack = read_image_folder(bark)
        if stack.shape[1] != 1:
            raise DataError(
                "the pictures are in colour", where=str(bark), fix="convert them to grey"
            )
        return list(stack[:, 0])
    try:
        from skimage import data
    except ImportError as error:
        raise DataError(
            "textures need scikit-image, or pictures of bark in the data folder",
            where=str(bark),
            fix="pip install 'quasistatic[experiments]'",
        ) from error
    return [getattr(data, name)() for name in STAND_INS]


def crops(halves: list[np.ndarray], n: int, side: int, rng: np.random.Generator) -> np.ndarray:
    """n crops at random places of random pictures, uint8 `[n, 1, side, side]`."""
    found = np.empty((n, 1, side, side), np.uint8)
    for i, number in enumerate(rng.integers(0, len(halves), n)):
        height, width = halves[number].shape
        y, x = rng.integers(0, height - side + 1), rng.integers(0, width - side + 1)
        found[i, 0] = halves[number][y : y + side, x : x + side]
    return found


def load(setting: Setting, seed: int) -> Data:
    """Crops of the two halves; the right one is divided again, above for validation and below for
    test.
    """
    whole, side = pictures(), setting.sizes["side"]
    middle, centre = whole[0].shape[1] // 2, whole[0].shape[0] // 2
    rng = np.random.default_rng(seed)
    parts = (
        [p[:, :middle] for p in whole],
        [p[:centre, middle:] for p in whole],
        [p[centre:, middle:] for p in whole],
    )
    sizes = (setting.n_train, setting.n_valid, setting.n_test)
    return image_data(*(crops(part, n, side, rng) for part, n in zip(parts, sizes, strict=True)))


TEXTURES = Experiment(
    name="textures",
    title="Textures, grey crops",
    units="bits per pixel",
    published=Published(k=-0.55, k_minus_l_null=1.5),
    variants=(PAPER, MODERN),
    full=Setting(
        TrainConfig(
            max_steps=4000,
            batch_size=64,
            weight_decay=0.0,
            evaluate_every=500,
            patience=8,
            ema_decay=0.999,
            first_step_share=0.1,
        ),
        trajectory_length=500,
        n_train=50_000,
        n_valid=512,
        n_test=128,
        repetitions=1,
        trajectories=4,
        n_samples=64,
        sizes={
            "side": 32,
            "channels": 20,
            "layers": 3,
            "scales": 4,
            "dense": 0,
            "bumps": 10,
            "unet": 48,
            "depth": 2,
            "restored": 4,
            "particles": 64,
        },
    ),
    quick=Setting(
        TrainConfig(
            max_steps=400,
            batch_size=64,
            weight_decay=0.0,
            evaluate_every=100,
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
            "side": 16,
            "channels": 8,
            "layers": 2,
            "scales": 3,
            "dense": 0,
            "bumps": 6,
            "unet": 24,
            "depth": 1,
            "restored": 4,
            "particles": 32,
        },
    ),
    load=load,
    per_row=pixels_per_row,
    draw=draw,
    extra=restored,
)
