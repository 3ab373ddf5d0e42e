"""The mixture of products as a distribution, by enumeration: it sums to 1, its marginals, its
conditional distributions, its divergence from a bridge."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from laws.statistics import assert_frequencies, assert_mean
from quasistatic.distribution import (
    Categorical,
    Mixture,
    Normal,
    Product,
    RandomSubset,
    divergence,
    entropy,
)

D, K, C = 3, 2, 3
STATES = jnp.asarray(list(product(range(K), repeat=D)), jnp.int32)


def tables(seed: int):
    """Log-probabilities [C, D, K] and log-weights [C]."""
    rng = np.random.default_rng(seed)
    logits = jnp.asarray(rng.standard_normal((C, D, K)), jnp.float32)
    weights = jnp.asarray(rng.standard_normal(C), jnp.float32)
    return jax.nn.log_softmax(logits, axis=-1), jax.nn.log_softmax(weights)


def categorical(seed: int = 0) -> Mixture:
    log_probs, log_weights = tables(seed)
    return Mixture(log_weights, jax.vmap(lambda t: Product((Categorical(t),)))(log_probs))


def probabilities(mixture, columns=None):
    """Of all states, [S]."""
    log_p = jax.vmap(lambda x: jnp.sum(mixture.log_prob((x,), columns)))(STATES)
    return np.exp(np.asarray(log_p, np.float64))


def test_it_sums_to_one_and_its_columns_depend_on_each_other():
    p = probabilities(categorical())
    assert abs(p.sum() - 1) < 1e-6
    first, second = (p[STATES[:, d] == 1].sum() for d in (0, 1))
    assert abs(p[(STATES[:, 0] == 1) & (STATES[:, 1] == 1)].sum() - first * second) > 1e-3


def test_columns_that_are_left_out_are_summed_out():
    columns = jnp.asarray([True, False, True])
    p, marginal = probabilities(categorical()), probabilities(categorical(), columns)
    for x, m in zip(STATES, marginal, strict=True):
        same = (STATES[:, 0] == x[0]) & (STATES[:, 2] == x[2])
        np.testing.assert_allclose(m, p[same].sum(), rtol=1e-5)
    shares = categorical().log_prob((STATES[5],), columns)
    assert shares[1] == 0
    np.testing.assert_allclose(shares.sum(), np.log(marginal[5]), rtol=1e-5)


def test_what_is_observed_conditions_the_rest_exactly():
    mixture, columns = categorical(), jnp.asarray([True, True, False])
    p = probabilities(mixture)
    given, log_z = mixture.observe((STATES[6],), columns)  # 1, 1, 0
    same = np.asarray((STATES[:, 0] == 1) & (STATES[:, 1] == 1))
    np.testing.assert_allclose(np.exp(log_z), p[same].sum(), rtol=1e-5)
    rest = probabilities(given, ~columns)[same]
    np.testing.assert_allclose(rest, p[same] / p[same].sum(), rtol=1e-5)


def test_draws_have_its_probabilities(key):
    mixture = categorical()
    (drawn,) = jax.vmap(lambda k: mixture.sample(key=k))(jax.random.split(key, 4096))
    counts = np.bincount(np.asarray(drawn) @ [4, 2, 1], minlength=8)
    assert_frequencies(counts, probabilities(mixture))


def bridge_and_kernel(count: int, missing: bool):
    """Of six columns five are masked, `count` of which are replaced: by given values, or by those
    of a mixture."""
    rng = np.random.default_rng(count)
    x_0, current = jnp.asarray(rng.integers(0, 2, 6), jnp.int32), jnp.full(6, 2, jnp.int32)
    current = current.at[4].set(1)
    candidates, n = current == 2, jnp.asarray(count)
    logits = jnp.asarray(rng.standard_normal((C, 6, 2)), jnp.float32)

    def component(table):
        values = Categorical(jax.nn.log_softmax(table, axis=-1))
        return Product((RandomSubset(current, candidates, n, values),))

    weights = jax.nn.log_softmax(jnp.asarray(rng.standard_normal(C), jnp.float32))
    q = Product((RandomSubset(current, candidates, n, x_0),))
    columns = jnp.ones(6, bool).at[0].set(not missing)
    return q, Mixture(weights, jax.vmap(component)(logits)), columns


def exact_divergence(q, p, columns) -> float:
    """KL of the flagged columns: the mean over all subsets."""
    (mine,) = q.parts
    candidates = np.flatnonzero(np.asarray(mine.candidates))
    found = []
    for chosen in product([False, True], repeat=len(candidates)):
        if sum(chosen) == int(mine.count):
            where = np.zeros(6, bool)
            where[candidates[list(chosen)]] = True
            x = (jnp.where(jnp.asarray(where), mine.values, mine.current),)
            found.append(float(jnp.sum(q.log_prob(x, columns) - p.log_prob(x, columns))))
    return float(np.mean(found))


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_the_divergence_from_a_bridge_of_subsets_is_unbiased(count, missing, key):
    """With whole groups of columns and with a remainder; z-test, rate 1e-6."""
    q, p, columns = bridge_and_kernel(count, missing)
    draw = jax.jit(jax.vmap(lambda k: jnp.sum(divergence(q, p, columns, key=k))))
    found = draw(jax.random.split(key, 4096))
    assert_mean(np.asarray(found)[None], exact_divergence(q, p, columns))


def test_the_divergence_of_mixed_blocks_is_unbiased(key):
    """It has the mean of log q / p over draws, and varies less."""
    rng = np.random.default_rng(3)
    q_subset, p_subset, _ = bridge_and_kernel(2, missing=False)
    mean = jnp.asarray(rng.standard_normal((C, 2)), jnp.float32)

    def component(m, part):
        return Product((Normal(m, jnp.full(2, -0.3)), *part.parts))

    p = Mixture(p_subset.log_weights, jax.vmap(component)(mean, p_subset.components))
    q = Product((Normal(jnp.zeros(2), jnp.full(2, -1.0)), *q_subset.parts))
    columns = jnp.ones(8, bool).at[1].set(False)

    def both(k):
        x = q.sample(key=k)
        plain = jnp.sum(q.log_prob(x, columns) - p.log_prob(x, columns))
        return jnp.sum(divergence(q, p, columns, key=k)), plain

    found = jax.jit(jax.vmap(both))(jax.random.split(key, 8192))
    dealt, plain = (np.asarray(part, np.float64) for part in found)
    assert_mean((dealt - plain)[None], 0.0)
    assert dealt.std() < 0.7 * plain.std()


def test_one_component_has_the_divergence_of_a_product(key):
    q, p, columns = bridge_and_kernel(2, missing=False)
    alone = p.component(jnp.asarray(1))
    once = Mixture(jnp.zeros(1), jax.tree.map(lambda x: x[None], alone))
    found = jnp.sum(divergence(q, once, columns, key=key))
    np.testing.assert_allclose(found, jnp.sum(q.kl(alone)), rtol=1e-5)


def test_entropy_is_the_mean_of_minus_log_p(key):
    mixture, every = categorical(1), jnp.ones(D, bool)
    p = probabilities(mixture)
    draw = jax.jit(jax.vmap(lambda k: jnp.sum(entropy(mixture, every, key=k))))
    found = draw(jax.random.split(key, 8192))
    assert_mean(np.asarray(found)[None], -np.sum(p * np.log(p)))


def test_gradients_are_those_of_finite_differences():
    log_probs, log_weights = tables(2)
    x, columns = (STATES[3],), jnp.asarray([True, True, False])

    def value(table, weights):
        normal = jax.nn.log_softmax(table, axis=-1)
        components = jax.vmap(lambda t: Product((Categorical(t),)))(normal)
        return jnp.sum(Mixture(jax.nn.log_softmax(weights), components).log_prob(x, columns))

    check_grads(value, (log_probs, log_weights), 1, modes=["rev"], atol=1e-2, rtol=1e-2)
