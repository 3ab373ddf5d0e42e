"""Posteriors p(x | evidence): any r(x_0) multiplied onto a model, samples and evidence by twisted
sequential Monte Carlo.
"""

from quasistatic.posterior.evidence.base import AbstractEvidence, AllOf
from quasistatic.posterior.evidence.categories import Soft
from quasistatic.posterior.evidence.function import Function
from quasistatic.posterior.evidence.linear import Linear
from quasistatic.posterior.evidence.noisy import Measured, Noisy
from quasistatic.posterior.evidence.observed import Observed
from quasistatic.posterior.evidence.range import Range
from quasistatic.posterior.evidence.within import Within
from quasistatic.posterior.query import Posteriors
from quasistatic.posterior.walks.ordered import OrderedWalk
from quasistatic.posterior.walks.populations import Populations
from quasistatic.posterior.walks.product import ProductWalk
from quasistatic.posterior.walks.recipe2015 import Recipe2015
from quasistatic.posterior.walks.twisted import Posterior, TwistedWalk

__all__ = [
    "AbstractEvidence",
    "AllOf",
    "Function",
    "Linear",
    "Measured",
    "Noisy",
    "Observed",
    "OrderedWalk",
    "Populations",
    "Posterior",
    "Posteriors",
    "ProductWalk",
    "Range",
    "Recipe2015",
    "Soft",
    "TwistedWalk",
    "Within",
]
