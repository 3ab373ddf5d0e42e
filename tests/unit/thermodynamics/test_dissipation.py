"""Shares of the dissipation add up exactly, whatever the spread."""

import numpy as np
import pytest

from quasistatic.thermodynamics._dissipation import dissipation_shares


@pytest.mark.parametrize("scale", [0.0, 1e-3, 1.0, 30.0, 1000.0])
def test_the_sum_is_the_dissipation(scale, rng):
    increments = scale * rng.normal(size=(5, 12, 7)) - 3.0
    log_weights = increments.sum(2)
    expected = np.logaddexp.reduce(log_weights, axis=1) - np.log(12) - log_weights.mean(1)
    found = dissipation_shares(increments)
    np.testing.assert_allclose(found.sum(1), expected, atol=1e-9 * max(scale, 1), rtol=1e-9)


def test_small_fluctuations_dissipate_half_their_covariance(rng):
    increments = 0.01 * rng.normal(size=(1, 5000, 4))
    log_weights = increments.sum(2)
    expected = [0.5 * np.cov(increments[0, :, t], log_weights[0], ddof=0)[0, 1] for t in range(4)]
    np.testing.assert_allclose(dissipation_shares(increments)[0], expected, rtol=0.05, atol=1e-7)


def test_a_step_that_does_not_vary_has_no_share(rng):
    increments = rng.normal(size=(3, 20, 4))
    increments[:, :, 2] = 5.0
    assert np.all(np.abs(dissipation_shares(increments)[:, 2]) < 1e-12)
