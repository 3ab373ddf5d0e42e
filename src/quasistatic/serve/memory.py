"""Answers to questions that were asked before: every question names its seed, so the same question
has the same answer.
"""

from collections import OrderedDict
from collections.abc import Hashable

__all__ = ["Memory"]


class Memory:
    """Answers by question, those not asked for longest forgotten first.

    Args:
        most_bytes: bytes of answers that are kept.

    Example:
        >>> memory = Memory(most_bytes=3)
        >>> memory.keep("a", b"12"), memory.keep("b", b"3"), memory.keep("c", b"4")
        (None, None, None)
        >>> memory.answer("a"), memory.answer("c")
        (None, b'4')
    """

    def __init__(self, most_bytes: int) -> None:
        self._most, self._size = most_bytes, 0
        self._answers: OrderedDict[Hashable, bytes] = OrderedDict()

    def answer(self, question: Hashable) -> bytes | None:
        """The answer to a question, None where there is none."""
        found = self._answers.get(question)
        if found is not None:
            self._answers.move_to_end(question)
        return found

    def keep(self, question: Hashable, answer: bytes) -> None:
        """Remember an answer.

        Args:
            question: what was asked.
            answer: answer to it; one that is larger than all that may be kept is not kept.
        """
        if len(answer) > self._most:
            return
        self._size += len(answer) - len(self._answers.pop(question, b""))
        self._answers[question] = answer
        while self._size > self._most:
            self._size -= len(self._answers.popitem(last=False)[1])
