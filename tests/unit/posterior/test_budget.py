"""How many particles fill a row: one budget of network evaluations, whatever the steps."""

import pytest

from quasistatic.posterior.budget import MOST_PARTICLES, PARTICLES, STEPS, effort


@pytest.mark.parametrize("T", [8, 16])
@pytest.mark.parametrize("rows", [2_000, 2_500])
def test_work_stays_within_one_budget(T: int, rows: int) -> None:
    """Between the least and the most particles a filling evaluates about as often at any T."""
    found = effort(rows, 10, T)
    assert PARTICLES < found.particles < MOST_PARTICLES
    assert (1 << 23) < rows * 10 * found.particles * found.steps <= (1 << 24)


def test_few_steps_pay_for_more_particles() -> None:
    """A table of 30 columns: twice the steps, half the particles."""
    assert effort(900, 30, 8).particles == 2 * effort(900, 30, 16).particles


def test_large_and_small_tables() -> None:
    """Never fewer than the least, never more than the most, never more steps than there are."""
    assert effort(1_000_000, 10, 8) == (PARTICLES, 8)
    assert effort(1_000_000, 10, 100) == (PARTICLES, STEPS)
    assert effort(10, 5, 100) == (MOST_PARTICLES, 64)
    assert effort(0, 5, 4) == (MOST_PARTICLES, 4)
