"""Adding a kernel is one file: a kernel with a distribution of its own, of which the package has
never heard, obeys every law.

The file holds all that a file in `forward/` would: the distribution, the kernel, and what the
distribution has to say to posteriors, products and the ledger."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import polars as pl
import pytest

from cases import EVIDENCE, HINT, KERNELS
from laws import (
    test_bayes,
    test_composition,
    test_likelihood,
    test_mixture_kernel,
    test_posterior_enumeration,
    test_posterior_product,
)
from quasistatic import DiffusionDensity, config
from quasistatic.belief import (
    StateBelief,
    believe,
    match_step,
    multiply,
    signal_left,
    tilt,
)
from quasistatic.data.cells import Cells
from quasistatic.distribution import AbstractDistribution, Categorical
from quasistatic.forward.base import AbstractDiffusion, earlier
from quasistatic.numerics import LOG_ZERO
from quasistatic.posterior import Observed, Soft


class Turned(AbstractDistribution):
    """Independent columns on a circle of K states: by how much each is turned from its origin."""

    origin: jax.Array  # [D]
    log_turn: jax.Array  # [D, K]

    @property
    def n_columns(self):
        return self.origin.shape[0]

    def table(self):
        """log-probabilities of the states [D, K]."""
        n_states = self.log_turn.shape[1]
        turn = (jnp.arange(n_states)[None, :] - self.origin[:, None]) % n_states
        return jnp.take_along_axis(self.log_turn, turn, axis=1)

    def sample(self, *, key):
        turn = jax.random.categorical(key, self.log_turn, axis=-1)
        return ((self.origin + turn) % self.log_turn.shape[1]).astype(jnp.int32)

    def log_prob(self, x):
        return jnp.take_along_axis(self.table(), x[:, None], axis=1)[:, 0]

    def log_cell(self, x, width):
        return self.log_prob(x)

    def kl(self, other):
        mine = self.table()
        return jnp.sum(jnp.exp(mine) * (mine - other.table()), axis=-1)

    def entropy(self):
        return -jnp.sum(jnp.exp(self.log_turn) * self.log_turn, axis=-1)


class Carousel(AbstractDiffusion):
    """Each column turns by one state, forward or back, with probability `turn` a step."""

    trajectory_length: int = eqx.field(static=True)
    n_columns: int = eqx.field(static=True)
    n_states: int = eqx.field(static=True)
    turn: float = eqx.field(static=True, default=0.5)

    @property
    def n_features(self):
        return self.n_columns * self.n_states

    @property
    def n_outputs(self):
        return self.n_features

    @property
    def log_pi(self):
        return jnp.full((self.n_columns, self.n_states), -jnp.log(float(self.n_states)))

    def _log_turns(self, steps):
        """log-probabilities of all turns after some steps [K], by their Fourier transform."""
        states = jnp.arange(self.n_states, dtype=jnp.float32)
        angle = 2 * jnp.pi * states / self.n_states
        kept = 1.0 - self.turn + self.turn * jnp.cos(angle)
        waves = jnp.cos(angle[:, None] * states[None, :])
        p = jnp.power(kept, jnp.asarray(steps, jnp.float32)) @ waves / self.n_states
        p = jnp.where(jnp.asarray(steps) == 0, (states == 0).astype(jnp.float32), p)
        return jnp.where(p > 1e-6, jnp.log(jnp.maximum(p, 1e-6)), LOG_ZERO)

    def _from(self, x, steps):
        turns = jnp.broadcast_to(self._log_turns(steps), (self.n_columns, self.n_states))
        return Turned(x, turns)

    def _condition(self, before, x_t, t, s):
        """A table [D, K] of x_s, given x_t."""
        n = self.n_states
        turn = jnp.arange(n)
        there = jnp.take_along_axis(before, (x_t[:, None] + turn[None, :]) % n, axis=1)
        joint = there + self._log_turns(jnp.asarray(t) - earlier(t, s))[-turn % n][None, :]
        return Turned(x_t, jnp.maximum(jax.nn.log_softmax(joint, axis=-1), LOG_ZERO))

    def prior(self):
        return Turned(jnp.zeros(self.n_columns, jnp.int32), self.log_pi)

    def kernel(self, x, t, s=None):
        return self._from(x, jnp.asarray(t) - earlier(t, s))

    def marginal(self, x_0, t):
        return self._from(x_0, t)

    def bridge(self, x_t, x_0, t, s=None):
        return self._condition(self._from(x_0, earlier(t, s)).table(), x_t, t, s)

    def _noisy(self, log_probs, t):
        """A table [D, K] of x_t, of x_0 with these probabilities."""
        states = jnp.arange(self.n_states)
        turned = self._log_turns(t)[(states[None, :] - states[:, None]) % len(states)]
        return jax.nn.logsumexp(log_probs[:, :, None] + turned[None], axis=1)

    def independent(self):
        return Categorical(self.log_pi)

    def reverse_kernel(self, raw, x_t, t, s=None, data=None):
        data = self.independent() if data is None else data
        raw = raw.reshape(self.n_columns, self.n_states)
        log_probs = jax.nn.log_softmax(raw + data.log_probs, axis=-1)
        return self._condition(self._noisy(log_probs, earlier(t, s)), x_t, t, s)

    def log_evidence(self, data, x_t, t):
        table = self._noisy(data.log_probs, t)
        return jnp.take_along_axis(table, x_t[:, None], axis=1)[:, 0]

    def features(self, x_t, observed, t):
        return jnp.where(observed[:, None], jax.nn.one_hot(x_t, self.n_states), 0.0).reshape(-1)


@believe.register(Turned)
def _(guess):
    return StateBelief(guess.table())


@tilt.register(Turned)
def _(kernel, bridge, guided, plain):
    n_columns, n_states = guided.log_probs.shape
    bridges = jax.vmap(lambda k: bridge(jnp.full(n_columns, k)).log_turn)(jnp.arange(n_states))
    mixed = jax.nn.logsumexp(guided.log_probs.T[:, :, None] + bridges, axis=0)
    own = jnp.all(guided.log_probs == plain.log_probs, axis=-1, keepdims=True)
    mixed = jnp.maximum(jax.nn.log_softmax(mixed, axis=-1), LOG_ZERO)
    return Turned(kernel.origin, jnp.where(own, kernel.log_turn, mixed))


@multiply.register(Turned)
def _(at_zero, marginal, x_t, belief, other):
    states = jnp.arange(belief.log_probs.shape[1])
    likelihood = jax.vmap(lambda k: marginal(jnp.full_like(x_t, k)).log_prob(x_t))(states).T
    return belief.times(other.log_probs - likelihood)


@signal_left.register(Turned)
def _(marginal, prior, x_0):
    by_chance = jnp.exp(prior.log_prob(x_0))
    return (jnp.exp(marginal.log_prob(x_0)) - by_chance) / (1.0 - by_chance)


OF_TABLE = {"toy": lambda: Carousel(6, 2, 3)}
"""The one line of `KERNELS`."""

OF_EVIDENCE = {
    "toy-observed": (
        "toy",
        lambda: Observed.of((Cells(np.array([2, 0]), np.array([True, False])),)),
    ),
    "toy-soft": ("toy", lambda: Soft.of(HINT[:2, :3])),
}


@pytest.fixture(autouse=True)
def _in_the_tables(monkeypatch):
    for name, make in OF_TABLE.items():
        monkeypatch.setitem(KERNELS, name, make)
    for name, line in OF_EVIDENCE.items():
        monkeypatch.setitem(EVIDENCE, name, line)
    monkeypatch.setitem(test_posterior_product.CASES, "toy", EVIDENCE["toy-soft"])


def test_it_composes():
    test_composition.test_kernels_compose_to_the_marginal("toy")


def test_it_obeys_bayes(key):
    test_bayes.test_bayes_on_paths("toy", key)
    test_bayes.test_bayes_everywhere("toy")


def test_its_mixtures_are_reversed_exactly(key):
    test_mixture_kernel.test_the_reversal_of_a_mixture_obeys_bayes("toy", key)


def test_its_likelihood_is_that_of_the_enumeration():
    test_likelihood.test_the_exact_probabilities_sum_to_one("toy")
    test_likelihood.test_the_mean_weight_is_the_likelihood("toy")
    test_likelihood.test_the_bound_is_below_the_likelihood("toy")
    test_likelihood.test_every_term_of_the_bound_by_enumeration("toy")


@pytest.mark.parametrize("name", OF_EVIDENCE)
def test_its_posterior_is_that_of_the_enumeration(name):
    test_posterior_enumeration.test_evidence_and_draws_are_those_of_the_enumeration(name)


def test_its_product_is_that_of_the_enumeration():
    test_posterior_product.test_z_and_draws_are_those_of_the_product("toy", True)


def test_its_signal_falls_from_one_to_nothing():
    kernel, x_0 = Carousel(6, 2, 3), jnp.array([1, 2])
    left = [float(signal_left(kernel.marginal(x_0, t), kernel.prior(), x_0)[0]) for t in range(7)]
    np.testing.assert_allclose(left, 0.25 ** np.arange(7), atol=1e-5)


def test_what_is_not_registered_is_named(monkeypatch):
    """By the function, the distribution and the place. The arguments are stand-ins, which the check
    of annotations would refuse."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    unknown = eqx.Module()
    for function, arguments in (
        (believe, ()),
        (tilt, (None, None, None)),
        (multiply, (None, None, None, None)),
        (signal_left, (None, None)),
    ):
        message = (
            rf"`{function.__name__}` is not defined for Module: register it .*file of the kernel"
        )
        with pytest.raises(TypeError, match=message):
            function(unknown, *arguments)
    assert match_step(unknown, None, "as it is") == "as it is"


