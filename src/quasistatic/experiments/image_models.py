"""What the image experiments of grey levels share: cells of scaled patches, the two networks,
figures.
"""

from typing import Any

import jax
import numpy as np

from quasistatic.data.images.files import PixelScale
from quasistatic.experiments.denoising import denoised
from quasistatic.experiments.experiment import Data, Run, Setting, Trained, Variant
from quasistatic.experiments.figures.curves import corridor, training
from quasistatic.experiments.figures.pictures import reverse_pictures, samples_beside_data
from quasistatic.experiments.inpainting import inpainted
from quasistatic.forward import GaussianDiffusion, LearnedSchedule, SigmoidGaussianDiffusion
from quasistatic.forward.fourier import OCTAVES
from quasistatic.forward.schedule import AbstractSchedule
from quasistatic.model import DiffusionModel
from quasistatic.network import MultiscaleNetwork, UNet
from quasistatic.network.unet import PIXEL_PLANES
from quasistatic.typing import Key

FIRST_LOG_SNR = 8.0
"""log_snr(1) where the learned schedule starts: noise of 0.018 standard deviations, about one grey
level of 256."""


def shape_of(setting: Setting) -> tuple[int, int, int]:
    """(channels, height, width) of an image."""
    side = setting.sizes["side"]
    return setting.sizes.get("colours", 1), side, side


def pixels_per_row(setting: Setting) -> int:
    """Numbers of an image: what "per pixel" divides by where it is grey."""
    return int(np.prod(shape_of(setting)))


def _schedule(setting: Setting) -> LearnedSchedule:
    return LearnedSchedule.init(setting.trajectory_length, np.full(1, FIRST_LOG_SNR))


def paper_model(setting: Setting, key: Key) -> DiffusionModel:
    """Multi-scale convolutions and a dense path, bump functions of time, Sigma and mu through the
    paper's sigmoid.
    """
    _, height, width = shape_of(setting)
    sizes = setting.sizes
    forward = SigmoidGaussianDiffusion(_schedule(setting), pixels_per_row(setting))
    network = MultiscaleNetwork(
        forward.n_features,
        forward.n_outputs,
        height=height,
        width=width,
        channels=sizes["channels"],
        layers=sizes["layers"],
        scales=sizes["scales"],
        dense=sizes["dense"],
        n_bumps=sizes["bumps"],
        key=key,
    )
    return DiffusionModel(forward, network)


def modern_model(
    setting: Setting, key: Key, schedule: AbstractSchedule | None = None
) -> DiffusionModel:
    """A small U-Net with the time as an input and the corridor head; the schedule is learned unless
    one is given.
    """
    _, height, width = shape_of(setting)
    sizes = setting.sizes
    forward = GaussianDiffusion(schedule or _schedule(setting), pixels_per_row(setting), OCTAVES)
    network = UNet(
        forward.n_features,
        forward.n_outputs,
        height=height,
        width=width,
        channels=sizes["unet"],
        depth=sizes["depth"],
        coarse_depth=sizes.get("coarse_depth"),
        dense=sizes.get("dense_units", 0),
        dense_depth=sizes.get("dense_depth", 1),
        pixel_planes=PIXEL_PLANES,
        key=key,
    )
    return DiffusionModel(forward, network)


PAPER = Variant(
    "paper",
    "multi-scale convolution with bumps of time, the paper's sigmoid head",
    paper_model,
    2e-3,
)
MODERN = Variant("modern", "small U-Net, corridor head", modern_model, 2e-3)


def image_data(train: np.ndarray, valid: np.ndarray, test: np.ndarray) -> Data:
    """Cells of uint8 stacks, scaled by one constant of the training images.

    The unit of the tables is a density of the scaled pixels: the log-mass of the grey levels minus
    the log of their width. (The paper adds uniform noise and quotes the density; the mean of that
    is at most this, by Jensen's inequality.)
    """
    scale = PixelScale.of(train)
    shape = train.shape[1:]
    n_pixels = int(np.prod(shape))

    def decode(values: np.ndarray) -> np.ndarray:
        return scale.decode(values, shape)

    encoded = [scale.encode(stack) for stack in (train, valid, test)]
    return Data(encoded[0], encoded[1], encoded[2], -scale.log_cell_width * n_pixels, None, decode)


def best(run: Run) -> Trained:
    """The model with the highest K, which the figures are of."""
    return max(run.trained, key=lambda item: item.metrics["K"])


def draw(run: Run) -> None:
    """Samples beside data, corridor, training curves, and the reverse trajectory of the best
    model.
    """
    model = best(run).model
    images = run.data.decode(np.asarray(run.data.test.value[:64]))
    samples = {item.variant.name: run.data.decode(item.samples[:64]) for item in run.trained}
    samples_beside_data(images, samples, run.folder / "samples.png")
    key = jax.random.key(run.seed)
    corridor(
        model, run.data.test.take(slice(0, 16)), run.folder / "corridor.png", key=key, chunk=16
    )
    per_row = run.experiment.per_row(run.setting)
    training(
        run.trained,
        1 / (np.log(2) * per_row),
        run.data.log_volume,
        run.experiment.units,
        run.folder / "training.png",
    )
    reverse_pictures(
        model, run.data.decode, run.folder / "reverse.png", run.folder / "reverse.gif", key=key
    )


def restored(run: Run) -> dict[str, Any]:
    """Missing pixels filled and noise removed by the best model: `inpainting.png`,
    `denoising.png`, and their entries of metrics.json.
    """
    item = best(run)
    return {
        "inpainting": inpainted(run, item, shape_of(run.setting)),
        "denoising": denoised(run, item),
    }
