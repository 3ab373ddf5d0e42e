"""Climbing the bound."""

from quasistatic.config import TrainConfig
from quasistatic.train.evaluation import bound_of
from quasistatic.train.loop import Event, FitResult, fit
from quasistatic.train.state import TrainState

__all__ = ["Event", "FitResult", "TrainConfig", "TrainState", "bound_of", "fit"]
