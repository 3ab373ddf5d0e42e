"""What a kernel, a marginal, a bridge and a reverse kernel *is*: distributions of one block, and of
a whole row.
"""

from quasistatic.distribution.block import (
    AbstractDistribution,
    Binary,
    Categorical,
    Normal,
    RandomSubset,
)
from quasistatic.distribution.mixture import Mixture, divergence, entropy
from quasistatic.distribution.product import Product

__all__ = [
    "AbstractDistribution",
    "Binary",
    "Categorical",
    "Mixture",
    "Normal",
    "Product",
    "RandomSubset",
    "divergence",
    "entropy",
]
