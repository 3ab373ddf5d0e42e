"""Cross-validation of candidates: which of them, with which schema, and for how many steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from quasistatic.data.schema import Schema
from quasistatic.fitting._candidates import Candidate
from quasistatic.fitting._folds import Folds
from quasistatic.fitting.training import Trained, Trainer

PLATEAU = 0.03
"""Share of its climb that a bound may have lost and still be on its plateau. Where it is flat, as
on completed rows, its highest value is chance, and the steps until the rate has fallen to its end
make the draws better all the same."""


class Trial(NamedTuple):
    """A cross-validated candidate.

    Args:
        candidate: candidate settings that are tried.
        number: number of the candidate, from 1.
        which: number of the schema.
        trained: the training on the rows as they are, of each fold.
        completed: the training on completed rows, of each fold (default: rows are not completed).
    """

    candidate: Candidate
    number: int
    which: int
    trained: list[Trained]
    completed: Sequence[Trained] = ()

    @property
    def curves(self) -> list[list[float]]:
        """Bounds on the held-out rows of each fold, one for each evaluation, nats per row: those
        that decide.
        """
        return [_bounds(trained) for trained in self.completed or self.trained]

    def reached(self, n_folds: int | None = None) -> float:
        """The highest mean over the first folds (default: all)."""
        return max(mean_curve(self.curves[:n_folds]))

    @property
    def step(self) -> int:
        """Steps of training to the highest mean; on completed rows to the end of the plateau, which
        is that of the cosine if the bound does not fall before.
        """
        if not self.completed:
            return self.first_step
        curve = np.array(mean_curve(self.curves))
        finite = curve[np.isfinite(curve)]  # a held-out row may be impossible for a while
        best = finite.max()
        on_plateau = np.flatnonzero(curve >= best - PLATEAU * (best - finite[0]))
        last = int(on_plateau[-1])
        return self.candidate.train.max_steps if last + 1 == len(curve) else self._step(last)

    @property
    def first_step(self) -> int:
        """Steps of the training on the rows as they are to the highest mean."""
        return self._step(int(np.argmax(mean_curve([_bounds(t) for t in self.trained]))))

    def _step(self, evaluation: int) -> int:
        train = self.candidate.train
        return min((evaluation + 1) * train.evaluate_every, train.max_steps)


def mean_curve(curves: list[list[float]]) -> list[float]:
    """Mean of the folds' curves; a fold that stopped early counts on with its last value."""
    longest = max(map(len, curves))
    padded = [curve + curve[-1:] * (longest - len(curve)) for curve in curves]
    return np.mean(padded, axis=0).tolist()


def _bounds(trained: Trained) -> list[float]:
    return [entry["valid_nats"] for entry in trained.result.history]


def best_trial(
    trainer: Trainer,
    options: list[Candidate],
    known: list[Schema],
    folds: Folds,
    rival: Sequence[float] = (),
    *,
    completed: bool = False,
) -> Trial | None:
    """Cross-validate the schemas with the first candidate, then the other candidates with the best
    schema; each is given up if it is behind on the first fold: on the same rows differences vary
    less than bounds. Trainings that do not wait for one another are side by side.

    Where rows are completed, only the best on the first fold is trained further: a second training
    takes several times as long as the first, and hardly changes which is best.

    Args:
        trainer: trainer of the candidates.
        options: candidate settings.
        known: schemas, with the atoms that the rows that are trained on know of.
        folds: parts of the rows, each of which is held out in turn.
        rival: held-out bounds of another model that has to be beaten, nats per row, one for each
            fold (default: none has). Trainings on completed rows are not judged by it here.
        completed: whether rows are completed (default False).

    Returns:
        The best one; None where all of them are behind the rival.
    """
    contest = _Contest(trainer, len(options), known, folds)

    def others_with(which: int) -> list[Trial]:
        return [Trial(other, number, which, []) for number, other in enumerate(options[1:], 2)]

    to_beat = rival[0] if rival else -np.inf
    # Of schemas that are one without the atoms that a fold does not know, the plainer one.
    told_apart = [i for i, schema in enumerate(known) if schema not in known[i + 1 :]]
    given_up = len(known) - len(told_apart)
    trainer.plan.give_up(given_up if completed else given_up * len(folds.rests))
    first = [Trial(options[0], 1, which, []) for which in told_apart]
    others = others_with(told_apart[0]) if len(told_apart) == 1 else []
    contest.train(first + others, range(1))
    whole = [] if completed else contest.ahead(first, to_beat)
    best = max(whole or first, key=Trial.reached)
    if not others:
        others = others_with(best.which)
        contest.train(others, range(1))
    if completed:
        return contest.completed(max(first + others, key=Trial.reached))
    whole += contest.ahead(others, max(to_beat, best.reached(1)) if whole else to_beat)
    return max(whole, key=Trial.reached, default=None)


@dataclass(frozen=True)
class _Contest:
    """What all trials share."""

    trainer: Trainer
    n_options: int
    known: list[Schema]
    folds: Folds

    def train(self, trials: list[Trial], which: range) -> None:
        """The trials on some of the folds."""
        wanted = [(trial, i) for trial in trials for i in which]
        tasks = [partial(self._on_fold, trial=trial, i=i) for trial, i in wanted]
        for (trial, _), trained in zip(wanted, self.trainer.side_by_side(tasks), strict=True):
            trial.trained.append(trained)

    def ahead(self, trials: list[Trial], bar: float) -> list[Trial]:
        """Those ahead of the bar on the first fold, trained on all of them."""
        found = [trial for trial in trials if trial.reached(1) > bar]
        n_folds = len(self.folds.rests)
        self.trainer.plan.give_up((len(trials) - len(found)) * (n_folds - 1))
        self.train(found, range(1, n_folds))
        return found

    def completed(self, trial: Trial) -> Trial:
        """A trial that is trained on the first fold, with the trainings on completed rows of all
        folds.
        """

        def on_fold(trainer: Trainer, i: int) -> tuple[Trained, Trained]:
            trained = self._on_fold(trainer, trial, i) if i else trial.trained[0]
            return trained, trainer.complete(trial.candidate, trained, self._phase(trial, i))

        tasks = [partial(on_fold, i=i) for i in range(len(self.folds.rests))]
        first, second = zip(*self.trainer.side_by_side(tasks), strict=True)
        return trial._replace(trained=list(first), completed=second)

    def _on_fold(self, trainer: Trainer, trial: Trial, i: int) -> Trained:
        rows = self.folds.rests[i], self.folds.held_out[i]
        schema = self.known[trial.which]
        return trainer.train(trial.candidate, schema, *rows, self._phase(trial, i))

    def _phase(self, trial: Trial, i: int) -> str:
        remark = ", fewer point masses" if trial.number == 1 and trial.which else ""
        of = f"candidate {trial.number} of {self.n_options}"
        return f"{of}{remark}, fold {i + 1} of {len(self.folds.rests)}"
