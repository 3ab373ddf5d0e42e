"""Lower <= exact: log-weights and K of small models against p(x_0) by enumeration (discrete) and
quadrature (continuous).

All comparisons of means are z-tests with a false-alarm rate of 1e-6 a test (`statistics.py`) and
fixed seeds."""

from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import DISCRETE, process
from laws.enumeration import Chain, discrete_states, exact_terms
from laws.models import cells_of, flags_of, image_model_of, is_gaussian, model_of
from laws.statistics import assert_mean, assert_mean_at_most
from quasistatic.bound import evaluate_log_weights, evaluate_terms, weighted_bound

EXACT = [
    *(
        name
        for name in DISCRETE
        if name not in ("heat-bath-linear", "heat-bath-marginal", "binomial-half")
    ),
    "gaussian-cosine",
    "gaussian-erasure",
]
"""Kernels whose chain can be enumerated or put on a grid : of the heat baths those with the most
differing columns (with a linear schedule the first step changes a state once in 10^4 draws, too
rare for a z-test)."""
MIXTURE = ", a mixture"
EXACT += [
    name + MIXTURE for name in ("absorbing-few-steps", "gaussian-x-absorbing", "binomial-8-bits")
]
"""Of three kernels also with reverse kernels that are mixtures."""
IMAGE = ", an image"
EXACT += ["absorbing-few-steps" + IMAGE]
"""Of one such mixture also with the network of images: its four columns are 2 x 2 binary pixels."""
MIXED = [name for name in EXACT if name.startswith("gaussian")]
DRAWS = 2048
ROWS = 10
CHUNK = 1 << 12


def data_states(forward):
    """Up to ROWS data states, spread over all of them."""
    rng = np.random.default_rng(5)

    def of_block(block):
        if is_gaussian(block):
            return jnp.asarray(rng.uniform(-1.6, 1.6, (ROWS, block.n_columns)), jnp.float32)
        states = discrete_states(block, masked=False)
        return jnp.asarray(states[np.linspace(0, len(states) - 1, ROWS).astype(int)])

    return tuple(of_block(block) for block in forward.blocks)


class Answers(NamedTuple):
    chain: Chain
    x_0: Any
    log_p: np.ndarray  # [N], exact
    log_weights: np.ndarray  # [N, DRAWS]
    terms: Any  # [N, DRAWS] each


@lru_cache
def answers(name: str) -> Answers:
    forward = process(name.removesuffix(MIXTURE).removesuffix(IMAGE))
    scale, components = 0.2 if name.startswith("gaussian") else 0.3, 3 if MIXTURE in name else 1
    model = (
        image_model_of(forward, 2, 2, scale=scale)
        if IMAGE in name
        else model_of(forward, scale=scale, components=components)
    )
    chain, x_0 = Chain(model), data_states(forward)
    rows, key = cells_of(forward, x_0, width=0.0), jax.random.key(7)
    log_weights = evaluate_log_weights(model, rows, trajectories=DRAWS, key=key, chunk=CHUNK)
    terms = evaluate_terms(model, rows, repetitions=DRAWS, key=key, chunk=CHUNK)
    return Answers(chain, x_0, chain.log_prob(x_0), log_weights, terms)


@pytest.mark.parametrize("name", EXACT)
def test_the_exact_probabilities_sum_to_one(name):
    assert abs(answers(name).chain.mass() - 1) < 2e-4


@pytest.mark.parametrize("name", EXACT)
def test_the_mean_weight_is_the_likelihood(name):
    """E w = p(x_0), for each row and for all rows together."""
    a = answers(name)
    ratio = np.exp(a.log_weights - a.log_p[:, None])
    assert_mean(ratio, 1.0, tolerance=1e-3)
    assert_mean(ratio.mean(0, keepdims=True), 1.0, tolerance=1e-3)


@pytest.mark.parametrize("name", EXACT)
def test_the_bound_is_below_the_likelihood(name):
    a = answers(name)
    assert_mean_at_most(a.terms.total, a.log_p, tolerance=2e-4)
    assert_mean_at_most(a.log_weights, a.log_p, tolerance=2e-4)
    assert np.any(a.log_p - a.terms.total.mean(1) > 0.01)  # the random network dissipates


@pytest.mark.parametrize("name", EXACT)
def test_the_mean_log_weight_is_the_bound(name):
    """E log w = E K: two unbiased estimates of one number."""
    a = answers(name)
    assert_mean(a.log_weights - a.terms.total, 0.0, tolerance=1e-4)
    assert_mean((a.log_weights - a.terms.total).mean(0, keepdims=True), 0.0, tolerance=1e-4)


