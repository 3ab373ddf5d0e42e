"""The probability flow's density of a table, in the data's own units."""

from quasistatic.data.cells import EncodedTable
from quasistatic.errors import SettingError
from quasistatic.model import DiffusionModel
from quasistatic.thermodynamics.ode import FlowLikelihood, flow_log_density
from quasistatic.typing import Key


def flow_likelihood(
    model: DiffusionModel, encoded: EncodedTable, probes: int, *, key: Key
) -> FlowLikelihood:
    """`flow_log_density` of the single continuous block of a table's model, log-volume added.

    Raises:
        SettingError: the model has discrete columns, or probes < 1.
    """
    if probes < 1:
        raise SettingError(f"probes = {probes} must be at least 1")
    found = flow_log_density(model, encoded.rows, key=key, probes=probes)
    return found._replace(log_density=found.log_density + encoded.log_volume)
