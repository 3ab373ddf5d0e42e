"""Known values of the importance-weighted bound."""

import numpy as np
import pytest

from quasistatic.bound import weighted_bound


def test_known_values():
    found = weighted_bound(np.log([[1.0, 3.0], [2.0, 2.0]]))
    np.testing.assert_allclose(found.lower, np.log([2.0, 2.0]))
    np.testing.assert_allclose(found.ess, [16 / 10, 2.0])
    np.testing.assert_allclose(found.stderr, [np.sqrt(2) / 2 / np.sqrt(2), 0.0], atol=1e-12)


def test_one_trajectory_has_no_standard_error():
    found = weighted_bound(np.array([[-3.0], [-900.0]]))
    np.testing.assert_allclose(found.lower, [-3.0, -900.0])
    assert np.all(np.isnan(found.stderr))
    np.testing.assert_allclose(found.ess, 1.0)


@pytest.mark.parametrize("shift", [-1e5, 0.0, 1e5])
def test_a_common_factor_shifts_the_bound_alone(shift, rng):
    log_weights = rng.normal(0, 3, (5, 20))
    found, base = weighted_bound(log_weights + shift), weighted_bound(log_weights)
    np.testing.assert_allclose(found.lower, base.lower + shift)
    np.testing.assert_allclose(found.ess, base.ess, rtol=1e-6)
    np.testing.assert_allclose(found.stderr, base.stderr, rtol=1e-6)
    assert np.all((base.ess >= 1) & (base.ess <= 20))
    assert np.all((base.lower <= log_weights.max(1)) & (base.lower >= log_weights.mean(1)))


def test_one_weight_above_all_others():
    found = weighted_bound(np.array([[0.0, -2000.0, -3000.0, -np.inf]]))
    np.testing.assert_allclose(found.lower, -np.log(4))
    np.testing.assert_allclose(found.ess, 1.0)


def test_no_weight_at_all():
    found = weighted_bound(np.full((1, 3), -np.inf))
    assert found.lower[0] == -np.inf


def test_the_standard_error_is_the_spread_of_the_bound(rng):
    """Over 4000 repetitions with 400 trajectories, to 10 %."""
    found = weighted_bound(rng.normal(0, 0.5, (4000, 400)))
    np.testing.assert_allclose(found.stderr.mean(), found.lower.std(), rtol=0.1)


def test_no_rows():
    assert weighted_bound(np.zeros((0, 4))).lower.shape == (0,)
