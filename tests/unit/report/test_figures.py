"""What the figures say: Crooks' check, the corridor's sides, the ledger and the training curve at
their edges."""

import jax.numpy as jnp
import numpy as np
import pytest

from quasistatic.forward import (
    AbsorbingDiffusion,
    CategoricalDiffusion,
    ErasureSchedule,
    GaussianDiffusion,
    binomial_diffusion,
    linear_schedule,
)
from quasistatic.forward.categorical import pad_log_probs
from quasistatic.report.figures._corridor import draw_corridors, upper_side
from quasistatic.report.figures._dependence import SHOWN, draw_matrices
from quasistatic.report.figures._ledger import draw_ledger
from quasistatic.report.figures._sandwich import draw_gaps, draw_scores
from quasistatic.report.figures._training import training_curve
from quasistatic.report.figures._work import draw_crooks, draw_work, reversal_odds
from quasistatic.thermodynamics.crooks import matched_slope
from quasistatic.thermodynamics.work import Work


def gaussian_work(rng, reverse_scale=1.0, n=3000, trajectories=12, spread=1.5):
    """F: W ~ N(m, s^2) and R: W ~ N(m - s^2, s^2), each row with an m of its own, keep Crooks'
    relation exactly."""
    middle = rng.normal(20, 5, n)
    forward = rng.normal(middle[:, None], spread, (n, trajectories))
    return Work(forward, rng.normal(middle - spread**2 * reverse_scale, spread))


def test_reversal_odds_hold_where_crooks_relation_does(rng):
    """7 groups of nearly normal counts, each within 5.5 standard errors: a false-alarm rate of 7 *
    4e-8 = 3e-7."""
    predicted, found, stderr = reversal_odds(gaussian_work(rng))
    assert len(predicted) == 7
    assert np.all(np.abs(found - predicted) < 5.5 * stderr)
    assert predicted[-1] > 10 * predicted[0]


def test_reversal_odds_notice_a_wrong_weight(rng):
    predicted, found, stderr = reversal_odds(gaussian_work(rng, reverse_scale=1.3))
    assert np.max(np.abs(found - predicted) / stderr) > 7


def test_the_groups_of_reversal_odds_are_all_trajectories(rng):
    work = gaussian_work(rng, n=40, trajectories=5)
    predicted, found, _ = reversal_odds(work)
    assert len(predicted) < 7  # few rows make few groups
    predicted, found, _ = reversal_odds(Work(work.forward[:2], work.reverse[:2]))
    assert predicted[0] == pytest.approx(1 / 6)
    assert found[0] == pytest.approx(1 / 6)


def test_pictures_of_work_that_does_not_vary():
    work = Work(np.full((3, 4), 2.0), np.full(3, 2.0))
    assert "unknown" in draw_crooks(work, matched_slope(work.forward, work.reverse)).caption
    assert draw_work(work).svg.startswith("<svg")


def test_the_upper_side_of_the_corridor_is_drawn_where_it_holds():
    T = 5
    even = pad_log_probs([np.ones(3), np.ones(2)])
    uneven = pad_log_probs([np.array([0.2, 0.3, 0.5]), np.ones(2)])
    assert upper_side(AbsorbingDiffusion(T, even)) == "absorbing"
    assert upper_side(CategoricalDiffusion(ErasureSchedule(T), even, uneven)) == ""
    assert upper_side(CategoricalDiffusion(ErasureSchedule(T), uneven, uneven)) == "uneven"
    assert upper_side(binomial_diffusion(ErasureSchedule(T), m=[0.5, 0.5])) == ""
    assert upper_side(binomial_diffusion(ErasureSchedule(T), m=[0.5, 0.2])) == "uneven"
    assert upper_side(GaussianDiffusion(linear_schedule(T), 2)) == ""
    assert jnp.allclose(jnp.exp(even).sum(axis=1), 1.0)


def test_corridors_of_a_mixed_model(findings):
    numbers, states = draw_corridors(findings.ledger, findings.density.model_.forward)
    assert ">corridor<" in numbers.svg
    assert "The upper side is" in numbers.caption
    assert ">corridor<" not in states.svg
    assert "No upper side is drawn" in states.caption


def test_a_first_step_that_towers_over_the_others_is_told_in_the_title(findings):
    ledger = findings.ledger
    mean = ledger.steps.cost.mean.copy()
    mean[0] = 100 * np.abs(mean[1:]).max()
    steps = ledger.steps._replace(cost=ledger.steps.cost._replace(mean=mean))
    picture = draw_ledger(type(ledger)(steps, *list(vars(ledger).values())[1:]))
    assert f"(t = 1: {mean[0]:.4g})" in picture.svg


def test_training_curves():
    history = [
        {"step": s, "train_nats": -9.0 + s, "valid_nats": v}
        for s, v in ((1, -9.0), (2, -7.5), (3, -8.0))
    ]
    assert "-7.500 at step 2" in training_curve(history).caption
    assert training_curve([]) is None
    unknown = float("nan")
    assert training_curve([{"step": 1, "train_nats": unknown, "valid_nats": unknown}]) is None
    assert training_curve([{"step": 1, "train_nats": -1.0, "valid_nats": unknown}]).svg.startswith(
        "<svg"
    )


def test_matrices_are_capped(rng):
    from quasistatic.report._association import Association

    values = rng.random((30, 30))
    found = Association(tuple(f"$c_{i}$" for i in range(30)), values, values, 8)
    real, sampled = draw_matrices(found)
    assert f"$c_{SHOWN - 1}$ {SHOWN}" in real.svg
    assert f"$c_{SHOWN}$" not in real.svg
    assert (real.title, sampled.title) == ("Real rows", "Sampled rows")


def test_histograms_of_one_value():
    assert draw_gaps(np.zeros(3), None).svg.startswith("<svg")
    assert draw_scores(np.full(3, -1.0), np.full(1, -1.0)).svg.startswith("<svg")


def test_a_long_trajectory_makes_no_large_picture(findings):
    ledger, T = findings.ledger, 1000
    stretch = lambda x: np.resize(np.asarray(x), (T + 1, *np.shape(x)[1:]))  # noqa: E731
    entries = {
        name: getattr(ledger.steps, name)._replace(
            mean=stretch(getattr(ledger.steps, name).mean), stderr=np.ones(T + 1)
        )
        for name in ("cost", "work", "dissipation")
    }
    corridor = type(ledger.steps.corridor)(*(stretch(x)[:T] for x in ledger.steps.corridor))
    long = type(ledger)(
        ledger.steps._replace(**entries, corridor=corridor), *list(vars(ledger).values())[1:]
    )
    assert len(draw_ledger(long).svg) < 150_000
