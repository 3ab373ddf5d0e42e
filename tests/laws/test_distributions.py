"""Distributions: they sum to 1, x_T forgets x_0, KL is a divergence, entropies are entropies,
padding is never drawn."""

from functools import lru_cache
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from cases import DISCRETE, KERNELS, process
from laws.enumeration import discrete_states
from laws.models import all_observed, is_gaussian, model_of, n_states, random_state
from laws.statistics import assert_frequencies
from quasistatic.distribution import Binary, Categorical, Normal, RandomSubset

N = 12


class Facts(NamedTuple):
    """Of one kernel with a random network, at N points of the forward process: five distributions
    and what follows from them."""

    forward: Any
    distributions: tuple  # bridge, reverse kernel, marginal, kernel, prior
    log_probs: tuple  # of every discrete block's joint states under each, {block: [N, S]}
    entropies: tuple  # [N, D] each
    self_kl: tuple  # [N, D] each: of a distribution with itself
    bridge_kl: Any  # [N, D]: of the bridge with the reverse kernel
    prior_kl: Any  # [N, D]: of the last marginal with the prior


@eqx.filter_jit
def work_out(model, x_0, t, states, key):
    forward = model.forward

    def one(x, s, k):
        first, second = jax.random.split(k)
        before = forward.marginal(x, s - 1).sample(key=first)
        x_t = forward.kernel(before, s).sample(key=second)
        bridge, reverse = (
            forward.bridge(x_t, x, s),
            model.reverse_kernel(x_t, all_observed(forward), s),
        )
        distributions = (
            bridge,
            reverse,
            forward.marginal(x, s),
            forward.kernel(before, s),
            forward.prior(),
        )
        return (
            distributions,
            tuple(
                {i: jax.vmap(d.parts[i].log_prob)(y).sum(-1) for i, y in states.items()}
                for d in distributions
            ),
            tuple(d.entropy() for d in distributions),
            tuple(d.kl(d) for d in distributions),
            bridge.kl(reverse),
            forward.marginal(x, forward.trajectory_length).kl(forward.prior()),
        )

    return jax.vmap(one)(x_0, t, jax.random.split(key, N))


@lru_cache
def facts(name: str) -> Facts:
    forward = process(name)
    t = jnp.asarray(np.random.default_rng(0).integers(1, forward.trajectory_length + 1, N))
    states = {
        i: jnp.asarray(discrete_states(b))
        for i, b in enumerate(forward.blocks)
        if not is_gaussian(b)
    }
    found = work_out(
        model_of(forward, scale=1.0), random_state(forward, N), t, states, jax.random.key(1)
    )
    return Facts(forward, *jax.tree.map(np.asarray, found))


@pytest.mark.parametrize("name", KERNELS)
def test_the_last_state_forgets_the_data(name):
    assert np.all(np.abs(facts(name).prior_kl) < 1e-3)


@pytest.mark.parametrize("name", KERNELS)
def test_kl_is_not_negative_and_zero_on_equals(name):
    for kl in facts(name).self_kl:
        np.testing.assert_allclose(kl, 0, atol=1e-6)
    assert np.all(facts(name).bridge_kl >= -1e-6)
    assert np.any(facts(name).bridge_kl > 1e-2)  # the random network is not the bridge


@pytest.mark.parametrize("name", DISCRETE)
def test_probabilities_sum_to_one(name):
    for log_probs in facts(name).log_probs:
        for of_states in log_probs.values():
            np.testing.assert_allclose(np.exp(of_states.astype(np.float64)).sum(-1), 1, atol=1e-4)


@pytest.mark.parametrize("name", DISCRETE)
def test_padded_states_have_no_probability(name):
    f = facts(name)
    for i, block in enumerate(f.forward.blocks):
        if is_gaussian(block):
            continue
        sizes = n_states(block)
        padded = np.arange(np.max(sizes)) >= sizes[:, None]
        for distribution in f.distributions:
            part = distribution.parts[i]
            values = part.values if isinstance(part, RandomSubset) else part
            if not isinstance(values, Categorical):  # a bridge to the data, or a fall into the mask
                continue
            assert values.log_probs.shape[-1] == np.max(sizes)
            assert np.all(values.log_probs[:, padded] < -1e8)
            assert np.all(np.isfinite(values.log_probs))


@pytest.mark.parametrize("name", DISCRETE)
def test_kl_and_entropy_by_enumeration(name):
    f = facts(name)
    begin = 0
    for i, block in enumerate(f.forward.blocks):
        columns = slice(begin, begin + block.n_columns)
        begin += block.n_columns
        if is_gaussian(block):
            continue
        log_p, log_q = (f.log_probs[j][i].astype(np.float64) for j in (0, 1))
        exact = np.sum(np.where(log_p > -1e6, np.exp(log_p) * (log_p - log_q), 0), -1)
        np.testing.assert_allclose(f.bridge_kl[:, columns].sum(-1), exact, rtol=1e-4, atol=1e-5)
        for log_probs, entropy in zip(f.log_probs, f.entropies, strict=True):
            log_p = log_probs[i].astype(np.float64)
            exact = -np.sum(np.where(log_p > -1e6, np.exp(log_p) * log_p, 0), -1)
            np.testing.assert_allclose(entropy[:, columns].sum(-1), exact, rtol=1e-4, atol=1e-5)


