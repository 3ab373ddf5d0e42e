"""Tests of random draws with a stated rate of false alarms; the seeds are fixed, so a test that
passes once passes always."""

import numpy as np
from scipy import stats

FALSE_ALARM = 1e-6
"""Probability that one call below fails though the law holds (for another seed)."""


def assert_mean(draws, expected, axis: int = -1, tolerance: float = 1e-5) -> None:
    """The means of `draws` along `axis` are `expected`, by a two-sided z-test with Bonferroni's
    correction.

    `tolerance` (relative to max(1, |expected|)) is for rounding, where the draws hardly vary.
    """
    draws = np.asarray(draws, np.float64)
    assert np.all(np.isfinite(draws))
    mean, n = draws.mean(axis), draws.shape[axis]
    stderr = draws.std(axis, ddof=1) / np.sqrt(n)
    threshold = stats.norm.isf(FALSE_ALARM / 2 / mean.size)
    allowed = threshold * stderr + tolerance * np.maximum(1.0, np.abs(expected))
    excess = np.abs(mean - expected) / allowed
    worst = np.unravel_index(np.argmax(excess), excess.shape)
    assert np.all(excess <= 1), (
        f"{worst}: mean {mean[worst]}, expected {np.broadcast_to(expected, mean.shape)[worst]},"
        f" standard error {stderr[worst]}"
    )


def assert_mean_at_most(draws, bound, axis: int = -1, tolerance: float = 1e-5) -> None:
    """The means of `draws` are at most `bound`, by a one-sided z-test with Bonferroni's
    correction."""
    draws = np.asarray(draws, np.float64)
    mean = draws.mean(axis)
    stderr = draws.std(axis, ddof=1) / np.sqrt(draws.shape[axis])
    threshold = stats.norm.isf(FALSE_ALARM / mean.size)
    assert np.all(mean <= bound + threshold * stderr + tolerance * np.maximum(1.0, np.abs(bound)))


def assert_frequencies(counts, probabilities) -> None:
    """Counts are multinomial with these probabilities (chi-square; states expected fewer than five
    times are pooled)."""
    counts, probabilities = (
        np.asarray(counts, np.float64).ravel(),
        np.asarray(probabilities, np.float64).ravel(),
    )
    assert abs(probabilities.sum() - 1) < 1e-3, "the probabilities do not sum to 1"
    expected = counts.sum() * probabilities / probabilities.sum()
    assert np.all(counts[expected < 1e-9] == 0), "an impossible state was drawn"
    rare = expected < 5
    observed = np.append(counts[~rare], counts[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum())
    observed, expected = observed[expected > 0], expected[expected > 0]
    assert len(expected) > 1
    if expected[-1] < 5:  # the pool itself is rare: into its neighbour
        observed = np.append(observed[:-2], observed[-2:].sum())
        expected = np.append(expected[:-2], expected[-2:].sum())
    p = stats.chisquare(observed, expected).pvalue
    assert p > FALSE_ALARM, f"chi-square test: p = {p}"


def assert_distribution(draws, cdf) -> None:
    """Draws come from the distribution with this distribution function (Kolmogorov-Smirnov)."""
    p = stats.kstest(np.asarray(draws, np.float64), cdf).pvalue
    assert p > FALSE_ALARM, f"Kolmogorov-Smirnov test: p = {p}"
