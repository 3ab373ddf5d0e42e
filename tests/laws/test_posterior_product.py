"""The product of two models against enumeration and quadrature: E Z = sum p p' r, and E Z f(draw)
likewise (z-tests, rate 1e-6)."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import EVIDENCE, KERNELS
from laws.enumeration import Chain
from laws.models import Constant, model_of
from laws.statistics import assert_mean
from laws.test_posterior_enumeration import features, fine_states, log_r
from quasistatic.data.cells import Cells
from quasistatic.model import DiffusionModel
from quasistatic.numerics import LOG_ZERO
from quasistatic.posterior import AllOf, ProductWalk
from quasistatic.trajectory import log_weight

RUNS, PARTICLES = 1 << 12, 4
CASES = {
    "heat bath": ("heat-bath-uniform", lambda: AllOf(())),
    "bit flips": ("binomial-mean", lambda: AllOf(())),
    "absorbing": ("absorbing", lambda: AllOf(())),
    "gaussian": ("gaussian-erasure", lambda: AllOf(())),
    "mixed": ("gaussian-x-heat-bath", lambda: AllOf(())),
    **{
        name: EVIDENCE[name]
        for name in ("noisy", "range", "soft", "soft-masked", "function-of-mixed")
    },
}


def row_of(x):
    """A state as a row without holes."""
    return tuple(Cells(part, jnp.ones(part.shape, bool)) for part in x)


@eqx.filter_jit
def run(walk, model, expert, guide, evidence, key):
    """log Z of every run and one draw of it, the expert's p'(x_0) estimated by one trajectory a
    particle."""

    def one(k):
        walk_key, score_key, pick_key = jax.random.split(k, 3)
        found = walk(model, guide, evidence, key=walk_key)
        keys = jax.random.split(score_key, PARTICLES)
        scores = jax.vmap(lambda x, k: log_weight(expert, row_of(x), key=k))(found.x_0, keys)
        log_w = jnp.maximum(found.log_weight + scores, LOG_ZERO)
        picked = jax.random.categorical(pick_key, log_w)
        total = found.log_z + jax.nn.logsumexp(log_w) - jnp.log(float(PARTICLES))
        return total, jax.tree.map(lambda x: x[picked], found.x_0)

    return jax.vmap(one)(jax.random.split(key, RUNS))


def pair(kernel):
    """Two models of one process."""
    forward = KERNELS[kernel]()
    scale = 0.2 if kernel.startswith("gaussian") else 0.4
    return model_of(forward, 0, scale), model_of(forward, 5, scale)


def exact(model, expert, evidence):
    """Sums of p p' r times every feature."""
    chain, other = Chain(model), Chain(expert)
    states, volume = fine_states(chain)
    with np.errstate(under="ignore"):
        mass = np.exp(chain.log_prob(states) + other.log_prob(states)) * volume
        mass = mass * np.exp(np.maximum(np.asarray(log_r(evidence, states), np.float64), LOG_ZERO))
    return mass @ features(model.forward, states)


@pytest.mark.parametrize(
    ("name", "guided"),
    [*((name, True) for name in CASES), ("heat bath", False), ("gaussian", False)],
)
def test_z_and_draws_are_those_of_the_product(name, guided):
    """Guided by the product of the kernels, and by the last weight alone."""
    kernel, make = CASES[name]
    model, expert = pair(kernel)
    evidence = make()
    wanted = exact(model, expert, evidence)
    walk = ProductWalk(PARTICLES, threshold=0.9)
    log_z, draws = run(
        walk, model, expert, expert if guided else None, evidence, jax.random.key(11)
    )
    weighted = np.exp(np.asarray(log_z, np.float64))[:, None] * features(model.forward, draws)
    compared = wanted > 0.01 * wanted[0]  # of rarer ones 4,096 runs see too little for a z-test
    assert_mean(weighted[:, compared].T / wanted[compared][:, None], 1.0, tolerance=5e-3)


@pytest.mark.parametrize(
    "kernel", ["heat-bath-marginal", "gaussian-erasure", "gaussian-x-heat-bath", "absorbing"]
)
def test_for_consistent_models_the_product_of_kernels_is_nearly_exact(kernel):
    """Independent columns, whose reversal is exact: the spread of Z without the guide is that of
    p'(x_0) over draws of p."""
    forward = KERNELS[kernel]()
    model = expert = DiffusionModel(
        forward, Constant(jnp.zeros(forward.n_outputs), forward.n_features)
    )
    spread = {}
    for guide in (expert, None):
        log_z, _ = run(ProductWalk(PARTICLES), model, expert, guide, AllOf(()), jax.random.key(3))
        z = np.exp(np.asarray(log_z, np.float64))
        spread[guide is None] = z.std() / z.mean()
    assert spread[False] < 0.5 * spread[True]


def test_blocks_of_different_kinds_are_refused():
    model, expert = (
        model_of(KERNELS["gaussian-erasure"]()),
        model_of(KERNELS["heat-bath-uniform"]()),
    )
    assert len(model.forward.blocks) == len(expert.forward.blocks)
    with pytest.raises((TypeError, ValueError)):
        ProductWalk(4)(model, expert, AllOf(()), key=jax.random.key(0))
