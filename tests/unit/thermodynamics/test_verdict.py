"""The rules of the verdict, each with a ledger made for it."""

import numpy as np
import pytest

from quasistatic.thermodynamics.corridor import Corridor
from quasistatic.thermodynamics.ledger import Entries, Ledger
from quasistatic.thermodynamics.verdict import verdict

T = 4


def made(dissipation, prior: float = 0.0, sharpness: float = 0.1) -> Ledger:
    def entries(values):
        values = np.asarray(values, float)
        return Entries(values, np.full(T + 1, 1e-4), float(values.sum()), 1e-3)

    cost = [1.0, 0.2, 0.2, 0.2, prior]
    corridor = Corridor(
        np.zeros((T, 1)),
        np.full((T, 1), 2.0 * (1 - sharpness)),
        np.full((T, 1), 2.0),
        np.ones((T, 1)),
    )
    return Ledger(
        entries(cost),
        entries(cost),
        entries([*dissipation, 0.0]),
        corridor,
        np.array([True]),
        100,
        16,
    )


@pytest.mark.parametrize(
    ("ledger", "half_gain", "limit", "figure"),
    [
        (made([0, 0, 0, 0], prior=0.5), 0.0, "prior", 0.5),
        (
            made([0.4, 0, 0, 0]),
            0.05,
            "schedule",
            0.3,
        ),  # equal shares of the same length: (sqrt 0.4)^2 / 4 = 0.1 are left
        (made([0.1, 0.1, 0.1, 0.1]), 0.3, "T", 0.3),
        (made([0, 0, 0, 0], sharpness=0.9), 0.0, "noise floor", 0.9),
        (made([0.001, 0.001, 0, 0]), 0.001, "network", 0.002),
    ],
)
def test_each_limit(ledger, half_gain, limit, figure):
    found = verdict(ledger, ledger.k_nats - half_gain)
    assert found.limit == limit
    assert abs(found.figure - figure) < 1e-9
    assert set(found.figures) == {"prior", "schedule", "T", "noise floor", "network"}
    assert len(found.words) > 20


def test_without_the_coarser_bound_equal_shares_stand_for_the_steps():
    found = verdict(made([0.1, 0.1, 0.1, 0.1]))
    assert found.limit == "T"
    assert abs(found.figure - 0.4) < 1e-9
