"""The dynamic programme against all sub-schedules."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from quasistatic.thermodynamics.subschedule import best_steps, candidate_steps


@pytest.mark.parametrize("seed", range(5))
def test_against_brute_force(seed):
    T = 8
    rng = np.random.default_rng(seed)
    costs = np.full((T + 1, T + 1), np.inf)
    costs[np.triu_indices(T + 1, 1)] = rng.normal(
        size=T * (T + 1) // 2
    )  # costs may be negative (densities)
    for k in range(1, T + 1):
        chains = [(*middle, T) for middle in combinations(range(1, T), k - 1)]
        totals = [sum(costs[s, t] for s, t in zip((0, *c), c, strict=False)) for c in chains]
        steps, total = best_steps(costs, k)
        assert abs(total - min(totals)) < 1e-12
        assert tuple(steps) == chains[int(np.argmin(totals))]


def test_as_many_steps_as_there_are():
    with pytest.raises(ValueError, match="between 1 and 3"):
        best_steps(np.zeros((4, 4)), 4)
    with pytest.raises(ValueError, match="between 1 and 3"):
        best_steps(np.zeros((4, 4)), 0)


@pytest.mark.parametrize("T", [1, 5, 128, 129, 1000, 5000])
def test_candidates(T):
    steps = candidate_steps(T)
    assert len(steps) == min(T, 128)
    assert steps[0] == 1
    assert steps[-1] == T
    assert all(a < b for a, b in pairwise(steps))