@pytest.mark.parametrize("name", [name for name in EXACT if not name.startswith("gaussian")])
def test_every_term_of_the_bound_by_enumeration(name):
    a = answers(name)
    for i in (0, ROWS // 2):
        expected = exact_terms(a.chain.model, jax.tree.map(lambda x, i=i: np.asarray(x)[i], a.x_0))
        drawn = np.stack([a.terms.prior[i], a.terms.diffusion[i], a.terms.reconstruction[i]])
        assert_mean(drawn, np.array(expected), tolerance=2e-4)


@pytest.mark.parametrize("name", EXACT)
def test_more_trajectories_close_the_gap(name):
    """E log mean w rises with R = 1, 4, 16, stays below log p, and ends nearer to it."""
    a = answers(name)
    grouped = {
        r: weighted_bound(a.log_weights.reshape(-1, r)).lower.reshape(ROWS, -1) for r in (1, 4, 16)
    }
    means = [grouped[r].mean() for r in (1, 4, 16)]
    assert means[0] < means[1] < means[2]
    for r in (4, 16):
        assert_mean_at_most(grouped[r], a.log_p, tolerance=2e-4)
    assert a.log_p.mean() - means[2] < 0.5 * (a.log_p.mean() - means[0])


@pytest.mark.parametrize("width", [0.05, 0.4])
@pytest.mark.parametrize("name", MIXED)
def test_a_cell_weighs_its_mass(name, width):
    """With a positive width E w is the probability of the cell."""
    a = answers(name)
    forward = a.chain.model.forward
    rows = cells_of(forward, a.x_0, width=width)
    log_p = a.chain.log_prob(a.x_0, width)
    log_weights = evaluate_log_weights(
        a.chain.model, rows, trajectories=DRAWS, key=jax.random.key(8), chunk=CHUNK
    )
    assert_mean(np.exp(log_weights - log_p[:, None]), 1.0, tolerance=1e-3)
    if width == 0.05:  # a narrow cell: density times volume
        columns = sum(b.n_columns for b in forward.blocks if is_gaussian(b))
        np.testing.assert_allclose(log_p, a.log_p + columns * np.log(width), atol=0.05)
    terms = evaluate_terms(
        a.chain.model, rows, repetitions=DRAWS, key=jax.random.key(9), chunk=CHUNK
    )
    assert_mean(log_weights - terms.total, 0.0, tolerance=1e-4)


def test_the_cells_of_a_lattice_share_the_whole_mass():
    """The importance-weighted masses of all cells sum to 1."""
    model = model_of(process("gaussian-erasure"))
    points = np.arange(-8, 9, dtype=np.float32)[:, None] * 0.8
    rows = cells_of(model.forward, (points,), width=0.8)
    log_weights = evaluate_log_weights(
        model, rows, trajectories=DRAWS, key=jax.random.key(3), chunk=CHUNK
    )
    assert_mean(np.exp(log_weights).sum(0, keepdims=True), 1.0, tolerance=1e-3)


@pytest.mark.parametrize(
    "name",
    [
        "binomial-mean",
        "heat-bath-uniform",
        "absorbing",
        "absorbing-few-steps",
        "gaussian-x-absorbing",
    ],
)
def test_a_row_with_a_missing_cell_weighs_its_marginal_likelihood(name):
    """E w is p of the observed cells, in the chain whose network sees nothing of the others: the
    sum over all values of the hole."""
    forward = process(name)
    model = model_of(forward)
    observed = np.arange(forward.n_columns) != forward.n_columns - 1
    chain, x_0 = Chain(model, flags_of(forward, observed)), data_states(forward)

    def filled(value):
        return (*x_0[:-1], x_0[-1].at[:, -1].set(value))

    n_values = {
        "binomial-mean": 2,
        "heat-bath-uniform": 4,
        "absorbing": 4,
        "absorbing-few-steps": 2,
        "gaussian-x-absorbing": 3,
    }[name]
    log_p = np.logaddexp.reduce([chain.log_prob(filled(v)) for v in range(n_values)])
    log_weights = evaluate_log_weights(
        model,
        cells_of(forward, filled(0), observed),
        trajectories=DRAWS,
        key=jax.random.key(2),
        chunk=CHUNK,
    )
    assert_mean(np.exp(log_weights - log_p[:, None]), 1.0, tolerance=1e-3)
