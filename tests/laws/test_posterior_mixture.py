"""The 1-D mixture of the review, 0.5 N(-0.9, 0.19) + 0.5 N(0.9, 0.19) seen as y = 0.6 with noise,
with the exact denoiser as network.

Sequential Monte Carlo finds mean, variance and evidence; the 2015 recipe is biased, by as much at T
= 200 as at T = 50."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from quasistatic.forward import GaussianDiffusion, cosine_schedule
from quasistatic.forward.gaussian import FIRST_STEP_NARROWING, NARROWING_OFFSET
from quasistatic.model import DiffusionModel
from quasistatic.network.base import AbstractNetwork
from quasistatic.posterior import Function, Noisy, Recipe2015, TwistedWalk

CENTRE, VARIANCE, Y = 0.9, 0.19, 0.6
RUNS, PARTICLES = 36, 2000


class ExactDenoiser(AbstractNetwork):
    """E(x_0|x_t) of the mixture, and the variance of x_{t-1} given x_t."""

    forward: GaussianDiffusion
    n_features: int = eqx.field(static=True, default=2)
    n_outputs: int = eqx.field(static=True, default=2)

    def __call__(self, features, time, *, key=None):
        x, t = features[0], jnp.round(time * self.forward.trajectory_length).astype(jnp.int32)
        c = jax.tree.map(lambda leaf: leaf[0], self.forward._coefficients(t))
        a, b = c.signal, c.noise
        total, centres = VARIANCE * a * a + b * b, jnp.array([-CENTRE, CENTRE])
        share = jax.nn.softmax(-0.5 * jnp.square(x - a * centres) / total)
        means = (centres * b * b + a * x * VARIANCE) / total
        mean = jnp.sum(share * means)
        spread = VARIANCE * b * b / total + jnp.sum(share * jnp.square(means)) - jnp.square(mean)
        log_sigma2 = jnp.log(jnp.exp(c.log_bridge) + jnp.square(c.from_data) * spread)
        corridor = jnp.where(t == 1, FIRST_STEP_NARROWING, c.log_beta - c.log_bridge)
        narrowing = jnp.clip((c.log_beta - log_sigma2) / corridor, 1e-6, 1 - 1e-6)
        raw = -NARROWING_OFFSET - (jnp.log(narrowing) - jnp.log1p(-narrowing))
        return jnp.stack([(a * x - mean) / b, raw])


def mixture_model(T: int) -> DiffusionModel:
    forward = GaussianDiffusion(cosine_schedule(T), 1)
    return DiffusionModel(forward, ExactDenoiser(forward))


def exact(sigma: float) -> tuple[float, float, float]:
    """Mean and variance of the posterior, and log evidence."""
    centres, total = np.array([-CENTRE, CENTRE]), VARIANCE + sigma**2
    joint = 0.5 * np.exp(-0.5 * (Y - centres) ** 2 / total) / np.sqrt(2 * np.pi * total)
    share, means = joint / joint.sum(), (centres * sigma**2 + Y * VARIANCE) / total
    mean = share @ means
    return mean, VARIANCE * sigma**2 / total + share @ means**2 - mean**2, np.log(joint.sum())


@eqx.filter_jit
def runs(model, evidence, keys):
    walk = TwistedWalk(PARTICLES, PARTICLES)
    return jax.lax.map(lambda k: walk(model, evidence, key=k), keys)


def test_the_exact_posterior_is_that_of_the_review():
    np.testing.assert_allclose(exact(1.0)[:2], (0.417, 0.628), atol=6e-4)
    np.testing.assert_allclose(exact(0.4)[1], 0.115, atol=6e-4)


@pytest.mark.parametrize(
    ("kind", "sigma"),
    [
        ("closed", 1.0),
        ("closed", 0.4),
        ("function", 1.0),
        pytest.param("function", 0.4, marks=pytest.mark.slow),
    ],
)
def test_two_thousand_particles_find_mean_variance_and_evidence(kind, sigma):
    """Within 0.02. The mean of 2,000 independent draws itself has an error of 0.018, hence the mean
    of 36 runs: 6 standard errors."""
    log_r = Noisy.of([Y], sigma)
    evidence = log_r if kind == "closed" else Function(lambda x: log_r.log_prob(x))
    mean, variance, log_z = exact(sigma)
    found = runs(mixture_model(50), evidence, jax.random.split(jax.random.key(1), RUNS))
    draws = np.asarray(found.draws[0], np.float64)[:, :, 0]
    assert abs(draws.mean() - mean) < 0.02
    assert abs(draws.var(axis=1).mean() - variance) < 0.02
    log_evidence = np.asarray(found.log_evidence, np.float64)
    assert abs(log_evidence.mean() - log_z) < 0.02
    # A single run: its error is the one that it states, and on average below 0.01.
    deviation = (log_evidence - log_z) / np.sqrt(np.asarray(found.variance, np.float64))
    assert np.max(np.abs(deviation)) < 6
    assert log_evidence.std() < 0.01
    assert np.all(np.asarray(found.ess) > 0.8 * PARTICLES)


@pytest.mark.parametrize("T", [50, 200])
def test_the_2015_recipe_is_biased_at_any_T(T):
    """20,000 draws: standard errors of the mean below 0.006."""
    mean, variance, _ = exact(1.0)

    @eqx.filter_jit
    def moments(model, growth):
        keys = jax.random.split(jax.random.key(0), 20000)
        draws = jax.vmap(lambda k: Recipe2015(growth)(model, Noisy.of([Y], 1.0), key=k)[0])(keys)
        return draws.mean(), draws.var()

    for growth, expected in (("constant", (0.51, 0.44)), ("linear", (0.31, 0.58))):
        found = np.asarray(moments(mixture_model(T), growth))
        np.testing.assert_allclose(found, expected, atol=0.03)
        assert abs(found[0] - mean) > 0.06
        assert found[1] < variance - 0.03
