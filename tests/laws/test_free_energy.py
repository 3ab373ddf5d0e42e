"""Free-energy differences against exact ones; single estimates within 5 standard errors (6e-7),
fixed seeds."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import process
from laws.enumeration import Chain, discrete_states
from laws.models import model_of
from quasistatic.thermodynamics.free_energy import between_models, to_product


@pytest.mark.parametrize(
    "name", ["heat-bath-uniform", "absorbing", "gaussian-erasure", "gaussian-x-absorbing"]
)
def test_two_normalised_models_differ_by_nothing(name):
    forward = process(name)
    scale = 0.1 if name.startswith("gaussian") else 0.5
    one, two = model_of(forward, seed=1, scale=scale), model_of(forward, seed=2, scale=scale)
    found = between_models(one, two, 1500, key=jax.random.key(0))
    assert 0 < found.stderr < 0.2
    assert abs(found.value) < 5 * found.stderr
    assert abs(found.slope.z) < 5
    same = between_models(one, one, 16, key=jax.random.key(1))
    assert abs(same.value) < 1e-4


def test_the_models_need_one_length():
    one, two = model_of(process("absorbing")), model_of(process("absorbing-many-steps"))
    with pytest.raises(ValueError, match="one T"):
        between_models(one, two, 10, key=jax.random.key(0))


def test_a_product_with_r():
    """-log Z of r(x) = exp(-2 [x_1 = 0] - x_2 / 2), rows drawn from the exact p and the exact p r /
    Z."""
    model = model_of(process("heat-bath-uniform"), scale=0.5)
    states = discrete_states(model.forward.blocks[0], masked=False)
    p = np.exp(Chain(model).log_prob((jnp.asarray(states),)))
    log_r = -2.0 * (states[:, 0] == 0) - 0.5 * states[:, 1]
    z = np.sum(p * np.exp(log_r))
    rng = np.random.default_rng(0)
    rows = rng.choice(len(states), 800, p=p / p.sum())
    posterior_rows = rng.choice(len(states), 400, p=p * np.exp(log_r) / z)
    found = to_product(log_r[rows], log_r[posterior_rows])
    assert 0 < found.stderr < 0.2
    assert abs(found.value + np.log(z)) < 5 * found.stderr
    assert abs(found.slope.z) < 5
