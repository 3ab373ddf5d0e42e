"""scikit-learn shells."""

from quasistatic.estimator.density import DiffusionDensity
from quasistatic.estimator.energy import EnergyDensity
from quasistatic.estimator.loading import load

__all__ = ["DiffusionDensity", "EnergyDensity", "load"]
