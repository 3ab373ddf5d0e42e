"""The probability flow's density of a table, in the data's own units."""

from quasistatic.config import require_whole
from quasistatic.data.table import Table
from quasistatic.fitted.model import Fitted
from quasistatic.thermodynamics import ode
from quasistatic.thermodynamics.ode import FlowLikelihood
from quasistatic.typing import Key

__all__ = ["flow_log_density"]


def flow_log_density(fitted: Fitted, table: Table, probes: int = 8, *, key: Key) -> FlowLikelihood:
    """`thermodynamics.ode.flow_log_density` of the single continuous block of a model, log-volume
    added.

    Args:
        fitted: model and codec.
        table: whole rows with the columns of the model, all of them continuous.
        probes: number of random vectors per row for the trace, above 20 columns (default 8).
        key: random key of the probes.

    Raises:
        SettingError: the model has discrete columns, or probes < 1.
        DataError, SchemaError: rows that the model cannot score.
    """
    encoded = fitted.encode(table, whole="the flow is of whole rows")
    require_whole("probes", probes, 1)
    found = ode.flow_log_density(fitted.model, encoded.rows, key=key, probes=probes)
    return found._replace(log_density=found.log_density + encoded.log_volume)
