"""Bennett's acceptance ratio on work distributions with a known free energy."""

import numpy as np
import pytest

from quasistatic.thermodynamics.bennett import bennett


@pytest.mark.parametrize(("n_forward", "n_reverse"), [(400, 400), (1000, 50), (50, 1000)])
def test_gaussian_work(n_forward, n_reverse, rng):
    """F: N(m, s^2), R: N(m - s^2, s^2), dF = m - s^2 / 2; 500 repetitions, errors as stated."""
    m, variance = 3.0, 4.0
    forward = rng.normal(m, 2.0, (500, n_forward))
    reverse = rng.normal(m - variance, 2.0, (500, n_reverse))
    free_energy, stderr = bennett(forward, reverse)
    z = (free_energy - (m - variance / 2)) / stderr
    assert abs(z.mean()) < 5 / np.sqrt(500) + 0.1  # a small bias is allowed: it falls as 1/n
    assert 0.85 < z.std() < 1.15
    jarzynski = -np.log(np.mean(np.exp(-forward), axis=1))
    assert free_energy.std() < jarzynski.std()


def test_no_dissipation_has_no_error():
    free_energy, stderr = bennett(np.full(10, 2.5), np.full(3, 2.5))
    assert abs(free_energy - 2.5) < 1e-9
    assert stderr < 1e-6


@pytest.mark.parametrize("shift", [-1e6, 0.0, 1e6])
def test_far_away_and_far_apart(shift, rng):
    forward, reverse = shift + rng.normal(500, 1, 20), shift + rng.normal(-500, 1, 20)
    free_energy, stderr = bennett(forward, reverse)
    assert np.min(reverse) <= free_energy <= np.max(forward)
    assert stderr > 1e3  # no overlap: no information


def test_bad_input():
    with pytest.raises(ValueError, match="at least one"):
        bennett(np.zeros(0), np.zeros(3))
    with pytest.raises(ValueError, match="finite"):
        bennett(np.array([np.nan]), np.zeros(3))
