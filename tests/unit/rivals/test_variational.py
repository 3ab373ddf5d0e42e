"""Variational Bayes against conjugate closed forms, enumeration and quadrature."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import betaln

from quasistatic.rivals import autoencoder
from quasistatic.rivals import bernoulli_mixture as mixture
from quasistatic.rivals.double import in_double
from quasistatic.rivals.exact import states
from rivals_oracles import flat, moved


def test_one_component_is_the_exact_evidence(rng):
    rows = (rng.random((40, 6)) < rng.random(6)).astype(float)
    ones = rows.sum(axis=0)
    found = mixture.fit(rows, 1)
    assert abs(found.evidence - betaln(1 + ones, 1 + 40 - ones).sum()) < 1e-6
    np.testing.assert_allclose(found.means[0], (1 + ones) / 42)


def test_two_clusters_are_found_and_the_bound_never_falls(rng):
    centre = np.array([[0.9] * 3 + [0.1] * 3, [0.1] * 3 + [0.9] * 3])
    label = rng.integers(0, 2, 400)
    rows = (rng.random((400, 6)) < centre[label]).astype(float)
    one, two = mixture.fit(rows, 1), mixture.fit(rows, 4, starts=3)
    assert (np.diff(two.rounds) > -1e-9 * abs(two.evidence)).all()
    assert two.evidence > one.evidence + 100
    used = two.shares > 0.1
    assert used.sum() == 2
    order = np.argsort(-two.means[used][:, 0])
    np.testing.assert_allclose(two.means[used][order], centre, atol=0.12)


def test_the_mixture_is_normalised_and_sampled(rng):
    rows = (rng.random((60, 5)) < 0.4).astype(float)
    found = mixture.fit(rows, 3)
    every = states(5)
    p = np.exp(found.log_prob(every))
    assert abs(p.sum() - 1) < 1e-9
    drawn = found.sample(20_000, seed=1)
    assert np.abs(drawn.mean(axis=0) - p @ every).max() < 5 * 0.5 / np.sqrt(20_000)


def test_too_few_rounds_are_told(rng):
    with pytest.warns(UserWarning, match="still rises"):
        mixture.fit((rng.random((60, 5)) < 0.4).astype(float), 3, rounds=2)


def mean_bound(model, rows):
    keys = jax.random.split(jax.random.key(22), len(rows))
    return jnp.mean(jax.vmap(lambda x, k: autoencoder.bound(model, x, 3, key=k))(rows, keys))


def test_the_gradient_of_the_bound_by_finite_differences(rng):
    model = autoencoder.autoencoder(4, 2, 3, key=jax.random.key(20))
    start = jax.tree.map(np.float64, model)
    rows = (rng.random((6, 4)) < 0.5).astype(np.float64)
    direction = jax.tree.map(lambda x: rng.normal(size=x.shape), start)
    gradient = flat(in_double(eqx.filter_grad(mean_bound), start, rows)) @ flat(direction)
    up, down = (in_double(mean_bound, moved(start, direction, s), rows) for s in (1e-5, -1e-5))
    assert abs((up - down) / 2e-5 - gradient) < 1e-6 * max(1, abs(gradient))


def test_the_autoencoder_is_below_quadrature_and_rises_to_it(rng):
    """One latent number: log p(x) is an integral over a line."""
    centre = np.where(rng.random((300, 1)) < 0.5, 0.9, 0.1)
    rows = (rng.random((300, 6)) < centre).astype(np.float32)
    model = autoencoder.fit(rows, latent=1, width=8, draws=3, updates=600, batch_size=50)
    z = np.linspace(-8, 8, 1601, dtype=np.float32)[:, None]
    log_prior = -0.5 * z[:, 0] ** 2 - 0.5 * np.log(2 * np.pi) + np.log(z[1, 0] - z[0, 0])

    def exactly(x):
        given = jax.vmap(lambda z: autoencoder.log_prob_given(model, x, z))(z)
        return np.logaddexp.reduce(np.asarray(given, np.float64) + log_prior)

    every = states(6)
    log_p = np.array([exactly(x) for x in every[::7]])
    keys = jax.random.split(jax.random.key(21), (200, len(log_p)))

    def bounds(draws):
        of_row = jax.vmap(lambda x, k: autoencoder.bound(model, x, draws, key=k))
        return np.asarray(jax.vmap(lambda k: of_row(jnp.asarray(every[::7]), k))(keys), np.float64)

    one, many = bounds(1), bounds(50)
    errors = [b.std(axis=0) / np.sqrt(200) for b in (one, many)]
    assert (one.mean(axis=0) < log_p + 6 * errors[0]).all()
    assert (many.mean(axis=0) < log_p + 6 * errors[1]).all()
    assert (log_p - many.mean(axis=0)).mean() < 0.3 * (log_p - one.mean(axis=0)).mean()
    total = np.exp([exactly(x) for x in every]).sum()
    assert abs(total - 1) < 1e-4
    drawn = np.asarray(autoencoder.sample(model, 4000, key=jax.random.key(22)))
    logits = jax.vmap(lambda z: autoencoder.decode(model, z))(z)
    mean = np.exp(log_prior) @ np.asarray(jax.nn.sigmoid(logits))
    assert np.abs(drawn.mean(axis=0) - mean).max() < 6 * 0.5 / np.sqrt(4000)
