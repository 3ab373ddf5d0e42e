"""Crooks' slope and histogram on Gaussian work, and on wrong work."""

import numpy as np

from quasistatic.thermodynamics.crooks import crooks_slope, matched_slope, work_histogram


def test_slope_of_one_ensemble(rng):
    forward, reverse = rng.normal(3, 1.5, 2000), rng.normal(3 - 1.5**2, 1.5, 1000)
    slope = crooks_slope(forward, reverse)
    assert abs(slope.z) < 5
    assert slope.stderr < 0.1
    wrong = crooks_slope(2 * forward, 2 * reverse)
    assert abs(wrong.value - 0.5) < 0.1
    assert abs(wrong.z) > 5


def test_slope_of_rows_with_free_energies_of_their_own(rng):
    own = rng.normal(0, 50, (800, 1))
    forward = own + rng.normal(0, 1.2, (800, 15))
    reverse = own[:, 0] + rng.normal(-(1.2**2), 1.2, 800)
    slope = matched_slope(forward, reverse)
    assert abs(slope.z) < 5
    assert slope.stderr < 0.1
    assert abs(matched_slope(forward, forward[:, 0]).z) > 5


def test_without_work_there_is_no_slope():
    assert np.isnan(crooks_slope(np.zeros(5), np.zeros(5)).value)
    assert np.isinf(matched_slope(np.zeros((5, 3)), np.zeros(5)).stderr)


def test_what_hardly_varies_has_no_slope(rng):
    """The work of an exact reversal: the same in all trajectories of a row, up to rounding."""
    work = 20 + rng.normal(0, 2, (50, 1)) + np.zeros((50, 9))
    rounded = (work + rng.normal(0, 1e-3, work.shape)).astype(np.float32)
    assert np.isnan(matched_slope(rounded[:, 1:], rounded[:, 0]).value)


def test_the_histogram_rises_with_the_work(rng):
    forward, reverse = rng.normal(1, 1, 20000), rng.normal(0, 1, 20000)
    found = work_histogram(forward, reverse, bins=20)
    assert found.forward.sum() == 20000
    middle = 0.5 * (found.edges[1:] + found.edges[:-1])
    fits = np.isfinite(found.log_ratio) & (found.forward > 50) & (found.reverse > 50)
    deviation = (found.log_ratio - (middle - 0.5))[fits] / (found.stderr[fits] + 0.05)
    assert np.all(np.abs(deviation) < 5)
