"""Every kind of evidence against enumeration and quadrature: E Z = E_p r, and E Z f(draw) = E_p r f
(z-tests, rate 1e-6)."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import EVIDENCE, KERNELS
from laws.enumeration import Chain, joint_states
from laws.models import is_gaussian, model_of
from laws.statistics import assert_mean
from quasistatic.numerics import LOG_ZERO
from quasistatic.posterior import Observed, OrderedWalk, Populations, TwistedWalk

RUNS, PARTICLES = 1 << 12, 4
FINE = 601


@eqx.filter_jit
def run(walk, model, evidence, key):
    return jax.vmap(lambda k: walk(model, evidence, key=k))(jax.random.split(key, RUNS))


@eqx.filter_jit
def log_r(evidence, states):
    return jax.vmap(evidence.log_prob)(states)


def fine_states(chain):
    """All x_0 `[S, ...]`: joint discrete states without masks times a fine grid of the continuous
    column; and the volume of each."""
    axes = []
    for a in chain.axes:
        if a.column is not None:
            grid = np.linspace(-6, 6, FINE)
            axes.append(a._replace(points=grid, volume=grid[1] - grid[0]))
        else:
            mask = getattr(chain.model.forward.blocks[a.block], "mask_state", None)
            kept = a.points if mask is None else a.points[np.all(a.points != mask, axis=1)]
            axes.append(a._replace(points=kept))
    return joint_states(chain.model.forward, axes), float(np.prod([a.volume for a in axes]))


def features(forward, x):
    """What is compared of a state, `[n, F]`: a number's first two powers, a discrete block's
    one-hot states, and their products."""
    parts = []
    for block, part in zip(forward.blocks, x, strict=True):
        part = np.asarray(part)
        if is_gaussian(block):
            parts.append(np.concatenate([part, part**2], axis=1).astype(np.float64))
        else:
            parts.append(
                np.concatenate([part[:, [d]] == np.arange(4) for d in range(part.shape[1])], axis=1)
                * 1.0
            )
    together = [np.ones((len(parts[0]), 1)), *parts]
    together += [
        (f[:, :, None] * g[:, None, :]).reshape(len(f), -1)
        for i, f in enumerate(parts)
        for g in parts[i:]
    ]
    return np.concatenate(together, axis=1)


ABSORBING = [
    f"{name}, in order" for name, (kernel, _) in EVIDENCE.items() if kernel.startswith("absorbing")
]


MIXTURES = [
    f"{name}, a mixture"
    for name in ("observed-masked", "observed-wide-cell", "product-of-mixed", "confused", "range")
]
"""Where the reverse kernels are mixtures."""


SEVERAL = [f"{name}, several populations" for name in ("confused", "range")]
INDEPENDENT = ["range, independent particles"]


def walk_of(name):
    if name in SEVERAL:
        return Populations(PARTICLES, 2, 1)
    if name in INDEPENDENT:
        return TwistedWalk(PARTICLES, 1, 0.0)
    return OrderedWalk(PARTICLES, 1) if name in ABSORBING else TwistedWalk(PARTICLES, 1, 0.9)


@pytest.mark.parametrize("name", [*EVIDENCE, *ABSORBING, *MIXTURES, *SEVERAL, *INDEPENDENT])
def test_evidence_and_draws_are_those_of_the_enumeration(name):
    kernel, make = EVIDENCE[name.split(", ")[0]]
    walk = walk_of(name)
    scale, components = 0.2 if kernel.startswith("gaussian") else 0.4, 3 if name in MIXTURES else 1
    model = model_of(KERNELS[kernel](), scale=scale, components=components)
    forward, evidence = model.forward, make()
    chain = Chain(model)
    states, volume = fine_states(chain)
    if isinstance(evidence, Observed):
        states, volume, density = at_the_cells(chain, evidence, states, volume)
    else:
        density = np.exp(chain.log_prob(states)) * volume
    with np.errstate(under="ignore"):
        mass = density * np.exp(
            np.maximum(np.asarray(log_r(evidence, states), np.float64), LOG_ZERO)
        )
    exact = mass @ features(forward, states)
    found = jax.tree.map(
        lambda x: np.asarray(x, np.float64), run(walk, model, evidence, jax.random.key(7))
    )
    z = np.exp(found.log_evidence)
    draws = jax.tree.map(lambda x: x[:, 0], found.draws)
    weighted = z[:, None] * features(forward, draws)
    compared = exact > 1e-9
    assert np.all(weighted[:, (exact < 1e-12) & (exact >= 0)] == 0)
    assert_mean(weighted[:, compared].T / exact[compared][:, None], 1.0, tolerance=5e-3)
    assert np.all((found.ess >= 0) & (found.ess <= walk.particles * 1.001))
    if name in SEVERAL + INDEPENDENT:  # E s^2 = Var Z: the stated error is the true one
        assert np.std(z) > 0.05 * exact[0]
        assert_mean((found.variance * z**2 - (z - exact[0]) ** 2) / exact[0] ** 2, 0.0)


def at_the_cells(chain, evidence, states, volume):
    """An observed number has one value, the middle of its cell: states there, with the mass of the
    cell (or its density)."""
    forward = chain.model.forward
    width = 0.0
    parts = list(states)
    for i, (block, cells) in enumerate(zip(forward.blocks, evidence.blocks, strict=True)):
        if is_gaussian(block) and cells.observed[0]:
            kept = np.asarray(parts[i][:, 0] == parts[i][0, 0])
            parts = [p[kept] for p in parts]
            parts[i] = jnp.full_like(parts[i], cells.value[0])
            width, volume = float(cells.width[0]), 1.0
    states = tuple(parts)
    return states, volume, np.exp(chain.log_prob(states, width)) * volume


@pytest.mark.parametrize("name", EVIDENCE)
def test_a_power_of_r_is_a_power_up_to_its_height(name):
    kernel, make = EVIDENCE[name]
    model, evidence = model_of(KERNELS[kernel]()), make()
    rng = np.random.default_rng(0)
    states = jax.tree.map(
        jnp.asarray,
        tuple(
            rng.uniform(0.3, 0.8, (16, b.n_columns)).astype(np.float32)
            if is_gaussian(b)
            else rng.integers(0, 2, (16, b.n_columns)).astype(np.int32)
            for b in model.forward.blocks
        ),
    )
    whole, part = (
        np.asarray(log_r(e, states))
        for e in (evidence, evidence.tempered(jnp.asarray(0.5, jnp.float32)))
    )
    possible = whole > 0.1 * LOG_ZERO
    assert np.array_equal(possible, part > 0.1 * LOG_ZERO)
    difference = part[possible] - 0.5 * whole[possible]
    np.testing.assert_allclose(
        difference, np.mean(difference) if len(difference) else 0.0, atol=1e-5
    )
