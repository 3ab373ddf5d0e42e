"""Steps of more than one: kernels, bridges and reverse kernels from t to any s < t, and the
sub-schedules made of them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import DISCRETE, GAUSSIAN, KERNELS, process
from laws.enumeration import Chain, discrete_states, pairwise_log_prob
from laws.models import cells_of, model_of, random_state
from laws.statistics import assert_mean, assert_mean_at_most
from quasistatic.bound import evaluate_log_weights, evaluate_terms
from quasistatic.forward import (
    GaussianDiffusion,
    ProductDiffusion,
    ThinnedDiffusion,
    linear_schedule,
)
from quasistatic.model import DiffusionModel, thin


@pytest.mark.parametrize("name", KERNELS)
def test_a_stride_of_one_is_the_step(name):
    """Bridge, kernel and reverse kernel at s = t - 1, given and left out."""
    forward = process(name)
    x = jax.tree.map(lambda v: v[0], random_state(forward, 1))
    raw = jnp.asarray(np.random.default_rng(0).normal(0, 3, forward.n_outputs), jnp.float32)

    @eqx.filter_jit
    def both(forward, raw, x, key):
        def at(t):
            x_t = forward.marginal(x, t).sample(key=key)
            single = (
                forward.kernel(x, t),
                forward.bridge(x_t, x, t),
                forward.reverse_kernel(raw, x_t, t),
            )
            given = (
                forward.kernel(x, t, t - 1),
                forward.bridge(x_t, x, t, t - 1),
                forward.reverse_kernel(raw, x_t, t, t - 1),
            )
            return single, given

        return jax.vmap(at)(jnp.arange(1, forward.trajectory_length + 1))

    single, given = both(forward, raw, x, jax.random.key(0))
    for a, b in zip(jax.tree.leaves(single), jax.tree.leaves(given), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-6, atol=2e-4)


@pytest.mark.parametrize("name", KERNELS)
def test_bayes_over_any_stride(name, key):
    """q(x_t|x_s) q(x_s|x_0) = q(x_s|x_t,x_0) q(x_t|x_0) on pairs (x_s, x_t) of the process; a
    bridge to 0 is a point mass."""
    forward = process(name)
    T, n = forward.trajectory_length, 64
    rng = np.random.default_rng(3)
    t = rng.integers(2, T + 1, n)
    s = np.minimum(rng.integers(1, T, n), t - 1)
    x_0 = random_state(forward, n)

    @eqx.filter_jit
    def sides(forward, x_0, t, s, key):
        def one(x, t, s, k):
            first, second, third = jax.random.split(k, 3)
            before = forward.marginal(x, s).sample(key=first)
            after = forward.kernel(before, t, s).sample(key=second)
            two = (forward.kernel(before, t, s), after), (forward.marginal(x, s), before)
            three = (forward.bridge(after, x, t, s), before), (forward.marginal(x, t), after)
            left, right = (
                jnp.stack([jnp.sum(d.log_prob(y)) for d, y in pairs]) for pairs in (two, three)
            )
            return left, right, forward.bridge(after, x, t, 0).sample(key=third)

        return jax.vmap(one)(x_0, t, s, jax.random.split(key, n))

    left, right, drawn = sides(forward, x_0, jnp.asarray(t), jnp.asarray(s), key)
    assert np.all(np.asarray(left) > -1e6)
    np.testing.assert_allclose(np.sum(left, -1), np.sum(right, -1), rtol=1e-4, atol=2e-3)
    for a, b in zip(jax.tree.leaves(drawn), jax.tree.leaves(x_0), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in DISCRETE if "-x-" not in name])
def test_bridges_compose(name):
    """q(x_s|x_t,x_0) = sum over x_u of q(x_s|x_u,x_0) q(x_u|x_t,x_0) for s < u < t, from every x_t
    that x_0 reaches."""
    forward = KERNELS[name]()
    T = forward.trajectory_length
    if T < 3:
        pytest.skip("needs s < u < t with s >= 1")
    states = jnp.asarray(discrete_states(forward))
    x_0 = random_state(process(name), 1, seed=2)[0][0]

    @eqx.filter_jit
    def tables(forward, t, s):
        bridge = jax.vmap(lambda x: forward.bridge(x, x_0, t, s))(states)
        marginal = jax.tree.map(lambda x: x[None], forward.marginal(x_0, t))
        return pairwise_log_prob(bridge, states), pairwise_log_prob(marginal, states)[0]

    def probabilities(t, s):
        return (
            np.exp(np.asarray(x, np.float64))
            for x in tables(forward, jnp.asarray(t), jnp.asarray(s))
        )

    for s, u, t in [(1, 2, 3), (1, T - 1, T), (0, 1, T)]:
        late, reached = probabilities(t, u)
        early, _ = probabilities(u, s)
        whole, _ = probabilities(t, s)
        possible = reached > 1e-9
        np.testing.assert_allclose((late @ early)[possible], whole[possible], atol=1e-4)


@pytest.mark.parametrize("name", GAUSSIAN)
def test_gaussian_bridges_compose(name):
    """Means and variances, in float64 from the factors of the two bridges."""
    forward = KERNELS[name]()
    D, T = forward.n_columns, forward.trajectory_length
    zero, one = jnp.zeros(D), jnp.ones(D)

    @eqx.filter_jit
    def factors(forward, t, s):
        return forward.bridge(zero, one, t, s).mean, forward.bridge(one, zero, t, s)

    def of(t, s):
        data, state = factors(forward, jnp.asarray(t), jnp.asarray(s))
        return [np.asarray(x, np.float64) for x in (data, state.mean, state.log_variance)]

    for s, u, t in [(1, 2, 3), (1, T - 1, T), (2, T // 2, T)]:
        if not s < u < t:
            continue
        (a, b, v), (c, d, w), (e, f, z) = of(t, u), of(u, s), of(t, s)
        np.testing.assert_allclose(c + d * a, e, rtol=2e-4, atol=1e-5)
        np.testing.assert_allclose(d * b, f, rtol=2e-4, atol=1e-5)
        np.testing.assert_allclose(np.exp(w) + d**2 * np.exp(v), np.exp(z), rtol=2e-4)


@pytest.mark.parametrize("name", GAUSSIAN)
def test_the_gaussian_reverse_variance_is_that_of_the_data_pushed_through_the_bridge(name):
    """sigma^2 = beta_tilde + c^2 C at every stride, with the C of the single step; raw values all
    over the corridor."""
    forward = KERNELS[name]()
    D, T = forward.n_columns, forward.trajectory_length
    raw = jnp.concatenate(
        [
            jnp.zeros((5, D)),
            jnp.broadcast_to(jnp.array([-20.0, -5.0, -4.0, -2.0, 3.0])[:, None], (5, D)),
        ],
        1,
    )

    @eqx.filter_jit
    def at(forward, t, s):
        reverse = jax.vmap(lambda r: forward.reverse_kernel(r, jnp.zeros(D), t, s).log_variance)(
            raw
        )
        factor = forward.bridge(jnp.zeros(D), jnp.ones(D), t, s).mean
        bridge, kernel = (
            forward.bridge(jnp.zeros(D), jnp.zeros(D), t, s),
            forward.kernel(jnp.zeros(D), t, s),
        )
        return reverse, factor, bridge.log_variance, kernel.log_variance

    def of(t, s):
        return [np.asarray(x, np.float64) for x in at(forward, jnp.asarray(t), jnp.asarray(s))]

    for t, s in [(T // 2 + 1, T // 2 - 1), (T // 2, 1), (T // 2 + 1, 1)]:
        reverse, factor, bridge, kernel = of(t, s)
        single, c, tilde, _ = of(t, t - 1)
        implied = (np.exp(single) - np.exp(tilde)) / c**2
        np.testing.assert_allclose(
            np.exp(reverse), np.exp(bridge) + factor**2 * implied, rtol=1e-2, atol=2e-5
        )
        assert np.all(reverse >= bridge - 1e-3)
        assert np.all(reverse <= kernel + 1e-4)


class OnStates(eqx.Module):
    """A thinned model as `Chain` wants it: the states of the whole process, the kernels of the
    thinned one."""

    thinned: DiffusionModel

    @property
    def forward(self):
        return ProductDiffusion([block.whole for block in self.thinned.forward.blocks])

    @property
    def trajectory_length(self) -> int:
        return self.thinned.trajectory_length

    def reverse_kernel(self, x_t, observed, t):
        return self.thinned.reverse_kernel(x_t, observed, t)


ENUMERATED = ["binomial-mean", "heat-bath-uniform", "absorbing-many-steps"]
THINNED = [*ENUMERATED, "gaussian-erasure", "gaussian-x-absorbing"]


@pytest.mark.parametrize("name", THINNED)
def test_a_sub_schedule_is_a_model_with_a_likelihood(name):
    """With K steps E w is the exact likelihood of the thinned chain, K its lower bound, and all
    steps kept change nothing."""
    forward = process(name)
    model, T = model_of(forward, scale=0.2), forward.trajectory_length
    x_0 = random_state(forward, 6, seed=3)
    rows, key = cells_of(forward, x_0), jax.random.key(1)
    whole = evaluate_terms(model, rows, repetitions=2, key=key).total
    np.testing.assert_allclose(
        evaluate_terms(thin(model, range(1, T + 1)), rows, repetitions=2, key=key).total,
        whole,
        atol=3e-3,
    )

    thinned = thin(model, (1, T // 2, T))
    log_p = Chain(OnStates(thinned)).log_prob(x_0)
    log_weights = evaluate_log_weights(thinned, rows, trajectories=2048, key=key, chunk=1 << 12)
    assert_mean(np.exp(log_weights - log_p[:, None]), 1.0, tolerance=1e-3)
    terms = evaluate_terms(thinned, rows, repetitions=2048, key=key, chunk=1 << 12)
    assert_mean_at_most(terms.total, log_p, tolerance=2e-4)
    assert_mean(log_weights - terms.total, 0.0, tolerance=1e-4)


def test_steps_must_increase_to_at_most_the_last():
    whole = GaussianDiffusion(linear_schedule(10), 1)
    for steps in [(), (0, 10), (3, 3, 10), (5, 4), (4, 11)]:
        with pytest.raises(ValueError, match="steps must increase from at least 1 to at most 10"):
            ThinnedDiffusion(whole, steps)
