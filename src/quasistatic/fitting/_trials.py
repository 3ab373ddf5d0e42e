"""Cross-validation of candidates: which of them, with which schema, and for how many steps."""

from collections.abc import Iterable
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
    trainer: Trainer, options: list[Candidate], known: list[Schema], folds: Folds
) -> Trial:
    """Cross-validate the schemas with the first candidate, then the other candidates with the best
    schema; each is given up if it is behind after half of the folds.

    Args:
        trainer: trainer of the candidates.
        options: candidate settings.
        known: schemas, with the atoms that the rows that are trained on know of.
        folds: parts of the rows, each of which is held out in turn.
    """
    n_folds = len(folds.rests)

    def judge(trial: Trial, number: int, which: Iterable[int], remark: str = "") -> None:
        for i in which:
            phase = f"candidate {number} of {len(options)}{remark}, fold {i + 1} of {n_folds}"
            trained = trainer.train(
                trial.candidate, known[trial.which], folds.rests[i], folds.held_out[i], phase
            )
            trial.curves.append([entry["valid_nats"] for entry in trained.result.history])

    # Of schemas that are one without the atoms that a fold does not know, the plainer one.
    told_apart = [i for i, schema in enumerate(known) if schema not in known[i + 1 :]]
    trials = [Trial(options[0], which, []) for which in told_apart]
    for first in trials:
        judge(first, 1, range(n_folds), ", fewer point masses" if first.which else "")
    best = max(trials, key=Trial.reached)
    half = max(n_folds // 2, 1)
    for number, candidate in enumerate(options[1:], start=2):
        other = Trial(candidate, best.which, [])
        judge(other, number, range(half))
        if other.reached() > best.reached(half):
            judge(other, number, range(half, n_folds))
            best = max(best, other, key=Trial.reached)
    return best
