"""Processes of one machine that share what they make of a table on the disk."""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["ALONE", "Sharing"]


@dataclass(frozen=True)
class Sharing:
    """Who this process is among those that read the same table, and how they meet.

    Args:
        rank: number of this process, from 0 (default 0).
        count: number of the processes (default 1).
        meet: function from the words of this process to those of the first one, which every process
            calls as often as the others, and which ends when all have called it.
    """

    rank: int = 0
    count: int = 1
    meet: Callable[[str], str] = str

    def has(self, number: int) -> bool:
        """Whether a piece is this process's.

        Args:
            number: number of the piece, from 0.
        """
        return number % self.count == self.rank


ALONE = Sharing()
"""A process that shares with none."""