def test_normal_against_scipy():
    rng = np.random.default_rng(0)
    mean, log_variance, x = rng.standard_normal((3, 50)).astype(np.float32)
    d, scale = Normal(jnp.asarray(mean), jnp.asarray(log_variance)), np.exp(0.5 * log_variance)
    np.testing.assert_allclose(
        d.log_prob(jnp.asarray(x)), stats.norm.logpdf(x, mean, scale), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(d.entropy(), stats.norm.entropy(mean, scale), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(d.log_cell(jnp.asarray(x), None), d.log_prob(jnp.asarray(x)))
    other = Normal(jnp.asarray(x), jnp.asarray(-log_variance))
    grid = np.linspace(-20, 20, 4001)
    p, q = stats.norm(mean, scale), stats.norm(x, 1 / scale)
    exact = (
        np.sum(p.pdf(grid[:, None]) * (p.logpdf(grid[:, None]) - q.logpdf(grid[:, None])), axis=0)
        * 0.01
    )
    np.testing.assert_allclose(d.kl(other), exact, rtol=1e-3, atol=1e-5)
    log_density = jax.jit(jax.vmap(lambda y: d.log_prob(jnp.full(50, y))))(
        jnp.asarray(grid, jnp.float32)
    )
    np.testing.assert_allclose(
        np.exp(np.asarray(log_density, np.float64)).sum(0) * 0.01, 1, atol=1e-4
    )


@pytest.mark.parametrize("width", [0.01, 0.3, 2.0, 50.0])
def test_the_cells_of_a_lattice_share_the_whole_mass(width):
    """Narrow and wide cells, around means on and off the lattice."""
    d = Normal(jnp.array([0.0, 0.123, -0.4, 1.7]), jnp.array([0.0, -1.0, 1.0, -2.0]))
    points = np.arange(-round(20 / width) - 1, round(20 / width) + 2) * width
    log_mass = jax.jit(jax.vmap(lambda x: d.log_cell(jnp.full(4, x), jnp.full(4, width))))(
        jnp.asarray(points, jnp.float32)
    )
    np.testing.assert_allclose(np.exp(np.asarray(log_mass, np.float64)).sum(0), 1, atol=2e-4)


def test_categorical_draws_have_their_frequencies(key):
    d = Categorical(jnp.log(jnp.array([[0.1, 0.2, 0.7], [0.5, 0.25, 0.25]])))
    drawn = np.asarray(jax.jit(jax.vmap(lambda k: d.sample(key=k)))(jax.random.split(key, 20000)))
    for column, log_probs in enumerate(np.asarray(d.log_probs)):
        assert_frequencies(np.bincount(drawn[:, column], minlength=3), np.exp(log_probs))


@pytest.mark.parametrize(
    ("count", "random_values"),
    [(0, True), (1, True), (2, True), (4, True), (1, False), (2, False), (4, False)],
)
def test_a_random_subset_is_uniform_over_subsets_and_draws_its_values(count, random_values, key):
    """The chi-square test runs over the joint outcomes: which columns, and which values they
    get."""
    current = jnp.array([2, 0, 2, 2, 2])
    probs = jnp.array([[0.3, 0.7], [0.5, 0.5], [0.9, 0.1], [0.5, 0.5], [0.2, 0.8]])
    values = Categorical(jnp.log(probs)) if random_values else jnp.array([1, 1, 0, 1, 0])
    d = RandomSubset(current, current == 2, jnp.asarray(count), values)
    drawn = np.asarray(jax.jit(jax.vmap(lambda k: d.sample(key=k)))(jax.random.split(key, 20000)))
    code = 3 ** np.arange(5)
    states = np.stack(np.meshgrid(*[np.arange(3)] * 5, indexing="ij"), -1).reshape(-1, 5)
    log_p = np.asarray(
        jax.jit(jax.vmap(lambda x: jnp.sum(d.log_prob(x))))(jnp.asarray(states, jnp.int32)),
        np.float64,
    )
    counts, probabilities = np.zeros(3**5), np.zeros(3**5)
    np.add.at(counts, drawn @ code, 1)
    probabilities[states @ code] = np.exp(log_p)
    np.testing.assert_allclose(probabilities.sum(), 1, atol=1e-5)
    assert np.all(np.sum(drawn != np.asarray(current), 1) == count)
    if np.sum(probabilities > 1e-6) > 1:
        assert_frequencies(counts, probabilities)


def test_two_states_by_their_odds_are_two_states_by_their_probabilities():
    """Of ordinary columns, certain ones and nearly certain ones; gradients at even odds, too."""
    log_odds = jnp.array([0.0, 1.3, -40.0, 2e9, -2e9])
    odds, other = Binary(log_odds), Binary(jnp.array([0.5, -1.0, -39.0, 2e9, -2e9]))
    table = Categorical(odds.log_probs)
    np.testing.assert_allclose(np.exp(odds.log_probs).sum(axis=1), 1.0, rtol=1e-6)
    exact = np.log(1.0 / (1.0 + np.exp(-np.float64(1.3))))
    np.testing.assert_allclose(odds.log_probs[1, 1], exact, rtol=1e-6)
    for state in (0, 1):
        x = jnp.full(5, state)
        np.testing.assert_array_equal(odds.log_prob(x), table.log_prob(x))
    np.testing.assert_array_equal(odds.kl(other), table.kl(Categorical(other.log_probs)))
    np.testing.assert_array_equal(odds.entropy(), table.entropy())
    slope = jax.grad(lambda x: jnp.sum(Binary(x).log_prob(jnp.ones(3, jnp.int32))))(log_odds[:3])
    np.testing.assert_allclose(slope, 1.0 - np.exp(odds.log_probs[:3, 1]), atol=1e-6)
