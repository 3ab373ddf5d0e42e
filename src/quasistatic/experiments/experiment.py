"""What an experiment is: data, one or more models to compare, and two sizes of everything."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from quasistatic.config import TrainConfig
from quasistatic.data.cells import Cells
from quasistatic.model import DiffusionModel
from quasistatic.typing import Key


class Data(NamedTuple):
    """Rows of an experiment, in the model's units.

    Args:
        train: rows to learn from.
        valid: rows that decide when to stop; None trains to the end.
        test: rows whose likelihood is quoted.
        log_volume: nats per row, added to every log-likelihood: from the model's units to those of
            the tables.
        truth_nats: mean log p of the test rows under the true distribution where it is known, nats
            per row, in the tables' units.
        decode: model values `[N, D]` to what the figures show.
    """

    train: Cells
    valid: Cells | None
    test: Cells
    log_volume: float
    truth_nats: float | None
    decode: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Setting:
    """The size of a run.

    Args:
        train: settings of the training, with its seed.
        trajectory_length: T.
        n_train: training rows.
        n_valid: validation rows.
        n_test: test rows.
        repetitions: draws of K per test row.
        trajectories: per test row, for the importance-weighted bound.
        n_samples: rows drawn from the model.
        sizes: of the data and the networks, by names that the experiment explains.
    """

    train: TrainConfig
    trajectory_length: int
    n_train: int
    n_valid: int
    n_test: int
    repetitions: int = 2
    trajectories: int = 16
    n_samples: int = 64
    sizes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Variant:
    """One model of an experiment.

    Args:
        name: as in metrics.json and of the folder of its parameters.
        note: what it is, one line.
        build: (setting, key) to an untrained model.
        learning_rate: where it differs from the setting's.
        adapt: the setting to its own size where it differs.
    """

    name: str
    note: str
    build: Callable[[Setting, Key], DiffusionModel]
    learning_rate: float | None = None
    adapt: Callable[[Setting], Setting] = lambda setting: setting


@dataclass(frozen=True)
class Published:
    """The paper's figures, in the experiment's units; None where it gives none.

    Args:
        k: the bound.
        k_minus_l_null: its distance from the likelihood under the equilibrium distribution.
        parzen: log-likelihood by Parzen windows, bits per image.
    """

    k: float | None = None
    k_minus_l_null: float | None = None
    parzen: float | None = None


@dataclass(frozen=True)
class Experiment:
    """One of the paper's experiments.

    Args:
        name: on the command line.
        title: one line.
        units: of all its numbers, "bits per ...".
        per_row: how many of the unit's pixels (or the like) a row has.
        published: the paper's numbers.
        variants: the models that are compared; the first is the one whose numbers head
            metrics.json.
        full: the full size.
        quick: a few minutes.
        load: (setting, seed) to the data.
        prepare: (untrained model, data) to the model with what it takes from the data as it is,
            such as frequencies.
        draw: function that writes the figures of a finished run; see `experiments/figures/`.
        extra: more numbers for metrics.json, from a finished run, with the figures that go with
            them.
    """

    name: str
    title: str
    units: str
    published: Published
    variants: tuple[Variant, ...]
    full: Setting
    quick: Setting
    load: Callable[[Setting, int], Data]
    per_row: Callable[[Setting], int] = lambda setting: 1
    prepare: Callable[[DiffusionModel, Data], DiffusionModel] = lambda model, data: model
    draw: "Callable[[Run], None] | None" = None
    extra: "Callable[[Run], dict[str, Any]] | None" = None


class Trained(NamedTuple):
    """A variant after its training.

    Args:
        variant: which.
        model: trained.
        history: evaluations of the training, with the minutes since it began.
        metrics: its entry in metrics.json.
        samples: rows of the model, `[n_samples, D]`, the model's units.
    """

    variant: Variant
    model: DiffusionModel
    history: list[dict[str, float]]
    metrics: dict[str, float]
    samples: np.ndarray


class Run(NamedTuple):
    """A finished run: what figures and further numbers are made of.

    Args:
        experiment: which.
        setting: its size.
        data: its rows.
        trained: every variant, the first first.
        folder: where to write.
        seed: of all randomness.
    """

    experiment: Experiment
    setting: Setting
    data: Data
    trained: tuple[Trained, ...]
    folder: Path
    seed: int
