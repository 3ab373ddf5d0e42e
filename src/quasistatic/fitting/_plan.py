"""The trainings of a fit: how many are side by side, and how much is done."""

from quasistatic import workers
from quasistatic.threads import cores


def at_once() -> int:
    """How many trainings are side by side: as many as there are cores; one where several processes
    share each of them.
    """
    return cores() if workers.count() == 1 else 1


class Plan:
    """The trainings of a fit, counted beforehand as if none were given up, and how far each is."""

    def __init__(self) -> None:
        self._wanted, self._times = 1, 1
        self._done: dict[str, float] = {}

    def count(self, trainings: int, members: int, *, completed: bool) -> None:
        """Count the trainings, each of which is two where holes are completed, and the further
        members of the ensemble, which are one each.

        Args:
            trainings: number of trainings but for those members.
            members: number of networks of the ensemble.
            completed: whether holes are completed.
        """
        self._times = 1 + completed
        self._wanted = trainings * self._times + members - 1

    def give_up(self, trainings: int) -> None:
        """So many of them will not be."""
        self._wanted -= trainings * self._times

    def done(self, phase: str, share: float) -> float:
        """The share of all trainings that is done, at least, now that one of them is so far.

        Args:
            phase: name of the training.
            share: share of it that is done.
        """
        self._done[phase] = share
        # A list: another training may be told of meanwhile.
        return sum(list(self._done.values())) / max(self._wanted, len(self._done))
