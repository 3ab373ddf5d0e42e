"""Cross-validation of candidates: which of them, with which schema, and for how many steps."""

from collections.abc import Sequence
from functools import partial
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
        number: number of the candidate, from 1.
        which: number of the schema.
        curves: bounds on the held-out rows of each fold, one for each evaluation, nats per row.
    """

    candidate: Candidate
    number: int
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
    less than bounds. Trainings that do not wait for one another are side by side.

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

    def on_fold(trainer: Trainer, trial: Trial, i: int) -> list[float]:
        remark = ", fewer point masses" if trial.number == 1 and trial.which else ""
        of = f"candidate {trial.number} of {len(options)}"
        phase = f"{of}{remark}, fold {i + 1} of {n_folds}"
        rows = folds.rests[i], folds.held_out[i]
        trained = trainer.train(trial.candidate, known[trial.which], *rows, phase)
        return [entry["valid_nats"] for entry in trained.result.history]

    def train(trials: list[Trial], which: range) -> None:
        """The trials on some of the folds."""
        wanted = [(trial, i) for trial in trials for i in which]
        found = trainer.side_by_side([partial(on_fold, trial=trial, i=i) for trial, i in wanted])
        for (trial, _), curve in zip(wanted, found, strict=True):
            trial.curves.append(curve)

    def ahead(trials: list[Trial], bar: float) -> list[Trial]:
        """Those ahead of the bar on the first fold, trained on all of them."""
        found = [trial for trial in trials if trial.reached(1) > bar]
        trainer.plan.give_up((len(trials) - len(found)) * (n_folds - 1))
        train(found, range(1, n_folds))
        return found

    def others_with(which: int) -> list[Trial]:
        return [Trial(other, number, which, []) for number, other in enumerate(options[1:], 2)]

    to_beat = rival[0] if rival else -np.inf
    # Of schemas that are one without the atoms that a fold does not know, the plainer one.
    told_apart = [i for i, schema in enumerate(known) if schema not in known[i + 1 :]]
    trainer.plan.give_up((len(known) - len(told_apart)) * n_folds)
    first = [Trial(options[0], 1, which, []) for which in told_apart]
    others = others_with(told_apart[0]) if len(told_apart) == 1 else []
    train(first + others, range(1))
    whole = ahead(first, to_beat)
    best = max(whole or first, key=Trial.reached)
    if not others:
        others = others_with(best.which)
        train(others, range(1))
    whole += ahead(others, max(to_beat, best.reached(1)) if whole else to_beat)
    return max(whole, key=Trial.reached, default=None)
