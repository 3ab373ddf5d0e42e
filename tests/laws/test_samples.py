"""Draws of a model follow its exact distribution: chi-square (discrete) and Kolmogorov-Smirnov
(continuous, here and in `test_linear_gaussian.py`), false-alarm rate 1e-6 each, fixed seeds."""

from math import comb

import equinox as eqx
import jax
import numpy as np
import pytest

from cases import process
from laws.enumeration import Chain, discrete_states
from laws.models import all_observed, model_of
from laws.statistics import assert_distribution, assert_frequencies
from quasistatic.numerics import random_subset
from quasistatic.trajectory import sample

N = 20_000


@eqx.filter_jit
def draw(model, keys):
    return jax.vmap(lambda k: sample(model, all_observed(model.forward), key=k))(keys)


@pytest.mark.parametrize(
    "name",
    [
        "binomial-mean",
        "heat-bath-uniform",
        "heat-bath-linear",
        "absorbing",
        "absorbing-few-steps",
        "absorbing-many-steps",
    ],
)
def test_discrete_samples(name, key):
    model = model_of(process(name))
    drawn = np.asarray(draw(model, jax.random.split(key, N))[0])
    states = discrete_states(model.forward.blocks[0], masked=False)
    code = 10 ** np.arange(states.shape[1])
    counts = np.array([np.sum(drawn @ code == s @ code) for s in states])
    assert counts.sum() == N  # nothing masked, nothing padded
    assert_frequencies(counts, np.exp(Chain(model).log_prob((states,))))


def test_continuous_samples(key):
    """One column, against the distribution function of the density on a grid."""
    model = model_of(process("gaussian-erasure"))
    drawn = np.asarray(draw(model, jax.random.split(key, N))[0])[:, 0]
    grid = np.linspace(-6, 6, 1201, dtype=np.float32)
    density = np.exp(Chain(model).log_prob((grid[:, None],)))
    cdf = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(grid))])
    assert_distribution(drawn, lambda x: np.interp(x, grid, cdf))


def test_mixed_samples(key):
    """The joint frequencies of a discrete block and of four intervals of the continuous column."""
    model = model_of(process("gaussian-x-absorbing"))
    x, codes = (np.asarray(part) for part in draw(model, jax.random.split(key, N)))
    states = discrete_states(model.forward.blocks[1], masked=False)
    edges = np.array([-6.0, -0.7, 0.0, 0.7, 6.0])
    middle, width = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    chain, counts, probabilities = Chain(model), [], []
    for m, w in zip(middle, width, strict=True):
        cells = np.full((len(states), 1), m)
        probabilities.append(np.exp(chain.log_prob((cells, states), w)))
        inside = np.abs(x[:, 0] - m) <= w / 2
        counts.append([np.sum(inside & np.all(codes == s, axis=1)) for s in states])
    assert_frequencies(np.array(counts), np.array(probabilities))


@pytest.mark.parametrize(
    ("size", "candidates", "count"), [(6, 6, 3), (7, 5, 2), (1, 1, 1), (9, 4, 0)]
)
def test_random_subsets_are_uniform(size, candidates, count, key):
    allowed = np.arange(size) % 7 < candidates
    allowed &= np.cumsum(allowed) <= candidates
    drawn = np.asarray(
        jax.jit(jax.vmap(lambda k: random_subset(allowed, count, key=k)))(jax.random.split(key, N))
    )
    assert np.all(drawn.sum(1) == count)
    assert not np.any(drawn & ~allowed)
    _, counts = np.unique(drawn @ (1 << np.arange(size)), return_counts=True)
    assert len(counts) == comb(candidates, count)
    if len(counts) > 1:
        assert_frequencies(counts, np.full(len(counts), 1 / len(counts)))


def test_random_subsets_of_many_columns(key):
    """A thousand candidates: the count is exact, and every column is chosen equally often."""
    allowed = np.ones(1000, bool)
    drawn = np.asarray(
        jax.jit(jax.vmap(lambda k: random_subset(allowed, 400, key=k)))(jax.random.split(key, 500))
    )
    assert np.all(drawn.sum(1) == 400)
    counts = drawn.sum(0)
    assert np.max(np.abs(counts - 200)) < 6 * np.sqrt(500 * 0.4 * 0.6)
