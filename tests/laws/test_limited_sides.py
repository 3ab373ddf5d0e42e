"""lower <= log p <= upper where the model holds limits: K, importance weights, the posterior's
trajectories and the chain against quadrature, for densities, cells and the fillers of point masses.

Means are compared by z-tests with a false-alarm rate of 1e-6 (`statistics.py`); fixed seeds."""

from typing import Any, NamedTuple

import jax
import numpy as np
import pytest

from cases import UNEVEN
from laws.enumeration import Chain
from laws.models import model_of
from laws.statistics import assert_mean, assert_mean_at_most
from quasistatic.bound import evaluate_log_weights, evaluate_terms
from quasistatic.bound.isir import chain_bracket
from quasistatic.bound.upper import bidirectional, evaluate_posterior_log_weights
from quasistatic.data.cells import Cells
from quasistatic.forward import (
    AbsorbingDiffusion,
    ErasureSchedule,
    GaussianDiffusion,
    ProductDiffusion,
)
from quasistatic.forward.categorical import pad_log_probs
from quasistatic.trajectory import generate_rows

LOW, HIGH, WIDTH = -0.4, 0.8, 0.2
"""Limits of the number, and the width of its cells: six lie between them."""
ROWS, TRAJECTORIES = 384, 32
DENSITIES, CELLS, FILLERS = (slice(i, i + 128) for i in (0, 128, 256))


class Answers(NamedTuple):
    chain: Chain
    log_p: np.ndarray  # [ROWS], exact
    k: np.ndarray | None  # [ROWS, 8], draws of K; of a mixture they are log w
    forward: np.ndarray  # [ROWS, TRAJECTORIES], log w
    posterior: np.ndarray  # [ROWS], log w


@pytest.fixture(scope="module", params=[1, 2], ids=["product", "mixture"])
def answers(request) -> Answers:
    """Rows of a random model of a limited number and a state; its first third are densities, then
    come cells, and rows whose number is at a point mass."""
    forward = ProductDiffusion(
        (
            GaussianDiffusion(ErasureSchedule(4), 1, 0, [[LOW], [HIGH]]),
            AbsorbingDiffusion(4, pad_log_probs(UNEVEN[:1])),
        )
    )
    model = model_of(forward, scale=0.2, components=request.param)
    chain, key = Chain(model), jax.random.key(7)
    generated = generate_rows(model, ROWS, key=key)
    x, state = (np.asarray(part) for part in generated.x_0)
    width, filler = np.zeros_like(x), np.zeros(x.shape, bool)
    width[CELLS], filler[FILLERS] = WIDTH, True
    middle = (np.floor((x - LOW) / WIDTH) + 0.5) * WIDTH + LOW
    value = np.where(width > 0, middle, x).astype(np.float32)
    rows: Any = (
        Cells(value, np.ones(x.shape, bool), width, filler),
        Cells(state, np.ones(state.shape, bool)),
    )
    many = {"key": key, "identity": np.arange(ROWS), "chunk": 1 << 12}
    return Answers(
        chain,
        chain.log_prob((value, state), np.where(filler, 100.0, width)),
        None if model.start else evaluate_terms(model, rows, repetitions=8, **many).total,
        evaluate_log_weights(model, rows, trajectories=TRAJECTORIES, **many),
        evaluate_posterior_log_weights(model, rows, generated),
    )


def test_the_cells_between_the_limits_have_all_the_mass(answers):
    x, states = np.meshgrid(np.arange(LOW + WIDTH / 2, HIGH, WIDTH), [0, 1])
    value, states = x.reshape(-1, 1), states.reshape(-1, 1).astype(np.int32)
    assert len(value) == 12
    total = np.exp(answers.chain.log_prob((value, states), WIDTH)).sum()
    assert total == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("kind", [DENSITIES, CELLS, FILLERS], ids=["density", "cell", "filler"])
def test_lower_exact_upper(answers, kind):
    log_p, forward, posterior = (a[kind] for a in (answers.log_p, *answers[3:]))
    assert_mean(np.exp(forward - log_p[:, None]).ravel()[None], 1.0, tolerance=3e-3)
    assert_mean(np.exp(log_p - posterior)[None], 1.0, tolerance=3e-3)
    if answers.k is not None:  # K and the mean of log w have one expectation
        k = answers.k[kind].mean(axis=1)
        assert_mean((k - forward.mean(axis=1))[None], 0.0, tolerance=3e-3)
        assert_mean_at_most((k - log_p)[None], 0.0, tolerance=3e-3)
    bracket = bidirectional(forward[:, :8], posterior)
    assert_mean_at_most((bracket.lower - log_p)[None], 0.0, tolerance=3e-3)
    assert_mean_at_most((log_p - bracket.upper)[None], 0.0, tolerance=3e-3)
    assert bracket.gap[0] > 0
    later = chain_bracket(forward, sweeps=3)
    assert_mean_at_most((log_p - later.upper)[None], 0.0, tolerance=2e-2)
