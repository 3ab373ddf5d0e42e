"""Draws from weighted particles: how many is no matter of compilation, and each has the law of a
particle."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import KERNELS
from laws.models import model_of
from quasistatic.data.cells import Cells
from quasistatic.particles import init
from quasistatic.posterior import Observed
from quasistatic.posterior.query import impute_rows, walk_of
from quasistatic.posterior.walks.twisted import finish

WEIGHTS = np.array([0.31, 0.0, 0.02, 0.27, 0.15, 0.05, 0.2])
RUNS = 4000


def drawn(n: int) -> np.ndarray:
    """`[RUNS, P]`: the numbers of the particles, in the places of their draws."""

    @eqx.filter_jit
    def run(key, draws):
        x_0, log_weight = (
            (jnp.arange(len(WEIGHTS))[:, None],),
            jnp.log(jnp.asarray(WEIGHTS, jnp.float32)),
        )
        state = init(x_0, jnp.zeros(len(WEIGHTS)))
        return finish(state, x_0, log_weight, draws, key=key).draws[0][:, 0]

    return np.asarray(
        jax.vmap(run, (0, None))(jax.random.split(jax.random.key(0), RUNS), jnp.asarray(n))
    )


@pytest.mark.parametrize("n", [1, 3, 7])
def test_each_draw_has_the_law_and_all_are_systematic(n):
    """False alarms: 7 frequencies for each of n <= 7 places, 6 standard deviations, below 1e-6."""
    taken = drawn(n)[:, :n]
    for place in taken.T:
        share = np.bincount(place, minlength=len(WEIGHTS)) / RUNS
        assert np.all(np.abs(share - WEIGHTS) <= 6 * np.sqrt(WEIGHTS * (1 - WEIGHTS) / RUNS))
    counts = np.stack([np.bincount(row, minlength=len(WEIGHTS)) for row in taken])
    assert np.all(counts >= np.floor(n * WEIGHTS - 1e-5))
    assert np.all(counts <= np.ceil(n * WEIGHTS + 1e-5))


@pytest.mark.parametrize("kernel", ["gaussian-cosine", "absorbing"])
def test_another_number_of_draws_needs_no_other_program(kernel):
    model = model_of(KERNELS[kernel](), scale=0.2)
    D = model.forward.n_columns
    value = np.zeros(D, np.float32 if kernel != "absorbing" else np.int32)
    evidence = Observed.of((Cells(value, np.arange(D) == 0),))
    traced = []

    @eqx.filter_jit
    def run(walk):
        traced.append(0)
        return walk(model, evidence, key=jax.random.key(1))

    draws = [np.asarray(jax.tree.leaves(run(walk_of(model, 8, n)).draws)[0]) for n in (1, 5, 8)]
    assert len(traced) == 1
    assert np.any(draws[0] != draws[2])


def test_more_draws_than_particles_are_given_as_many_particles():
    model = model_of(KERNELS["gaussian-cosine"](), scale=0.2)
    D = model.forward.n_columns
    row = Cells(np.zeros((1, D), np.float32), np.arange(D)[None] == 0)
    found = impute_rows(model, (row,), n_imputations=9, particles=4, key=jax.random.key(2))
    assert found.draws[0].shape == (1, 9, D)
    assert len(np.unique(found.draws[0][0, :, 1])) > 4
