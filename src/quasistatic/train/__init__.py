"""Climbing the bound."""

from quasistatic.train.loop import Event, FitResult, fit
from quasistatic.train.state import TrainConfig, TrainState

__all__ = ["Event", "FitResult", "TrainConfig", "TrainState", "fit"]
