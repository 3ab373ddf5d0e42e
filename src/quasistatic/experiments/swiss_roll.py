"""The Swiss roll (paper, section 3.1.1 and figure 1): T = 40, the paper's 16 radial basis
functions, a network of today, and one whose few steps are mixtures.
"""

import math
from typing import Any

import jax
import numpy as np

from quasistatic.assemble import independent_start
from quasistatic.config import TrainConfig
from quasistatic.data.cells import Cells
from quasistatic.experiments import spiral
from quasistatic.experiments.experiment import Data, Experiment, Published, Run, Setting, Variant
from quasistatic.experiments.figures.curves import corridor, schedules, training
from quasistatic.experiments.figures.planar import (
    reverse_animation,
    samples_beside_data,
    trajectory_panels,
)
from quasistatic.forward import (
    AbstractSchedule,
    GaussianDiffusion,
    LearnedSchedule,
    ProductDiffusion,
    SigmoidGaussianDiffusion,
    TableSchedule,
)
from quasistatic.model import DiffusionModel, n_outputs
from quasistatic.network import RBFNetwork, ResidualMLP
from quasistatic.typing import Key

FIRST_LOG_SNR = 9.0
"""log_snr(1) of the fixed schedule and the start of the learned one: noise of 0.011 standard
deviations at t = 1."""

FEW_STEPS, COMPONENTS = 8, 16
"""T, and products of the mixture that each reverse step is, of the model with few steps."""


def _fixed(setting: Setting) -> AbstractSchedule:
    """Linear in log_snr, where the learned schedule starts."""
    return TableSchedule(
        np.linspace(FIRST_LOG_SNR, LearnedSchedule.LOWEST, setting.trajectory_length).tolist()
    )


def _learned(setting: Setting) -> AbstractSchedule:
    return LearnedSchedule.init(setting.trajectory_length, np.full(1, FIRST_LOG_SNR))


def _paper(schedule: AbstractSchedule, key: Key) -> DiffusionModel:
    forward = SigmoidGaussianDiffusion(schedule, 2)
    network = RBFNetwork(
        forward.n_features,
        forward.n_outputs,
        trajectory_length=forward.trajectory_length,
        units=16,
        key=key,
    )
    return DiffusionModel(forward, network)


def _modern(setting: Setting, key: Key) -> DiffusionModel:
    forward = GaussianDiffusion(_learned(setting), 2)
    width = setting.sizes["width"]
    return DiffusionModel(
        forward, ResidualMLP(forward.n_features, forward.n_outputs, width=width, depth=3, key=key)
    )


def _few_steps(setting: Setting, key: Key) -> DiffusionModel:
    schedule = LearnedSchedule.init(FEW_STEPS, np.full(1, FIRST_LOG_SNR))
    forward = ProductDiffusion([GaussianDiffusion(schedule, 2)])
    network = ResidualMLP(
        forward.n_features,
        n_outputs(forward, COMPONENTS),
        width=setting.sizes["width"],
        depth=3,
        components=COMPONENTS,
        key=key,
    )
    return DiffusionModel(forward, network, independent_start(forward, COMPONENTS))


def load(setting: Setting, seed: int) -> Data:
    """Independent rows for training, validation and test."""
    sizes = (setting.n_train, setting.n_valid, setting.n_test)
    parts = [spiral.sample(n, seed=3 * seed + i) for i, n in enumerate(sizes)]
    train, valid, test = (Cells(x.astype(np.float32), np.ones(x.shape, bool)) for x in parts)
    return Data(train, valid, test, 0.0, float(np.mean(spiral.log_density(parts[2]))), lambda z: z)


def draw(run: Run) -> None:
    """The paper's figure 1 for every model, samples beside data, corridor, schedules, training
    curves, and an animation.
    """
    folder, key = run.folder, jax.random.key(run.seed)
    models = {item.variant.name: item.model for item in run.trained}
    for name, model in models.items():
        trajectory_panels(model, run.data.test, folder / f"trajectory-{name}.png", key=key)
        corridor(model, run.data.test.take(slice(0, 256)), folder / f"corridor-{name}.png", key=key)
    samples_beside_data(
        run.data.test.value,
        {item.variant.name: item.samples for item in run.trained},
        folder / "samples.png",
    )
    schedules(models, folder / "schedules.png")
    training(
        run.trained,
        1 / math.log(2),
        run.data.log_volume,
        run.experiment.units,
        folder / "training.png",
    )
    best = max(run.trained, key=lambda item: item.metrics["K"])
    reverse_animation(best.model, folder / "reverse.gif", key=key)


def _schedule_gain(run: Run) -> dict[str, Any]:
    k = {item.variant.name: item.metrics["K"] for item in run.trained}
    both = {"paper-learned", "paper-fixed"} <= k.keys()  # with `--variant` one may be absent
    gain = {"gain_of_the_learned_schedule": k["paper-learned"] - k["paper-fixed"]} if both else {}
    return {"negative_entropy": spiral.NEGATIVE_ENTROPY_BITS} | gain


SWISS_ROLL = Experiment(
    name="swiss-roll",
    title="Swiss roll, two dimensions",
    units="bits per row",
    published=Published(k=2.35, k_minus_l_null=6.45),
    variants=(
        Variant(
            "paper-learned",
            "16 radial basis functions, learned schedule",
            lambda s, k: _paper(_learned(s), k),
            5e-2,
        ),
        Variant(
            "paper-fixed",
            "16 radial basis functions, fixed schedule",
            lambda s, k: _paper(_fixed(s), k),
            5e-2,
        ),
        Variant("modern", "residual perceptron, corridor head, learned schedule", _modern, 2e-3),
        Variant(
            "few-steps",
            f"residual perceptron, {FEW_STEPS} steps of mixtures of {COMPONENTS}, learned schedule",
            _few_steps,
            2e-3,
        ),
    ),
    full=Setting(
        TrainConfig(
            max_steps=12_000,
            batch_size=512,
            weight_decay=0.0,
            evaluate_every=500,
            patience=100,
            ema_decay=0.999,
            first_step_share=0.1,
        ),
        trajectory_length=40,
        n_train=100_000,
        n_valid=2048,
        n_test=2000,
        repetitions=4,
        trajectories=256,
        n_samples=1000,
        sizes={"width": 128},
    ),
    quick=Setting(
        TrainConfig(
            max_steps=1500,
            batch_size=512,
            weight_decay=0.0,
            evaluate_every=500,
            patience=100,
            first_step_share=0.1,
        ),
        trajectory_length=40,
        n_train=20_000,
        n_valid=1024,
        n_test=500,
        repetitions=4,
        trajectories=32,
        n_samples=500,
        sizes={"width": 64},
    ),
    load=load,
    draw=draw,
    extra=_schedule_gain,
)
