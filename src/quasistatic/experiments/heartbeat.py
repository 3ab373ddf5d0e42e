"""The binary heartbeat (paper, section 3.1.2): a 1 in every fifth of 20 bins, five sequences,
entropy log2 5.
"""

import math
from typing import Any

import jax
import numpy as np

from quasistatic.config import TrainConfig
from quasistatic.data.cells import Cells
from quasistatic.experiments.experiment import Data, Experiment, Published, Run, Setting, Variant
from quasistatic.experiments.figures.binary import samples_beside_data, trajectories
from quasistatic.experiments.figures.curves import training
from quasistatic.forward import ErasureSchedule, binomial_diffusion
from quasistatic.model import DiffusionModel
from quasistatic.network import ResidualMLP, StepwisePerceptron
from quasistatic.typing import Key

LENGTH, PERIOD = 20, 5
ACTIVITY = 1 / PERIOD


def sequences() -> np.ndarray:
    """The five sequences, int32 `[5, 20]`; each has probability 1/5.

    Example:
        >>> sequences()[1].tolist()
        [0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0]
    """
    place = np.arange(LENGTH)
    return np.stack([place % PERIOD == phase for phase in range(PERIOD)]).astype(np.int32)


def is_valid(rows: np.ndarray) -> np.ndarray:
    """Whether each row is one of the five sequences, bool `[N]`."""
    return np.any(np.all(np.asarray(rows)[:, None] == sequences(), axis=-1), axis=-1)


def load(setting: Setting, seed: int) -> Data:
    """Training rows: the five sequences over and over. Test rows: each once, so that means over
    them are expectations.
    """
    del seed  # nothing here is random

    def cells(values: np.ndarray) -> Cells:
        return Cells(values, np.ones(values.shape, bool))

    train = np.tile(sequences(), (setting.n_train // PERIOD, 1))
    return Data(cells(train), None, cells(sequences()), 0.0, -math.log(PERIOD), lambda x: x)


def _forward(setting: Setting):
    return binomial_diffusion(ErasureSchedule(setting.trajectory_length), [ACTIVITY] * LENGTH)


def _paper(setting: Setting, key: Key) -> DiffusionModel:
    forward = _forward(setting)
    network = StepwisePerceptron(
        forward.n_features,
        forward.n_outputs,
        trajectory_length=setting.trajectory_length,
        width=50,
        depth=3,
        key=key,
    )
    return DiffusionModel(forward, network)


def _modern(setting: Setting, key: Key) -> DiffusionModel:
    forward = _forward(setting)
    width = setting.sizes["width"]
    return DiffusionModel(
        forward, ResidualMLP(forward.n_features, forward.n_outputs, width=width, depth=2, key=key)
    )


def _valid_share(run: Run) -> dict[str, Any]:
    valid = {item.variant.name: float(np.mean(is_valid(item.samples))) for item in run.trained}
    return {"valid_samples": valid, "limit": -math.log2(PERIOD)}


def draw(run: Run) -> None:
    """Samples beside data, reverse trajectories, training curves."""
    folder = run.folder
    samples = {item.variant.name: item.samples for item in run.trained}
    samples_beside_data(sequences(), samples, folder / "samples.png")
    trajectories(
        run.trained[0].model,
        folder / "reverse.png",
        folder / "reverse.gif",
        key=jax.random.key(run.seed),
    )
    training(
        run.trained,
        1 / math.log(2),
        run.data.log_volume,
        run.experiment.units,
        folder / "training.png",
    )


HEARTBEAT = Experiment(
    name="heartbeat",
    title="Binary heartbeat, sequences of length 20",
    units="bits per sequence",
    published=Published(k=-2.414, k_minus_l_null=12.024),
    variants=(
        Variant("modern", "residual perceptron that is told the time", _modern, 2e-3),
        Variant("paper", "sigmoid perceptron 20-50-50-50, a readout per step", _paper, 1e-2),
    ),
    full=Setting(
        TrainConfig(
            max_steps=6000, batch_size=512, weight_decay=0.0, evaluate_every=500, ema_decay=0.999
        ),
        trajectory_length=2000,
        n_train=2500,
        n_valid=0,
        n_test=5,
        repetitions=1000,
        trajectories=1000,
        n_samples=10_000,
        sizes={"width": 64},
    ),
    quick=Setting(
        TrainConfig(
            max_steps=1500, batch_size=256, weight_decay=0.0, evaluate_every=500, ema_decay=0.99
        ),
        trajectory_length=200,
        n_train=2500,
        n_valid=0,
        n_test=5,
        repetitions=50,
        trajectories=50,
        n_samples=2000,
        sizes={"width": 64},
    ),
    load=load,
    draw=draw,
    extra=_valid_share,
)
