"""`fit`: climbs the bound of a toy to between the independent model and the entropy, the same way
every time."""

import dataclasses

import equinox as eqx
import jax
import numpy as np
import pytest

from cases import KERNELS, NETWORKS, process
from laws.models import model_of
from quasistatic.bound import evaluate_terms
from quasistatic.data.cells import Cells
from quasistatic.errors import TrainingError
from quasistatic.forward import (
    AbsorbingDiffusion,
    ErasureSchedule,
    GaussianDiffusion,
    ProductDiffusion,
    binomial_diffusion,
    cosine_schedule,
)
from quasistatic.forward.categorical import pad_log_probs
from quasistatic.model import DiffusionModel
from quasistatic.network import ResidualMLP
from quasistatic.rows import Row
from quasistatic.train import TrainConfig, fit
from quasistatic.train.state import trainable

CONFIG = TrainConfig(
    max_steps=300, batch_size=64, learning_rate=1e-2, evaluate_every=100, ema_decay=0.97
)
# Three bits: the second copies the first in 9 of 10 rows, the third is their exclusive or in 9 of
# 10.
STATES = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)], np.int32)
P = np.array([0.5 * (0.9 if a == b else 0.1) * (0.9 if c == a ^ b else 0.1) for a, b, c in STATES])
ENTROPY = -np.sum(P * np.log(P))


def bits(n: int, seed: int) -> Row:
    value = STATES[np.random.default_rng(seed).choice(8, n, p=P)]
    return (Cells(value, np.ones(value.shape, bool)),)


def untrained(forward) -> DiffusionModel:
    return DiffusionModel(
        forward,
        ResidualMLP(
            forward.n_features, forward.n_outputs, width=16, depth=1, key=jax.random.key(0)
        ),
    )


FORWARDS = {
    "absorbing": lambda: AbsorbingDiffusion(
        3,
        pad_log_probs(
            [[0.5, 0.5], [0.5, 0.5], [1 - P[STATES[:, 2] == 1].sum(), P[STATES[:, 2] == 1].sum()]]
        ),
    ),
    "binomial": lambda: binomial_diffusion(ErasureSchedule(8), [0.5] * 3, P @ STATES),
}


@pytest.fixture(scope="module", params=FORWARDS)
def fitted(request):
    forward, events = FORWARDS[request.param](), []
    return (
        forward,
        fit(untrained(forward), bits(2000, 0), bits(500, 1), CONFIG, callback=events.append),
        events,
    )


def exact_bound(model) -> float:
    """The mean of K under the true distribution, nats."""
    terms = evaluate_terms(
        model,
        (Cells(STATES, np.ones(STATES.shape, bool)),),
        repetitions=4000,
        key=jax.random.key(0),
        chunk=1 << 14,
    )
    return float(P @ terms.total.mean(1))


def test_fit_climbs_beyond_the_independent_model(fitted):
    forward, result, _ = fitted
    independent = -sum(-q * np.log(q) - (1 - q) * np.log(1 - q) for q in P @ STATES)
    before, after = exact_bound(untrained(forward)), exact_bound(result.model)
    assert abs(before - independent) < 0.05  # raw = 0 is the independent model
    assert after > independent + 0.5 * (-ENTROPY - independent)
    assert after < -ENTROPY + 0.05  # nothing beats the entropy; 0.05 is five standard errors


def test_fit_tells_its_progress(fitted):
    _, result, events = fitted
    assert [e.step for e in events] == [100, 200, 300]
    assert [h["step"] for h in result.history] == [100, 200, 300]
    assert result.valid_nats == max(h["valid_nats"] for h in result.history)
    assert result.history[-1]["train_nats"] > result.history[0]["train_nats"]
    assert all(e.max_steps == 300 and e.seconds_left >= 0 for e in events)


