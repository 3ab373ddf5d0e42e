"""Annotations of the mathematical rooms are checked on every call of every test."""

import importlib

import jax.numpy as jnp
import pytest
from jaxtyping import TypeCheckError

from house.checker import PACKAGES
from quasistatic.distribution import Normal
from quasistatic.forward import GaussianDiffusion, ProductDiffusion, linear_schedule
from quasistatic.network._planes import upsample


@pytest.mark.parametrize("package", PACKAGES)
def test_every_mathematical_room_is_checked(package):
    loader = importlib.import_module(package).__spec__.loader
    assert type(loader).__module__.startswith("jaxtyping")


def test_wrong_shapes_are_caught():
    with pytest.raises(TypeCheckError):
        Normal(jnp.zeros(2), jnp.zeros(3))
    with pytest.raises(TypeCheckError):
        upsample(jnp.zeros((2, 2)), 2)
    normal = Normal(jnp.zeros(2), jnp.zeros(2))
    with pytest.raises(TypeCheckError):
        normal.log_prob(jnp.zeros((5, 2)))
    assert normal.log_prob(jnp.zeros(2)).shape == (2,)


def test_a_state_that_is_no_tuple_is_caught():
    forward = ProductDiffusion([GaussianDiffusion(linear_schedule(4), 2)])
    with pytest.raises(TypeCheckError):
        forward.marginal(jnp.zeros(2), 1)
    assert forward.marginal((jnp.zeros(2),), 1) is not None
