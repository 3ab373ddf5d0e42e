"""Cross-validation of candidates: which folds are trained, which candidate is kept, and for how
many steps."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from quasistatic.data.columns.alternatives import Schemas
from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.table import from_frame
from quasistatic.fitting import FitSettings
from quasistatic.fitting._candidates import candidates
from quasistatic.fitting._folds import Folds
from quasistatic.fitting.selection import cross_validated
from quasistatic.fitting.training import Rows, Trained, Trainer
from quasistatic.train import FitResult

FOLDS = 4
FIRST = [[-3.0, -2.0, -2.5]] * FOLDS  # -2 after the second evaluation


@pytest.fixture
def judged(monkeypatch):
    """Held-out curves per candidate and fold, those on completed rows where rows are -> (bound,
    candidate number, stop_step, what was trained, sorted: trainings are side by side)."""

    def of(*curves, rival=(), completed=None):
        phases = []

        def complete(trainer, candidate, first, phase):
            phases.append(f"{phase}, completed")
            if phase == "all rows":
                return first
            history = [{"valid_nats": v} for v in completed[int(phase.split()[-3]) - 1]]
            return Trained(FitResult(None, 0.0, history), first.rows)

        def train(trainer, candidate, schema, train_index, valid_index, phase):
            if valid_index is None:
                phases.append(f"{phase}, {candidate.train.stop_step} steps" if completed else phase)
                history = [{"step": 0, "train_nats": 0.0, "valid_nats": 0.0}] * 9
            else:
                phases.append(phase)
                number, fold = int(phase.split()[1]) - 1, int(phase.split()[-3]) - 1
                history = [{"valid_nats": v} for v in curves[number][fold]]
            return Trained(FitResult(None, 0.0, history), Rows(None, None, None))

        monkeypatch.setattr(Trainer, "train", train)
        monkeypatch.setattr(Trainer, "complete", complete)
        monkeypatch.setattr(
            Trainer, "with_members", lambda trainer, candidate, first, phase: first.result
        )
        table = from_frame(pl.DataFrame({"x": np.random.default_rng(0).normal(size=40)}))
        schema = infer_schema(table)
        some = candidates(40, schema, FitSettings(), completed=completed is not None)[0]
        options = [
            replace(some, model=replace(some.model, width=i + 1)) for i in range(len(curves))
        ]
        trainer = Trainer(table, "affine", "")
        kept = cross_validated(
            trainer,
            options,
            Schemas((schema,)),
            Folds.of(40, 0),
            rival,
            completed=completed is not None,
        )
        if kept is None:
            return None, sorted(phases)
        chosen = kept.candidate
        return kept.result.valid_nats, chosen.model.width, chosen.train.stop_step, sorted(phases)

    return of


def folds(number, which, of):
    return [f"candidate {number} of {of}, fold {i} of {FOLDS}" for i in which]


def test_one_candidate(judged):
    bound, number, steps, phases = judged(FIRST)
    assert (bound, number, steps) == (-2.0, 1, 200)
    assert phases == ["all rows", *folds(1, [1, 2, 3, 4], 1)]


def test_given_up_on_the_first_fold(judged):
    """Ahead on the other folds, which are not looked at; a tie is for the first."""
    behind = [[-2.1], [9.0], [9.0], [9.0]]
    tie = [[-2.0]] * FOLDS
    bound, number, _, phases = judged(FIRST, behind, tie)
    assert (bound, number) == (-2.0, 1)
    expected = [*folds(1, [1, 2, 3, 4], 3), *folds(2, [1], 3), *folds(3, [1], 3)]
    assert phases == ["all rows", *expected]


def test_ahead_on_the_first_fold_and_behind_in_the_end(judged):
    early = [[-1.0], [-1.0], [-4.0], [-4.0]]
    bound, number, _, phases = judged(FIRST, early)
    assert (bound, number) == (-2.0, 1)
    assert phases == ["all rows", *folds(1, [1, 2, 3, 4], 2), *folds(2, [1, 2, 3, 4], 2)]


def test_the_best_of_those_that_went_on(judged):
    """Those ahead of the first on its first fold; the mean curve decides on the steps."""
    second = [[-1.5, -1.4], [-1.5, -1.4], [-1.5, -1.8], [-1.5, -1.8]]
    third = [[-1.0, -1.0, -1.0]] * 2 + [[-1.0, -1.0, -0.6]] * 2
    bound, number, steps, phases = judged(FIRST, second, third)
    assert (bound, number, steps) == (pytest.approx(-0.8), 3, 300)
    assert len(phases) == 3 * FOLDS + 1


def test_a_fold_that_stopped_early_counts_on(judged):
    bound, _, steps, _ = judged([[-2.0], [-2.0, -1.0], [-2.0, -1.0], [-2.0, -1.0]])
    assert (bound, steps) == (-1.25, 200)


def test_a_rival_ends_what_is_behind_it_on_the_first_fold(judged):
    """Each candidate by itself, on the folds that it was trained on."""
    ahead = [[-1.5], [-1.4], [-1.0], [-1.0]]
    rival = (-1.6, -1.6, 0.0, 0.0)
    bound, number, _, phases = judged(FIRST, ahead, rival=rival)
    assert (bound, number) == (pytest.approx(-1.225), 2)
    assert phases == ["all rows", *folds(1, [1], 2), *folds(2, [1, 2, 3, 4], 2)]
    kept, phases = judged(FIRST, FIRST, rival=(-1.0,) * FOLDS)
    assert kept is None
    assert phases == [*folds(1, [1], 2), *folds(2, [1], 2)]


def test_of_completed_rows_the_best_on_the_first_fold_goes_on(judged):
    """Its second trainings decide on the bound, the first ones on their own steps."""
    best = [[-1.5, -1.8]] * FOLDS
    second = [[-1.0, -0.9, -0.8]] * FOLDS
    bound, number, steps, phases = judged(FIRST, best, completed=second)
    assert (bound, number, steps) == (pytest.approx(-0.8), 2, 2000)  # the whole cosine
    trained = folds(2, [1, 2, 3, 4], 2)
    last = ["all rows, 100 steps", "all rows, completed"]
    completed = [f"{phase}, completed" for phase in trained]
    assert phases == sorted([*folds(1, [1], 2), *trained, *completed, *last])


def test_completed_rows_are_behind_a_mixture_by_evidence(judged, monkeypatch):
    """Where the bound is behind, which need not be that of log p."""
    second = [[-1.0, -0.9, -0.8]] * FOLDS
    found = []

    def evidence(trained, seed):
        found.append(seed)
        return -0.75

    monkeypatch.setattr(Trained, "evidence_nats", evidence)
    assert judged(FIRST, completed=second, rival=(-0.85,) * FOLDS)[0] == pytest.approx(-0.8)
    assert not found
    assert judged(FIRST, completed=second, rival=(-0.78,) * FOLDS)[0] == pytest.approx(-0.8)
    assert found == [0] * FOLDS
    kept, phases = judged(FIRST, completed=second, rival=(-0.7,) * FOLDS)
    assert kept is None
    assert not any(phase.startswith("all rows") for phase in phases)


@pytest.mark.parametrize(
    ("second", "steps"),
    [
        ([-2.0, -1.0, -1.02], 2000),  # a plateau that it ends on
        ([-2.0, -1.0, -1.02, -1.1], 300),  # one that it leaves
        ([-2.0, -1.0, -1.1], 200),
        ([-np.inf, -2.0, -1.0, -1.1], 300),
    ],
)
def test_steps_on_completed_rows_are_those_to_the_end_of_the_plateau(second, steps, judged):
    assert judged(FIRST, completed=[second] * FOLDS)[2] == steps


def test_few_folds_where_they_hold_enough_rows():
    folds = Folds.of(42, 0)
    assert folds.words == "4-fold cross-validation"
    assert [len(folds.first(n).rests) for n in (1, 10, 11, 40, 41)] == [1, 1, 2, 4, 4]
    assert folds.first(15).words == "20 rows, in 2 parts"
    assert folds.first(3).words == "10 rows, not trained on"
