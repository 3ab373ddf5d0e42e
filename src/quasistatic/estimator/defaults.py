"""Settings that depend on the size of the table, and the presets."""

from typing import Any

import numpy as np

from quasistatic.forward.fourier import OCTAVES

VALIDATION_CHUNK = 256
SMALL = 2000
"""Below this many rows the settings are cross-validated and all rows train the final model."""
LARGE = 10_000
"""From this many rows on a training has more steps, in proportion to the rows,
`MOST_TRAINING_STEPS` at most."""
MOST_TRAINING_STEPS = 12_000
FOLDS = 4
FEWEST_MINUTES = 3
"""With fewer, the many short trainings of a cross-validation would not get beyond compiling: a
small table is split once."""
MOST_WAVY_COLUMNS = 64
"""Tables of more numbers see them plainly: with waves the first layer would be most of the network
(not measured)."""
MEMBERS = 4
"""Networks of a small table. Sampling and scoring take as many times the work, of few rows."""
CONTINUOUS_STEPS = 64
"""T with continuous columns."""
IMAGE_STEPS = 100
"""T of grey and colour images."""
MOST_IMAGE_STEPS = 256
"""T of binary images at most."""


def trajectory_length(n_continuous: int, n_discrete: int, discrete_kernel: str) -> int:
    """T: one step a column for an absorbing model, a fixed number where something is continuous or
    a heat bath.
    """
    if n_continuous == 0 and discrete_kernel == "absorbing":
        return max(n_discrete, 1)
    if n_continuous == 0:
        return 200
    return (
        CONTINUOUS_STEPS
        if discrete_kernel != "absorbing"
        else max(CONTINUOUS_STEPS, min(n_discrete, 4 * CONTINUOUS_STEPS))
    )


def image_trajectory_length(n_pixels: int, discrete_kernel: str, *, continuous: bool) -> int:
    """T of images: grey levels need more steps than the columns of a table, binary pixels one each
    up to `MOST_IMAGE_STEPS`.
    """
    if continuous or discrete_kernel != "absorbing":
        return IMAGE_STEPS
    return min(n_pixels, MOST_IMAGE_STEPS)


def image_network(n_continuous: int, preset: str) -> dict[str, Any]:
    """The U-Net of images; one is tried. Grey levels are seen through waves as well, each of them
    as a plane.
    """
    size = {"width": 64, "depth": 2} if preset == "thorough" else {"width": 32, "depth": 1}
    return size | {"dropout": 0.0, "frequencies": OCTAVES if n_continuous else 0}


def image_training(n_rows: int, preset: str) -> dict[str, Any]:
    """Steps, batch and patience for images."""
    return {
        "max_steps": 12_000 if preset == "thorough" else 4000,
        "batch_size": int(np.clip(2 ** round(np.log2(max(n_rows, 2) / 4)), 16, 64)),
        "patience": 15 if preset == "thorough" else 8,
        "evaluate_every": 200,
        "weight_decay": 0.0,
    }


def validation_rows(n_rows: int, fraction: float) -> int:
    """Rows set aside of a large table: the fraction, at most 2048, whole chunks."""
    wanted = max(min(round(fraction * n_rows), 2048), 1)
    return wanted if wanted <= VALIDATION_CHUNK else wanted // VALIDATION_CHUNK * VALIDATION_CHUNK


def networks(n_rows: int, n_continuous: int, preset: str) -> list[dict[str, Any]]:
    """Network settings to try, the best by validation is kept: one for a large table, a few for a
    small one that is cheap to fit.

    Fourier features are worth up to a nat on tables of thousands of rows, nothing on others, and
    over-fit many of the small ones.
    """
    size = {"width": 128 if n_rows < 5000 else 256, "depth": 2, "dropout": 0.1}
    if preset == "thorough":
        size = {"width": 256, "depth": 3, "dropout": 0.15}
    plain, fine = size | {"frequencies": 0}, size | {"frequencies": OCTAVES}
    has_waves = 0 < n_continuous <= MOST_WAVY_COLUMNS
    if n_rows >= 5000:
        return [fine if has_waves else plain]
    tried = [plain]
    if preset == "default" and (n_rows < SMALL or not has_waves):
        tried.append(plain | {"dropout": 0.3})
    return [*tried, fine] if has_waves else tried


def is_cross_validated(n_rows: int, max_minutes: float | None) -> bool:
    """Whether every row of a table is trained on and held out in turn."""
    return n_rows < SMALL and (max_minutes is None or max_minutes >= FEWEST_MINUTES)


def members(n_rows: int) -> int:
    """Networks that are asked together: where rows are few, what a network makes of them depends on
    its initial weights.
    """
    return MEMBERS if n_rows < SMALL else 1


def training(n_rows: int, preset: str) -> dict[str, Any]:
    """Steps, batch and patience."""
    batch_size = int(np.clip(2 ** round(np.log2(max(n_rows, 2) / 4)), 32, 512))
    if preset == "thorough":
        return {
            "max_steps": max(8000, _training_steps(n_rows)),
            "batch_size": batch_size,
            "patience": 15,
            "evaluate_every": 200,
        }
    return {
        "max_steps": 2000 if n_rows < SMALL else _training_steps(n_rows),
        "batch_size": batch_size,
        "patience": 6 if n_rows < SMALL else 10,
        "evaluate_every": 100,
    }


def _training_steps(n_rows: int) -> int:
    """Hundreds of optimiser steps: 3000 for a table of `LARGE` rows, which are seen 150 times
    each.
    """
    return int(np.clip(round(30 * n_rows / LARGE) * 100, 3000, MOST_TRAINING_STEPS))


def first_step_share(typical_width: np.ndarray) -> float | None:
    """Share of the rows that get t = 1 in training: a tenth with continuous columns, whose first
    step has the largest cost.
    """
    return 0.1 if len(typical_width) else None
