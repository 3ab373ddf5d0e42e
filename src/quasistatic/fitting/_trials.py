"""Cross-validation of candidates: which of them, with which schema, and for how many steps."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from quasistatic.data.schema import Schema
from quasistatic.fitting._candidates import Candidate
from quasistatic.fitting._folds import Folds
from quasistatic.fitting.training import Trainer


class Trial(NamedTuple):
    """A cross-validated candidate.

    Args:
        candidate: candidate settings that are tried.
        which: number of the schema.
        curves: bounds on the held-out rows of each fold, one for each evaluation, nats per row.
    """

    candidate: Candidate
    which: int
    curves: list[list[float]]

    def curve(self, n_folds: int | None = None) -> list[float]:
        """Mean over the first folds (default: all); a fold that stopped early counts on with its
        last value.
        """
        curves = self.curves[:n_folds]
        longest = max(map(len, curves))
        padded = [curve + curve[-1:] * (longest - len(curve)) for curve in curves]
        return np.mean(padded, axis=0).tolist()

    def reached(self, n_folds: int | None = None) -> float:
        """The highest mean over the first folds (default: all)."""
        return max(self.curve(n_folds))

    @property
    def step(self) -> int:
        """Steps of training to the highest mean."""
        train = self.candidate.train
        return min((int(np.argmax(self.curve())) + 1) * train.evaluate_every, train.max_steps)


def best_trial(
    trainer: Trainer,
    options: list[Candidate],
    known: list[Schema],
    folds: Folds,
    rival: Sequence[float] = (),
) -> Trial | None:
    """Cross-validate the schemas with the first candidate, then the other candidates with the best
    schema; each is given up if it is behind on the first fold: on the same rows differences vary
    less than bounds.

    Args:
        trainer: trainer of the candidates.
        options: candidate settings.
        known: schemas, with the atoms that the rows that are trained on know of.
        folds: parts of the rows, each of which is held out in turn.
        rival: held-out bounds of another model that has to be beaten, nats per row, one for each
            fold (default: none has).

    Returns:
        The best one; None where all of them are behind the rival.
    """
    n_folds = len(folds.rests)

    def judge(trial: Trial, number: int, which: Iterable[int]) -> None:
        remark = ", fewer point masses" if number == 1 and trial.which else ""
        for i in which:
            phase = f"candidate {number} of {len(options)}{remark}, fold {i + 1} of {n_folds}"
            trained = trainer.train(
                trial.candidate, known[trial.which], folds.rests[i], folds.held_out[i], phase
            )
            trial.curves.append([entry["valid_nats"] for entry in trained.result.history])

    def goes_on(trial: Trial, number: int, bar: float) -> bool:
        """Whether it is ahead of the bar on the first fold; the others are trained then."""
        judge(trial, number, range(1))
        ahead = trial.reached() > bar
        if ahead:
            judge(trial, number, range(1, n_folds))
        return ahead

    to_beat = rival[0] if rival else -np.inf
    # Of schemas that are one without the atoms that a fold does not know, the plainer one.
    told_apart = [i for i, schema in enumerate(known) if schema not in known[i + 1 :]]
    trials = [Trial(options[0], which, []) for which in told_apart]
    whole = [trial for trial in trials if goes_on(trial, 1, to_beat)]
    which = max(whole or trials, key=Trial.reached).which
    for number, candidate in enumerate(options[1:], start=2):
        best = max(whole, key=Trial.reached, default=None)
        bar = to_beat if best is None else max(to_beat, best.reached(1))
        if goes_on(other := Trial(candidate, which, []), number, bar):
            whole.append(other)
    return max(whole, key=Trial.reached, default=None)
