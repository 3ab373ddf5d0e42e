"""From a table to a fitted model: settings, the candidates that are tried, their trainings, and the
choice among them by held-out rows.
"""

from quasistatic.fitting.constrained import fit_constrained
from quasistatic.fitting.selection import fit_table
from quasistatic.fitting.settings import FitSettings
from quasistatic.fitting.training import FitEvent

__all__ = ["FitEvent", "FitSettings", "fit_constrained", "fit_table"]
