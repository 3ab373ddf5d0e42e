"""How every method is fitted and measured on rows of bits; one function a kind of model."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.estimator.density import DiffusionDensity
from quasistatic.experiments.rivals.entry import Entry, timed
from quasistatic.rivals import autoencoder, bernoulli_mixture, exact, mean_field
from quasistatic.rivals.annealing import sandwich
from quasistatic.rivals.belief_propagation import propagate
from quasistatic.rivals.boltzmann import BoltzmannMachine
from quasistatic.rivals.energy import AbstractBinaryEnergy, starting_bias
from quasistatic.rivals.learning import Learned
from quasistatic.rivals.monte_carlo import gibbs

Errors = Callable[[Any], dict[str, float]]
_DRAWN = 1000


def energy_entry(
    name: str,
    learn: Callable[[], Learned],
    test: np.ndarray,
    truth: float | None,
    *,
    own: str = "ais",
    errors: Errors = lambda estimate: {},
    paths: int = 100,
    steps: int = 200,
    seed: int = 0,
) -> tuple[Entry, AbstractBinaryEnergy]:
    """An energy: exact log p, and what the method alone would say of it.

    Args:
        name: name of the method.
        learn: function that fits it.
        test: test rows, `[M, D]`.
        truth: mean log p of the test rows under the truth, nats; None if unknown.
        own: how the method finds Z by itself: "exact", "mean-field", "tap", "bethe", or "ais".
        errors: function from the energy to further errors.
        paths: number of annealing paths in each direction.
        steps: number of their steps.
        seed: seed of chains and paths.
    """
    learned, fit_seconds = timed(learn)
    energy = learned.energy
    log_p, score_seconds = timed(lambda: exact.log_prob(energy, test))
    _, sample_seconds = timed(lambda: exact.sample(energy, _DRAWN, key=jax.random.key(seed)))
    weight = float(np.mean(exact.log_weights(energy, test)))
    low, high = _own_log_z(energy, own, test, paths, steps, seed)
    reports = (weight - high, weight - low)
    value = float(np.mean(log_p))
    slack = 1e-4
    entry = Entry(
        method=name,
        normalised="Z summed",
        exact_samples=True,
        log_p=value,
        bound=False,
        gap=None if truth is None else truth - value,
        reports=reports,
        holds=reports[0] - slack <= value <= reports[1] + slack,
        fit_seconds=fit_seconds,
        sample_seconds=sample_seconds,
        score_seconds=score_seconds * 1000 / len(test),
        conditionals="of one bit",
        errors=errors(energy),
    )
    return entry, energy


def mixture_entry(
    train: np.ndarray,
    test: np.ndarray,
    truth: float | None,
    *,
    components: int,
    errors: Errors = lambda draw: {},
    seed: int = 0,
) -> Entry:
    """The Bernoulli mixture by variational Bayes."""
    found, fit_seconds = timed(lambda: bernoulli_mixture.fit(train, components, seed=seed))
    log_p, score_seconds = timed(lambda: found.log_prob(test))
    drawn, sample_seconds = timed(lambda: found.sample(_DRAWN, seed))
    del drawn
    value = float(np.mean(log_p))
    return Entry(
        f"Bernoulli mixture, {components} components (variational Bayes)",
        "yes", True, value, False, None if truth is None else truth - value, None, None,
        fit_seconds, sample_seconds, score_seconds * 1000 / len(test), "exact",
        errors(lambda: found.sample(20_000, seed)),
    )  # fmt: skip


def autoencoder_entry(
    train: np.ndarray,
    test: np.ndarray,
    truth: float | None,
    *,
    updates: int,
    draws: int,
    errors: Errors = lambda draw: {},
    seed: int = 0,
) -> Entry:
    """The variational autoencoder; log p is its importance-weighted bound."""
    key = jax.random.key(seed)
    found, fit_seconds = timed(
        lambda: jax.block_until_ready(autoencoder.fit(train, updates=updates, seed=seed))
    )

    def bounds() -> np.ndarray:
        keys = jax.random.split(key, len(test))
        of_row = jax.jit(lambda x, k: autoencoder.bound(found, x, draws, key=k))
        return np.asarray(
            jax.lax.map(lambda xk: of_row(*xk), (jnp.asarray(test), keys), batch_size=100)
        )

    log_p, score_seconds = timed(bounds)
    _, sample_seconds = timed(lambda: np.asarray(autoencoder.sample(found, _DRAWN, key=key)))
    value = float(np.mean(log_p))
    return Entry(
        "variational autoencoder",
        "yes", True, value, True, None if truth is None else truth - value, None, None,
        fit_seconds, sample_seconds, score_seconds * 1000 / len(test), "no",
        errors(lambda: np.asarray(autoencoder.sample(found, 20_000, key=key))),
    )  # fmt: skip


def diffusion_entry(
    train: np.ndarray,
    test: np.ndarray,
    truth: float | None,
    settings: dict[str, Any],
    *,
    trajectories: int,
    errors: Errors = lambda draw: {},
    seed: int = 0,
    name: str = "diffusion",
) -> Entry:
    """Diffusion; log p is its importance-weighted lower bound, and it reports both sides."""
    fitted, fit_seconds = timed(lambda: DiffusionDensity(**settings, random_state=seed).fit(train))
    found, score_seconds = timed(
        lambda: fitted.log_likelihood(test, "sandwich", trajectories, random_state=seed)
    )
    _, sample_seconds = timed(lambda: fitted.sample(_DRAWN, random_state=seed))
    assert found.upper is not None
    sides = sorted((found.mean, float(np.mean(found.upper))))
    drawn = 1000 if len(train) < 10_000 else 4000
    return Entry(
        name,
        "yes", True, found.mean, True, None if truth is None else truth - found.mean,
        (sides[0], sides[1]), None,
        fit_seconds, sample_seconds, score_seconds * 1000 / len(test), "by particles",
        errors(lambda: np.asarray(fitted.sample(drawn, random_state=seed + 1))),
    )  # fmt: skip


def _own_log_z(
    energy: AbstractBinaryEnergy, own: str, test: np.ndarray, paths: int, steps: int, seed: int
) -> tuple[float, float]:
    """An interval of log Z as the method alone has it."""
    if own == "exact":
        log_z = exact.log_partition(energy)
        return log_z, log_z
    if isinstance(energy, BoltzmannMachine) and own == "mean-field":
        return mean_field.naive(energy).log_z, float("inf")
    if isinstance(energy, BoltzmannMachine) and own == "tap":
        log_z = mean_field.tap(energy).log_z
        return log_z, log_z
    if isinstance(energy, BoltzmannMachine) and own == "bethe":
        log_z = propagate(energy, steps=500).log_z
        return log_z, log_z
    bias = np.asarray(starting_bias(jnp.asarray(test.mean(axis=0)), len(test)))
    start = np.random.default_rng(seed).random((paths, test.shape[1])) < test.mean(axis=0)
    chains = gibbs(energy, start.astype(np.float32), kept=10, apart=50, burn_in=500, seed=seed)
    return sandwich(energy, bias, chains.rows[:, -1], steps=steps, seed=seed).interval
