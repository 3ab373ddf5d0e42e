"""The two sizes of the benches."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Sizes:
    """Sizes of all benches.

    Args:
        side: side of the spin glass's lattice.
        seeds: number of spin glasses.
        rows: number of training rows of the spin glass.
        test: number of test rows.
        known_rows: number of training rows of bench (b).
        updates: number of updates of contrastive divergence and of the autoencoder.
        paths: number of annealing paths.
        steps: number of annealing steps.
        repetitions: number of repetitions of what is said of log Z.
        score_updates: number of updates of score matching.
        roll_rows: number of rows of the Swiss roll.
        trajectories: number of trajectories of diffusion per test row.
        diffusion: settings of `DiffusionDensity`.
        mnist: whether a machine of MNIST is annealed, where the files are there.
    """

    side: int
    seeds: int
    rows: int
    test: int
    known_rows: int
    updates: int
    paths: int
    steps: int
    repetitions: int
    score_updates: int
    roll_rows: int
    trajectories: int
    diffusion: dict[str, Any] = field(default_factory=dict)
    mnist: bool = False


QUICK = Sizes(
    side=5, seeds=1, rows=3000, test=200, known_rows=3000, updates=1000, paths=50, steps=100,
    repetitions=10, score_updates=1000, roll_rows=3000, trajectories=8,
    diffusion={"max_steps": 300, "max_minutes": 2, "width": 64, "members": 1},
)  # fmt: skip
FULL = Sizes(
    side=10, seeds=5, rows=20_000, test=2000, known_rows=20_000, updates=10_000, paths=200,
    steps=300, repetitions=100, score_updates=20_000, roll_rows=20_000, trajectories=64,
    diffusion={"max_minutes": 4}, mnist=True,
)  # fmt: skip
