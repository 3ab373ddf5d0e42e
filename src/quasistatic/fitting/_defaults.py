"""Settings that depend on the size of the table, and the presets."""

from dataclasses import replace

import numpy as np

from quasistatic.config import DiscreteKernel, ModelConfig, TrainConfig
from quasistatic.fitting.settings import Preset
from quasistatic.forward.fourier import OCTAVES
from quasistatic.train import evaluation

SMALL = 2000
"""Below this many rows the settings are cross-validated and all rows train the final model, at
twice the rate of larger tables: held-out rows gain from it."""
MANY = 5000
"""From this many rows on a table has one network to try, a wider one."""
LARGE = 10_000
"""From this many rows on a training has more steps, in proportion to the rows,
`MOST_TRAINING_STEPS` at most."""
MOST_TRAINING_STEPS = 12_000
FOLDS = 4
FEWEST_MINUTES = 3
"""With fewer, the many short trainings of a cross-validation would not get beyond compiling: a
small table is split once."""
FEW = 500
"""Below this many rows a table has one network to try, of half the width, with more dropout, and
half the steps: Fourier features over-fit as a rule, and held-out rows gain nothing from more width
or less dropout, hardly anything from more steps."""
MOST_FOURIER_COLUMNS = 64
"""Tables of more numbers get no Fourier features: with them the first layer would be most of the
network (not measured)."""
MEMBERS = 4
"""Networks of the deep ensemble of a small table. Sampling and scoring take as many times the work,
of few rows."""
COMPONENTS = 16
"""Products that the reverse kernels of a table with numbers are mixtures of: so few steps as
`MIXTURE_STEPS` are enough with them (`benchmarks/few_steps.py`)."""
COMPONENTS_OF_MANY = 8
"""The same for many rows, where 16 reached no more on held-out rows and take longer to train."""
MIXTURE_STEPS = 8
"""T of mixtures with continuous columns."""
REVEALED = 4
"""Discrete columns that a step of a mixture reveals, in tables of up to `REVEALED` times
`MOST_DISCRETE_STEPS` of them."""
MOST_DISCRETE_STEPS = 32
"""T of mixtures on discrete columns, at most."""
WIDE = 128
"""With more discrete columns, and no numbers, a table has mixtures (a small one with twice as
many): below, the bound of products with a step a column is as high or higher and takes less
training, and scoring gains a factor of two (`benchmarks/few_steps.py`)."""
CONTINUOUS_STEPS = 64
"""T of products with continuous columns."""
IMAGE_STEPS = 100
"""T of grey and colour images."""
MOST_IMAGE_STEPS = 256
"""T of binary images at most."""


def components(
    n_rows: int, n_continuous: int, n_discrete: int, discrete_kernel: DiscreteKernel
) -> int:
    """Products of the mixture that a reverse kernel is: one in a heat bath, and of discrete columns
    alone unless they are many, where the trajectories of products are long.
    """
    if discrete_kernel != "absorbing":
        return 1
    if n_continuous == 0:
        wide = WIDE if n_rows >= SMALL else 2 * WIDE
        return COMPONENTS_OF_MANY if n_discrete > wide else 1
    return COMPONENTS if n_rows < MANY else COMPONENTS_OF_MANY


