"""i-SIR: the expectation over the retained trajectory against a simulation of the chain, and the
standard errors."""

import numpy as np
import pytest

from quasistatic.bound.isir import chain_bracket, sweep_estimates


def test_against_a_simulated_chain(rng):
    log_weights = rng.normal(0, 1.5, 1 + 3 * 4)
    expected = sweep_estimates(log_weights[None], 3)[0]
    n = 100_000
    retained, found = np.full(n, log_weights[0]), []
    for sweep in range(3):
        fresh = log_weights[1 + 4 * sweep : 5 + 4 * sweep]
        together = np.concatenate([retained[:, None], np.broadcast_to(fresh, (n, 4))], 1)
        found.append(np.logaddexp.reduce(together, axis=1).mean() - np.log(5))
        edges = np.cumsum(np.exp(together - np.logaddexp.reduce(together, axis=1)[:, None]), 1)
        pick = np.minimum((rng.random((n, 1)) > edges).sum(1), 4)
        retained = together[np.arange(n), pick]
    np.testing.assert_allclose(expected, found, atol=0.01)


def test_log_normal_weights_end_above_the_truth(rng):
    """w = exp(N(-s^2/2, s^2)), log E w = 0."""
    log_weights = rng.normal(-0.5, 1.0, (4000, 1 + 4 * 32))
    bracket = chain_bracket(log_weights, 4)
    first = sweep_estimates(log_weights, 4)[:, 0].mean()
    assert bracket.lower.mean() < 0 < bracket.upper.mean()
    assert first < bracket.upper.mean()
    spread = bracket.upper.std()
    assert 0.6 * spread < np.sqrt(np.mean(bracket.stderr_upper**2)) < 1.6 * spread


def test_bad_input():
    with pytest.raises(ValueError, match="at least 5"):
        sweep_estimates(np.zeros((2, 4)), 4)
    assert np.all(np.isnan(chain_bracket(np.zeros((2, 4)), 1).stderr_upper))
