"""CIFAR-10 (paper, table 1): convolutions and a dense path."""

from quasistatic.config import TrainConfig
from quasistatic.data.images.cifar import read_cifar, read_cifar_batch
from quasistatic.experiments.experiment import Data, Experiment, Published, Setting
from quasistatic.experiments.files import data_path
from quasistatic.experiments.image_models import (
    MODERN,
    PAPER,
    draw,
    image_data,
    pixels_per_row,
    restored,
)

FOLDER = "cifar-10-batches-py"
SOURCE = "unpack cifar-10-python.tar.gz of https://www.cs.toronto.edu/~kriz/cifar.html there"


def load(setting: Setting, seed: int) -> Data:
    """The images; the last batch of the training images is for validation.

    Raises:
        DataError: a batch is missing or damaged.
    """
    del seed
    folder = data_path(FOLDER, source=SOURCE)
    train = read_cifar(folder)
    valid = read_cifar_batch(folder / "data_batch_5")[-setting.n_valid :]
    test = read_cifar(folder, test=True)
    n_train = min(setting.n_train, len(train) - setting.n_valid)
    return image_data(train[:n_train], valid, test[: setting.n_test])


CIFAR10 = Experiment(
    name="cifar10",
    title="CIFAR-10, colour pictures",
    units="bits per pixel",
    published=Published(k=5.4, k_minus_l_null=11.5),
    variants=(PAPER, MODERN),
    full=Setting(
        TrainConfig(
            max_steps=3000,
            batch_size=64,
            weight_decay=0.0,
            evaluate_every=500,
            patience=100,
            ema_decay=0.999,
            first_step_share=0.1,
        ),
        trajectory_length=1000,
        n_train=45_000,
        n_valid=512,
        n_test=64,
        repetitions=1,
        trajectories=2,
        n_samples=64,
        sizes={
            "side": 32,
            "colours": 3,
            "channels": 20,
            "layers": 3,
            "scales": 4,
            "dense": 4,
            "bumps": 10,
            "unet": 48,
            "depth": 2,
            "restored": 4,
            "particles": 16,
        },
    ),
    quick=Setting(
        TrainConfig(
            max_steps=120,
            batch_size=32,
            weight_decay=0.0,
            evaluate_every=30,
            patience=100,
            ema_decay=0.97,
            warmup_steps=12,
            first_step_share=0.1,
        ),
        trajectory_length=50,
        n_train=5000,
        n_valid=64,
        n_test=16,
        repetitions=1,
        trajectories=4,
        n_samples=16,
        sizes={
            "side": 32,
            "colours": 3,
            "channels": 6,
            "layers": 2,
            "scales": 3,
            "dense": 1,
            "bumps": 6,
            "unet": 16,
            "depth": 1,
            "restored": 4,
            "particles": 8,
        },
    ),
    load=load,
    # The paper's L_null is 5.4 - 11.5 = -6.1 bits: three colour values of -2.05 bits each are one
    # of its pixels.
    per_row=lambda setting: pixels_per_row(setting) // 3,
    draw=draw,
    extra=restored,
)
