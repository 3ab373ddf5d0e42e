"""Posteriors p(x | evidence): any r(x_0) multiplied onto a model, samples and evidence by twisted
sequential Monte Carlo.
"""

from quasistatic.posterior.evidence import AbstractEvidence, AllOf
from quasistatic.posterior.function import Function
from quasistatic.posterior.linear import Linear
from quasistatic.posterior.noisy import Noisy
from quasistatic.posterior.observed import Observed
from quasistatic.posterior.ordered import OrderedWalk
from quasistatic.posterior.ranges import Range
from quasistatic.posterior.recipe2015 import Recipe2015
from quasistatic.posterior.smc import Posterior, TwistedWalk
from quasistatic.posterior.soft import Soft

__all__ = [
    "AbstractEvidence",
    "AllOf",
    "Function",
    "Linear",
    "Noisy",
    "Observed",
    "OrderedWalk",
    "Posterior",
    "Range",
    "Recipe2015",
    "Soft",
    "TwistedWalk",
]
