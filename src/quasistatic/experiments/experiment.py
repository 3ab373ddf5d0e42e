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
        train: training rows.
        valid: held-out rows that decide when training stops; None if it runs to the end.
        test: rows whose likelihood is reported.
        log_volume: log-volume added to every log-likelihood, nats per row: from the model's units
            to those of the tables.
        truth_nats: mean log p of the test rows under the true distribution where it is known, nats
            per row, in the tables' units.
        decode: function from values `[N, D]` of the model to what the figures show.
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
        train: settings of the training, its seed included.
        trajectory_length: number of steps T.
        n_train: number of training rows.
        n_valid: number of validation rows.
        n_test: number of test rows.
        repetitions: number of draws of K per test row (default 2).
        trajectories: number of trajectories per test row for the importance-weighted bound
            (default 16).
        n_samples: number of rows drawn from the model (default 64).
        sizes: further sizes of data and networks; each experiment explains its names.
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
        name: name in metrics.json and of the folder of the parameters.
        note: one-line description.
        build: function from (setting, key) to an untrained model.
        learning_rate: learning rate, where it differs from the setting's.
        adapt: function from the experiment's setting to that of this variant, where they differ.
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
        k: variational bound K.
        k_minus_l_null: K minus the log-likelihood under the equilibrium distribution.
        parzen: log-likelihood by Parzen windows, bits per image.
    """

    k: float | None = None
    k_minus_l_null: float | None = None
    parzen: float | None = None


@dataclass(frozen=True)
class Experiment:
    """One of the paper's experiments.

    Args:
        name: name of the experiment on the command line.
        title: one-line title.
        units: unit of all numbers, "bits per ...".
        per_row: function from a setting to how many of the unit (pixels, say) a row has (default:
            1).
        published: numbers of the paper.
        variants: models that are compared; the numbers of the first come first in metrics.json.
        full: setting of a full run.
        quick: setting of a run of a few minutes.
        load: function from (setting, seed) to the data.
        prepare: function from (untrained model, data) to the untrained model with constants
            computed from the data, such as frequencies.
        draw: function that writes the figures of a finished run; see `experiments/figures/`.
        extra: function from a finished run to further entries of metrics.json; it may write
            figures too.
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
        variant: variant that was trained.
        model: trained model.
        history: evaluations during training, with the minutes since it began.
        metrics: entry of the variant in metrics.json.
        samples: rows drawn from the model, `[n_samples, D]`, in the model's units.
    """

    variant: Variant
    model: DiffusionModel
    history: list[dict[str, float]]
    metrics: dict[str, float]
    samples: np.ndarray


class Run(NamedTuple):
    """A finished run, from which figures and further numbers are made.

    Args:
        experiment: experiment that was run.
        setting: setting of the run.
        data: rows of the experiment.
        trained: trained variants, in the order of the experiment.
        folder: folder for figures and numbers.
        seed: seed of all random numbers.
    """

    experiment: Experiment
    setting: Setting
    data: Data
    trained: tuple[Trained, ...]
    folder: Path
    seed: int
