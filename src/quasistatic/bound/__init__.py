"""Likelihoods: the bound K with its named terms, and the importance-weighted bound over
trajectories.
"""

from quasistatic.bound.evaluate import evaluate_log_weights, evaluate_terms
from quasistatic.bound.lower import WeightedBound, weighted_bound
from quasistatic.bound.terms import Terms, bound_terms, step_cost

__all__ = [
    "Terms",
    "WeightedBound",
    "bound_terms",
    "evaluate_log_weights",
    "evaluate_terms",
    "step_cost",
    "weighted_bound",
]
