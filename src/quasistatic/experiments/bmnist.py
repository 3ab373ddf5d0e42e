"""Binarised MNIST, which is not in the paper but in the tables of later ones: pixels are masked one
by one, and a U-Net predicts them.

The grey levels of MNIST were made binary once and for all, each pixel a draw of Bernoulli(grey /
255). The likelihood of an image is the probability of its 784 bits.
"""

import math
import zipfile
from typing import Any

import equinox as eqx
import jax
import numpy as np

from quasistatic.config import TrainConfig
from quasistatic.data.cells import Cells
from quasistatic.errors import DataError
from quasistatic.experiments.experiment import Data, Experiment, Published, Run, Setting, Variant
from quasistatic.experiments.figures.curves import training
from quasistatic.experiments.figures.pictures import reverse_pictures, samples_beside_data
from quasistatic.experiments.files import data_path
from quasistatic.experiments.inpainting import inpainted
from quasistatic.forward import AbsorbingDiffusion
from quasistatic.forward.categorical import pad_log_probs
from quasistatic.model import DiffusionModel
from quasistatic.network import InterleavedNetwork, UNet
from quasistatic.typing import Key

FILE = "mnist/bmnist_pcg64_2015.npz"
SOURCE = (
    "make it from MNIST with the lines on the page bmnist of the documentation: "
    "packed bits of 50,000, 10,000 and 10,000 images as the arrays train, valid and test"
)
SIDE = 28
PIXELS = SIDE * SIDE
SHADES = np.array([0, 255, 128], np.uint8)
"""Grey level of 0, 1 and the mask."""

LOG_LIKELIHOODS = {"NADE": -88.33, "EoNADE": -84.68, "DRAW": -80.97, "PixelRNN": -79.20}
"""Published for the test images of another draw of the same Bernoulli variables, nats per image;
that of DRAW is a bound."""


def stacks(setting: Setting) -> list[np.ndarray]:
    """Training, validation and test images, int32 `[n, 784]`.

    Raises:
        DataError: the file is missing or damaged.
    """
    path = data_path(FILE, source=SOURCE)
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as content:
            found = [
                np.unpackbits(content[name], axis=1)[:, :PIXELS]
                for name in ("train", "valid", "test")
            ]
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(
            f"this is no file of packed bits ({error})", where=str(path), fix=SOURCE
        ) from error
    if any(x.shape[1] != PIXELS for x in found):
        raise DataError(f"the images have fewer than {PIXELS} pixels", where=str(path), fix=SOURCE)
    sizes = (setting.n_train, setting.n_valid, setting.n_test)
    return [x[:n].astype(np.int32) for x, n in zip(found, sizes, strict=True)]


def load(setting: Setting, seed: int) -> Data:
    """The images; nothing is random."""
    del seed
    train, valid, test = (Cells(x, np.ones(x.shape, bool)) for x in stacks(setting))
    return Data(
        train, valid, test, 0.0, None, lambda x: SHADES[np.asarray(x)].reshape(-1, 1, SIDE, SIDE)
    )


def _unet(setting: Setting, key: Key) -> DiffusionModel:
    """Fair coins until `with_frequencies`."""
    forward = AbsorbingDiffusion(
        setting.trajectory_length, pad_log_probs([np.full(2, 0.5)] * PIXELS)
    )
    network = UNet(
        forward.n_features,
        forward.n_outputs,
        height=SIDE,
        width=SIDE,
        channels=setting.sizes["unet"],
        depth=setting.sizes["depth"],
        key=key,
    )
    return DiffusionModel(forward, InterleavedNetwork(network, n_states=2))


def with_frequencies(model: DiffusionModel, data: Data) -> DiffusionModel:
    """The model whose network of zeros believes what the training images show of each pixel; half
    an image more for 0 and for 1.
    """
    n = len(data.train.value)
    p = (data.train.value.sum(axis=0) + 0.5) / (n + 1)
    log_p = pad_log_probs(list(np.stack([1 - p, p], axis=1)))
    return eqx.tree_at(lambda m: m.forward.blocks[0].log_marginals, model, log_p)


def in_nats(run: Run) -> dict[str, Any]:
    """The bounds of every variant in nats per image, beside what is published; and holes, filled by
    the first variant.
    """
    per_bit = math.log(2) * PIXELS
    names = ("K", "K_stderr", "L_null", "lower", "lower_stderr", "upper")
    found = {
        item.variant.name: {name: item.metrics[name] * per_bit for name in names}
        for item in run.trained
    }
    shape = (1, SIDE, SIDE)
    return {
        "nats_per_image": found,
        "test_images": len(run.data.test.value),
        "published_nats_per_image": LOG_LIKELIHOODS,
        "inpainting": inpainted(run, run.trained[0], shape),
    }


def draw(run: Run) -> None:
    """Samples beside data, the reverse trajectory (the mask is grey), and the bound against the
    time of training.
    """
    images = run.data.decode(run.data.test.value[:64])
    samples = {item.variant.name: run.data.decode(item.samples[:64]) for item in run.trained}
    samples_beside_data(images, samples, run.folder / "samples.png")
    key = jax.random.key(run.seed)
    model = run.trained[0].model
    reverse_pictures(
        model, run.data.decode, run.folder / "reverse.png", run.folder / "reverse.gif", key=key
    )
    training(
        run.trained,
        1.0,
        0.0,
        "nats per image",
        run.folder / "training.png",
        over="minutes",
        levels=LOG_LIKELIHOODS,
    )


BMNIST = Experiment(
    name="bmnist",
    title="MNIST, binary digits",
    units="bits per pixel",
    published=Published(),
    variants=(Variant("modern", "small U-Net that guesses the masked pixels", _unet, 3e-3),),
    full=Setting(
        TrainConfig(
            max_steps=12_000,
            batch_size=64,
            weight_decay=0.0,
            evaluate_every=1000,
            patience=100,
            ema_decay=0.999,
        ),
        trajectory_length=PIXELS,
        n_train=50_000,
        n_valid=2048,
        n_test=500,
        repetitions=1,
        trajectories=2,
        n_samples=64,
        sizes={"unet": 48, "depth": 2, "restored": 4, "particles": 8},
    ),
    quick=Setting(
        TrainConfig(
            max_steps=240,
            batch_size=64,
            weight_decay=0.0,
            evaluate_every=60,
            patience=100,
            ema_decay=0.98,
            warmup_steps=20,
        ),
        trajectory_length=98,
        n_train=10_000,
        n_valid=256,
        n_test=64,
        repetitions=1,
        trajectories=4,
        n_samples=64,
        sizes={"unet": 24, "depth": 1, "restored": 4, "particles": 8},
    ),
    load=load,
    prepare=with_frequencies,
    per_row=lambda setting: PIXELS,
    draw=draw,
    extra=in_nats,
)