def trajectory_length(
    n_continuous: int, n_discrete: int, discrete_kernel: DiscreteKernel, components: int
) -> int:
    """T: of products one step a column for an absorbing model, of mixtures one for a few columns; a
    fixed number where something is continuous or a heat bath.
    """
    if n_continuous == 0 and discrete_kernel == "absorbing":
        if components == 1:
            return max(n_discrete, 1)
        return max(min(n_discrete // REVEALED, MOST_DISCRETE_STEPS), min(n_discrete, REVEALED), 1)
    if n_continuous == 0:
        return 200
    if discrete_kernel != "absorbing":
        return CONTINUOUS_STEPS
    if components > 1:
        return MIXTURE_STEPS
    return max(CONTINUOUS_STEPS, min(n_discrete, 4 * CONTINUOUS_STEPS))


def image_trajectory_length(
    n_pixels: int, discrete_kernel: DiscreteKernel, *, continuous: bool
) -> int:
    """T of images: grey levels need more steps than the columns of a table, binary pixels one each
    up to `MOST_IMAGE_STEPS`.
    """
    if continuous or discrete_kernel != "absorbing":
        return IMAGE_STEPS
    return min(n_pixels, MOST_IMAGE_STEPS)


def networks(
    config: ModelConfig, n_rows: int, n_continuous: int, preset: Preset, *, hard: bool = False
) -> list[ModelConfig]:
    """The networks to try for a table, of which the best by validation is kept: one for a large
    table, a few for a small one that is cheap to fit.

    Fourier features are worth up to a nat on tables of thousands of rows, nothing on others, and
    over-fit many of the small ones.

    Args:
        config: settings of the model but for width, depth, dropout and frequencies of its network.
        n_rows: number of rows of the table.
        n_continuous: number of continuous columns of the table.
        preset: name of the preset, "default" or "thorough".
        hard: whether the numbers are strongly correlated (default False): of fewer than `FEW` rows,
            too, there is much to learn, which half the width and more dropout hinder.
    """
    plain = replace(config, width=128 if n_rows < MANY else 256, depth=2, dropout=0.1)
    if preset == "thorough":
        plain = replace(plain, width=256, depth=3, dropout=0.15)
    fine = replace(plain, frequencies=OCTAVES)
    has_fourier = 0 < n_continuous <= MOST_FOURIER_COLUMNS and n_rows >= FEW
    if n_rows < FEW and preset == "default":
        return [plain if hard else replace(plain, width=64, dropout=0.3)]
    if n_rows >= MANY:
        return [fine if has_fourier else plain]
    tried = [plain]
    if preset == "default" and (n_rows < SMALL or not has_fourier):
        tried.append(replace(plain, dropout=0.3))
    return [*tried, fine] if has_fourier else tried


def image_network(
    trajectory_length: int, image: tuple[int, int, int], preset: Preset, *, continuous: bool
) -> ModelConfig:
    """The U-Net of images; one is tried. Grey levels have Fourier features as well, each of them a
    plane.

    Args:
        trajectory_length: number of steps T of the diffusion.
        image: shape of the images, (channels, height, width).
        preset: name of the preset, "default" or "thorough".
        continuous: whether the pixels are grey levels, not two values.
    """
    return ModelConfig(
        trajectory_length,
        width=64 if preset == "thorough" else 32,
        depth=2 if preset == "thorough" else 1,
        dropout=0.0,
        frequencies=OCTAVES if continuous else 0,
        image=image,
    )


def is_cross_validated(n_rows: int, max_minutes: float | None) -> bool:
    """Whether every row of a table is trained on and held out in turn."""
    return n_rows < SMALL and (max_minutes is None or max_minutes >= FEWEST_MINUTES)


def members(n_rows: int) -> int:
    """Networks of the deep ensemble: where rows are few, what a network makes of them depends on
    its initial weights.
    """
    return MEMBERS if n_rows < SMALL else 1


def training(
    n_rows: int, preset: Preset, *, completed: bool = False, hard: bool = False
) -> TrainConfig:
    """Steps, batch and patience for a table.

    Args:
        n_rows: number of rows of the table.
        preset: name of the preset, "default" or "thorough".
        completed: whether rows are completed (default False): a table of fewer than `FEW` rows has
            as many steps as others then, as it does not over-fit as soon.
        hard: whether numbers are strongly correlated (default False): such a table has the steps
            and the batches of one of `FEW` rows at least.
    """
    n_rows = max(n_rows, FEW) if hard else n_rows
    batch_size = int(np.clip(2 ** round(np.log2(max(n_rows, 2) / 4)), 32, 512))
    if preset == "thorough":
        return TrainConfig(
            max_steps=max(8000, _training_steps(n_rows)),
            batch_size=batch_size,
            patience=15,
            evaluate_every=200,
        )
    if n_rows < SMALL:
        return TrainConfig(
            max_steps=1000 if n_rows < FEW and not completed else 2000,
            batch_size=batch_size,
            patience=6,
            evaluate_every=100,
            learning_rate=4e-3,
        )
    return TrainConfig(
        max_steps=_training_steps(n_rows), batch_size=batch_size, patience=10, evaluate_every=100
    )


def image_training(n_rows: int, preset: Preset) -> TrainConfig:
    """Steps, batch and patience for images."""
    return TrainConfig(
        max_steps=12_000 if preset == "thorough" else 4000,
        batch_size=int(np.clip(2 ** round(np.log2(max(n_rows, 2) / 4)), 16, 64)),
        patience=15 if preset == "thorough" else 8,
        evaluate_every=200,
        weight_decay=0.0,
    )


def _training_steps(n_rows: int) -> int:
    """Hundreds of optimiser steps: 3000 for a table of `LARGE` rows, which are seen 150 times
    each.
    """
    return int(np.clip(round(30 * n_rows / LARGE) * 100, 3000, MOST_TRAINING_STEPS))


def first_step_share(n_continuous: int) -> float | None:
    """Share of the rows that get t = 1 in training: a tenth with continuous columns, whose first
    step has the largest cost.
    """
    return 0.1 if n_continuous else None


def validation_rows(n_rows: int, fraction: float) -> int:
    """Rows set aside of a large table: the fraction, at most as many as an evaluation takes, whole
    chunks of it.
    """
    wanted = max(min(round(fraction * n_rows), evaluation.ROWS), 1)
    return wanted if wanted <= evaluation.CHUNK else wanted // evaluation.CHUNK * evaluation.CHUNK