def carousel_block(trajectory_length, marginals):
    """The block of columns with one number of states: what the line in the table of names names."""
    return Carousel(trajectory_length, len(marginals), len(marginals[0]), turn=0.15)


def test_by_one_line_in_the_table_of_names_it_is_fitted_and_asked(monkeypatch):
    """Two columns of three states that agree in four rows of five: log p is -1.6 nats a row, that
    of independent columns, which agree in a third, -2.2."""
    monkeypatch.setitem(config.DISCRETE_KERNELS, "carousel", f"{__name__}:carousel_block")
    rng = np.random.default_rng(0)
    a = rng.integers(0, 3, 400)
    b = np.where(rng.random(400) < 0.8, a, (a + 1) % 3)
    states = np.array(["x", "y", "z"])
    table = pl.DataFrame({"a": states[a], "b": states[b]})
    settings = {"trajectory_length": 24, "width": 16, "max_steps": 400, "max_minutes": 2}
    settings |= {"model": "diffusion", "discrete_kernel": "carousel"}
    density = DiffusionDensity(random_state=0, **settings).fit(table)
    assert isinstance(density.model_.forward.blocks[0], Carousel)
    assert -2.0 < density.log_likelihood(table, method="ais").mean < -1.5
    drawn = density.sample(500)
    assert (drawn["a"] == drawn["b"]).mean() > 0.5
    assert (density.condition({"a": "x"}).sample(200)["b"] == "x").mean() > 0.5
