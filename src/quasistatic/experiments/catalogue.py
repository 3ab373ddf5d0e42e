"""All experiments by name; an experiment's module is imported on first use."""

import importlib

from quasistatic.errors import SettingError
from quasistatic.experiments.experiment import Experiment

_HOME = {
    "swiss-roll": ("swiss_roll", "SWISS_ROLL"),
    "heartbeat": ("heartbeat", "HEARTBEAT"),
    "dead-leaves": ("dead_leaves", "DEAD_LEAVES"),
    "textures": ("textures", "TEXTURES"),
    "mnist": ("mnist", "MNIST"),
    "bmnist": ("bmnist", "BMNIST"),
    "cifar10": ("cifar10", "CIFAR10"),
}
EXPERIMENTS = tuple(_HOME)


def experiment(name: str) -> Experiment:
    """The experiment of that name.

    Raises:
        SettingError: there is no experiment of that name.
    """
    if name not in _HOME:
        raise SettingError(
            f"there is no experiment {name!r}", fix=f"choose one of {', '.join(EXPERIMENTS)}"
        )
    module, constant = _HOME[name]
    return getattr(importlib.import_module(f"quasistatic.experiments.{module}"), constant)
