"""What the report asks of the rows that a model was fitted on, with other rows held out."""

from collections.abc import Callable

import numpy as np

from quasistatic.data.table import Table
from quasistatic.estimator.density import DiffusionDensity
from quasistatic.fitted.privacy import LEAST, Privacy
from quasistatic.fitting.learning_curve import LearningCurve, learning_curve
from quasistatic.fitting.settings import FitSettings
from quasistatic.report.findings import Limits

_HELD_OUT = 5
"""One in so many rows is held out for a learning curve where there are no others."""


def search(
    density: DiffusionDensity,
    train: Table,
    holdout: Table,
    limits: Limits,
    seed: int,
    tell: Callable[[str], None],
) -> Privacy:
    """What drawn rows tell of the training rows against a hold-out."""
    tell(f"Searching {len(train)} training rows for sampled ones")
    n = min(len(holdout), max(limits.compared, LEAST))
    return density.privacy(train, holdout, n, max(limits.scored, LEAST), random_state=seed)


def learn(
    density: DiffusionDensity,
    train: Table | None,
    table: Table,
    trajectories: int,
    seed: int,
    tell: Callable[[str], None],
) -> LearningCurve:
    """The learning curve of the training rows with the table held out; without training rows, that
    of four fifths of the table with the rest held out.
    """
    settings = density.get_params(deep=False) | {"seed": density.manifest_["seed"]}
    del settings["random_state"]
    if train is None:
        order = np.random.default_rng(seed).permutation(len(table))
        held = len(table) // _HELD_OUT
        train, table = (table.take(np.sort(part)) for part in (order[held:], order[:held]))
    return learning_curve(
        density.fitted_, FitSettings(**settings), train, table, trajectories, seed=seed, tell=tell
    )
