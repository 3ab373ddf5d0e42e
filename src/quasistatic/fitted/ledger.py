"""The ledger of a table in the data's own units, with its verdict."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from quasistatic.bound import evaluate_terms
from quasistatic.config import require_whole
from quasistatic.data.table import Table
from quasistatic.fitted._generated import generate_table
from quasistatic.fitted.model import Fitted
from quasistatic.model import DiffusionModel, thin
from quasistatic.rows import Row
from quasistatic.thermodynamics.ledger import Ledger, ledger
from quasistatic.thermodynamics.verdict import Verdict, verdict
from quasistatic.typing import Key

__all__ = ["LedgerReport", "ledger_report"]

_REPETITIONS = 2
"""Trajectories per row behind the costs."""
_GENERATED_ROWS = 512
"""Rows of a ledger that is asked without a table."""


@dataclass(frozen=True)
class LedgerReport:
    """Where along the trajectory the nats are lost, and what to change.

    Args:
        steps: costs, work, dissipation and corridor of every step (`thermodynamics.ledger.Ledger`),
            nats a row.
        log_volume: mean log-volume of the rows, nats: from the model's units to the data's.
        verdict: what limits K, in words and in nats.
        blocks: names of the blocks of columns, in the order of the corridor's last axis.
        base_measure: what the likelihood is a density of.
        unit: unit of all numbers.
    """

    steps: Ledger
    log_volume: float
    verdict: Verdict
    blocks: tuple[str, ...]
    base_measure: str
    unit: str = "nats per row"

    @property
    def k_nats(self) -> float:
        """K in the data's own units: minus the sum of the costs, plus the log-volume."""
        return self.steps.k_nats + self.log_volume

    @property
    def log_p_nats(self) -> float:
        """K plus the dissipation: log p as far as the trajectories tell."""
        return self.steps.log_p_nats + self.log_volume

    def lines(self) -> list[dict[str, Any]]:
        """One dict for each step t = 1..T and one for the prior; their costs and the log-volume add
        up to -K.
        """
        found, T = self.steps, len(self.steps.cost.mean) - 1
        lines: list[dict[str, Any]] = []
        for i in range(T + 1):
            line: dict[str, Any] = {
                "t": i + 1 if i < T else "prior",
                "cost": float(found.cost.mean[i]),
                "stderr": float(found.cost.stderr[i]),
                "work": float(found.work.mean[i]),
                "dissipation": float(found.dissipation.mean[i]),
            }
            for b, name in enumerate(self.blocks if i < T else ()):
                line |= {
                    f"signal ({name})": float(found.corridor.signal[i, b]),
                    f"entropy ({name})": float(found.corridor.learned[i, b]),
                    f"lowest entropy ({name})": float(found.corridor.lower[i, b]),
                    f"kernel entropy ({name})": float(found.corridor.upper[i, b]),
                }
            lines.append(line)
        return lines


def ledger_report(
    fitted: Fitted,
    table: Table | None = None,
    trajectories: int = 16,
    steps: int | None = None,
    *,
    key: Key,
) -> LedgerReport:
    """The ledger of rows, and the verdict on it.

    Args:
        fitted: model and codec.
        table: rows without missing cells; None takes 512 rows that the model generates.
        trajectories: number of trajectories per row, for work and dissipation, at least 2 (default
            16).
        steps: length of the best sub-schedule that is walked; None walks all T steps.
        key: random key of the draws and trajectories, and of the rows where the model generates
            them.

    Raises:
        SettingError: fewer than 2 trajectories (one does not dissipate measurably), or steps out of
            range.
        DataError, SchemaError: rows that the model cannot score.
    """
    model, trajectories = fitted.walked(steps), int(trajectories)
    if table is None:
        encoded = generate_table(fitted.model, fitted.codec, fitted.ties, _GENERATED_ROWS, key=key)
    else:
        encoded = fitted.encode(table, whole="only whole rows have a ledger")
    require_whole("trajectories", trajectories, 2, "the dissipation is a spread")
    rows = encoded.rows
    found = ledger(model, rows, key=key, repetitions=_REPETITIONS, trajectories=trajectories)
    return LedgerReport(
        steps=found,
        log_volume=float(np.mean(encoded.log_volume)),
        verdict=verdict(found, _half(model, rows, key)),
        blocks=tuple("numbers" if continuous else "states" for continuous in found.continuous),
        base_measure=fitted.schema.base_measure(),
    )


def _half(model: DiffusionModel, rows: Row, key: Key) -> float | None:
    """K with every other step left out; None where there is none to leave out."""
    T = model.trajectory_length
    if T < 2:
        return None
    steps = range(T, 0, -2)
    halved = thin(model, tuple(steps)[::-1])
    return float(np.mean(evaluate_terms(halved, rows, repetitions=_REPETITIONS, key=key).total))