def test_fit_is_deterministic():
    config = dataclasses.replace(CONFIG, max_steps=20, evaluate_every=10)
    forward = FORWARDS["absorbing"]()
    model = DiffusionModel(
        forward,
        NETWORKS["residual-dropout"](forward.n_features, forward.n_outputs, jax.random.key(0)),
    )
    first, second = (fit(model, bits(100, 0), bits(50, 1), config) for _ in range(2))
    assert eqx.tree_equal(first.model, second.model)
    assert first.history == second.history
    other = fit(model, bits(100, 0), bits(50, 1), dataclasses.replace(config, seed=1))
    assert not eqx.tree_equal(first.model, other.model)


def test_fit_stops_early():
    """At a rate that moves nothing the first evaluation stays the best; two more, and it stops
    (with fewer rows than a batch)."""
    config = dataclasses.replace(
        CONFIG, learning_rate=1e-30, evaluate_every=1, patience=2, max_steps=1000
    )
    result = fit(untrained(FORWARDS["absorbing"]()), bits(3, 0), bits(1, 1), config)
    assert np.isfinite(result.valid_nats)
    assert [h["step"] for h in result.history] == [1, 2, 3]


def mixed_rows(n: int, column: int | None, value: float):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 3)).astype(np.float32)
    if column is not None:
        x[:, column] = value
    codes = rng.integers(0, 2, (n, 2)).astype(np.int32)
    return Cells(x, np.ones(x.shape, bool)), Cells(codes, np.ones(codes.shape, bool))


@pytest.mark.parametrize(
    ("column", "value"), [(0, 1e38), (2, 1e38), (1, np.inf), (1, np.nan), (2, 1e20)]
)
def test_a_column_beyond_the_finite_numbers_is_named(column, value):
    forward = ProductDiffusion(
        (
            GaussianDiffusion(cosine_schedule(5), 3),
            AbsorbingDiffusion(5, pad_log_probs([[0.5, 0.5], [0.5, 0.5]])),
        )
    )
    config = dataclasses.replace(CONFIG, max_steps=4, evaluate_every=2)
    names = ["length", "mass", "year", "sex", "site"]
    with pytest.raises(TrainingError, match=f"column '{names[column]}'") as caught:
        fit(
            untrained(forward),
            mixed_rows(40, column, value),
            mixed_rows(20, None, 0.0),
            config,
            column_names=names,
        )
    assert "To do:" in str(caught.value)


@pytest.mark.parametrize("name", KERNELS)
def test_network_and_learned_schedule_are_trained_and_nothing_else(name):
    model = model_of(process(name))
    trained = eqx.filter(model, trainable(model))
    paths = {jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(trained)}
    assert any(path.startswith(".network") for path in paths)
    assert all(path.startswith(".network") or ".schedule.raw_" in path for path in paths)
    assert any(".schedule.raw_" in path for path in paths) == ("learned" in name)
    n_network = len(jax.tree.leaves(eqx.filter(model.network, eqx.is_inexact_array)))
    assert sum(path.startswith(".network") for path in paths) == n_network


@pytest.mark.parametrize("name", ["gaussian-learned", "sigmoid-gaussian-learned"])
def test_a_schedule_that_is_fixed_stays(name):
    model = model_of(process(name))
    x = np.random.default_rng(0).standard_normal((40, model.forward.n_columns)).astype(np.float32)
    rows = (Cells(x, np.ones(x.shape, bool)),)
    fixed, free = (
        fit(model, rows, None, CONFIG, fixed_schedule=choice).model for choice in (True, False)
    )

    def moved(after, part):
        pairs = zip(
            jax.tree.leaves(getattr(model, part)),
            jax.tree.leaves(getattr(after, part)),
            strict=True,
        )
        return max(float(np.abs(np.asarray(a) - np.asarray(b)).max()) for a, b in pairs)

    assert moved(fixed, "forward") == 0
    assert moved(free, "forward") > 0
    assert min(moved(fixed, "network"), moved(free, "network")) > 0
