"""The one thread in which the model is asked, and the queue before it.

JAX blocks while it computes, so nothing of it runs in the server's own loop. A question is an
iterator of answers, each better than the one before: every step of it goes through the queue by
itself, first answers before further ones, so a long question holds up the others for one step only.
What is done between questions (compiling, calibration) is an iterator too, and moves on when nobody
waits.
"""

import asyncio
import itertools
import logging
import queue
import threading
import time
import warnings
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Future
from contextlib import aclosing
from typing import Any, NamedTuple

from quasistatic.errors import QuasistaticError
from quasistatic.serve.limits import Limits, Refused

__all__ = ["Answer", "Desk", "Place", "is_at_work"]

_END = object()
_THREAD = "quasistatic-desk"


def is_at_work() -> bool:
    """Whether a desk's thread is still in a step of its work."""
    return any(thread.name == _THREAD for thread in threading.enumerate())


class Answer(NamedTuple):
    """One answer of a question.

    Args:
        value: what the question's iterator gave.
        notices: warnings that were given on the way.
    """

    value: Any
    notices: tuple[str, ...]


class Place:
    """A place of a question at the desk, until it is left.

    Args:
        desk: desk at which it is.
    """

    def __init__(self, desk: "Desk") -> None:
        self._desk, self._held = desk, True
        desk.open += 1

    def leave(self) -> None:
        """Make it free; once it is, nothing happens."""
        self._desk.open -= self._held
        self._held = False


class Desk:
    """A thread, its queue and its limits.

    Args:
        limits: number of questions at once, and their seconds.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits, self.open = limits, 0
        self._jobs: queue.PriorityQueue[Any] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._meanwhile: deque[Iterator[Any]] = deque()
        self._thread = threading.Thread(target=self._work, name=_THREAD, daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def close(self) -> None:
        """End after the step that is being done; what waits is not done."""
        self._meanwhile.clear()
        self._put(-1, None, None)

    def meanwhile(self, work: Iterator[Any]) -> None:
        """Do something, step by step, when nobody waits."""
        self._meanwhile.append(work)
        self._put(0, None, lambda: None)  # wakes the thread

    def place(self) -> Place:
        """A place for a question.

        Raises:
            Refused: too many questions wait (429).
        """
        if self.open >= self.limits.questions:
            raise Refused(
                429, f"{self.open} questions wait already", fix="ask again later", retry_after=1
            )
        return Place(self)

    async def improving(
        self, answers: Iterator[Any], place: Place | None = None
    ) -> AsyncGenerator[Answer, None]:
        """The answers of a question as they come.

        Args:
            answers: iterator that computes an answer in each step.
            place: its place, which is left at the end; None (default) takes one.

        Raises:
            Refused: too many questions wait (429), or the question took too long (503).
        """
        place = place or self.place()
        end = time.monotonic() + self.limits.seconds
        try:
            for step in itertools.count():
                future: Future[Any] = Future()
                self._put(min(step, 3), future, lambda: next(answers, _END))
                try:
                    async with asyncio.timeout(max(end - time.monotonic(), 0.0)):
                        answer = await asyncio.wrap_future(future)
                except TimeoutError:
                    raise Refused(
                        503,
                        f"no answer within {self.limits.seconds:g} s",
                        fix="ask for fewer rows, draws or particles, or again later",
                        retry_after=5,
                    ) from None
                if answer.value is _END:
                    return
                yield answer
        finally:
            place.leave()

    async def last(self, answers: Iterator[Any]) -> Answer:
        """The last, best answer of a question, with the notices of all.

        Args:
            answers: iterator that computes an answer in each step, at least one.

        Raises:
            Refused: as `improving`.
        """
        best, notices = None, {}
        async with aclosing(self.improving(answers)) as found:
            async for best in found:
                notices |= dict.fromkeys(best.notices)
        assert best is not None, "a question without an answer"
        return Answer(best.value, tuple(notices))

    def _put(self, place: int, future: Future[Any] | None, step: Callable[[], Any] | None) -> None:
        self._jobs.put((place, next(self._numbers), future, step))

    def _work(self) -> None:
        while True:
            try:
                _, _, future, step = self._jobs.get(block=not self._meanwhile)
            except queue.Empty:
                self._step_meanwhile()
                continue
            if step is None:
                return
            if future is None or not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(_heard(step))
            except BaseException as error:  # noqa: BLE001
                future.set_exception(error)

    def _step_meanwhile(self) -> None:
        try:
            if _heard(lambda: next(self._meanwhile[0], _END)).value is _END:
                self._meanwhile.popleft()
        except IndexError:  # `close` was quicker
            return
        except Exception as error:
            known = isinstance(error, QuasistaticError)
            log = logging.getLogger(__name__)
            log.error("work between questions ended: %s", error, exc_info=not known)
            self._meanwhile.popleft()


def _heard(step: Callable[[], Any]) -> Answer:
    """What a step gives, and the warnings on the way."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = step()
    texts = (str(one.message) for one in caught if issubclass(one.category, UserWarning))
    return Answer(value, tuple(dict.fromkeys(texts)))
