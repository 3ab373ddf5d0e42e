"""Beliefs of x_0, and what a distribution has to say to posteriors, products and the ledger:
functions that each family registers.
"""

from quasistatic.belief import discrete, gaussian  # they register their families
from quasistatic.belief.base import AbstractBelief, Belief
from quasistatic.belief.families import believe, match_step, multiply, signal_left, tilt
from quasistatic.belief.mixture import MixtureBelief
from quasistatic.belief.numbers import NormalBelief
from quasistatic.belief.states import StateBelief

__all__ = [
    "AbstractBelief",
    "Belief",
    "MixtureBelief",
    "NormalBelief",
    "StateBelief",
    "believe",
    "discrete",
    "gaussian",
    "match_step",
    "multiply",
    "signal_left",
    "tilt",
]
