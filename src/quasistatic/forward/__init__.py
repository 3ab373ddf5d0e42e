"""q: the processes that turn data into noise."""

from quasistatic.forward.absorbing import AbsorbingDiffusion
from quasistatic.forward.base import AbstractDiffusion
from quasistatic.forward.categorical import CategoricalDiffusion, binomial_diffusion
from quasistatic.forward.gaussian import GaussianDiffusion, tabulated
from quasistatic.forward.product import ProductDiffusion
from quasistatic.forward.schedule import (
    AbstractSchedule,
    ErasureSchedule,
    LearnedSchedule,
    TableSchedule,
    cosine_schedule,
    linear_schedule,
)
from quasistatic.forward.sigmoid_gaussian import SigmoidGaussianDiffusion
from quasistatic.forward.thinned import ThinnedDiffusion

__all__ = [
    "AbsorbingDiffusion",
    "AbstractDiffusion",
    "AbstractSchedule",
    "CategoricalDiffusion",
    "ErasureSchedule",
    "GaussianDiffusion",
    "LearnedSchedule",
    "ProductDiffusion",
    "SigmoidGaussianDiffusion",
    "TableSchedule",
    "ThinnedDiffusion",
    "binomial_diffusion",
    "cosine_schedule",
    "linear_schedule",
    "tabulated",
]
