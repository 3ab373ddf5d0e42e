"""scikit-learn shells."""

from quasistatic.estimator.density import DiffusionDensity, load
from quasistatic.estimator.likelihood import Likelihood

__all__ = ["DiffusionDensity", "Likelihood", "load"]
