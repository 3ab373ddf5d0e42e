"""The trainings of a fit: how many are side by side, and how much is done."""

from quasistatic import workers
from quasistatic.threads import cores


def at_once() -> int:
    """How many trainings are side by side: as many as there are cores; one where several processes
    share each of them.
    """
    return cores() if workers.count() == 1 else 1


def groups(trials: int, n_folds: int | None, members: int, *, completed: bool) -> list[int]:
    """Numbers of trainings that may be side by side, one group after the other, as if no trial were
    given up: on the first fold, on the others, on all rows, of the further members.

    Where rows are completed one trial alone goes on after the first fold, and its trainings are
    two.

    Args:
        trials: number of trials: of candidates, and of schemas with the first of them.
        n_folds: number of folds; None where the rows are split once, and the best training is kept.
        members: number of networks of the ensemble.
        completed: whether holes are completed.
    """
    if n_folds is None:
        first = [trials, trials] if completed else [trials]
    elif completed:
        first = [trials, n_folds - 1, n_folds, 1, 1]
    else:
        first = [trials, trials * (n_folds - 1), 1]
    return [*first, members - 1]


class Plan:
    """The trainings of a fit, counted beforehand as if none were given up, and how far each is."""

    def __init__(self) -> None:
        self._wanted = 1
        self._done: dict[str, float] = {}

    def count(self, trainings: int) -> None:
        """So many trainings there will be."""
        self._wanted = trainings

    def give_up(self, trainings: int) -> None:
        """So many of them will not be."""
        self._wanted -= trainings

    def done(self, phase: str, share: float) -> float:
        """The share of all trainings that is done, at least, now that one of them is so far.

        Args:
            phase: name of the training.
            share: share of it that is done.
        """
        self._done[phase] = share
        # A list: another training may be told of meanwhile.
        return sum(list(self._done.values())) / max(self._wanted, len(self._done))
