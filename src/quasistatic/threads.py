"""Tasks side by side in threads of this process: a program of little arithmetic is as fast on one
core as on two, and while it runs, Python is free.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event
from typing import Any, TypeVar

__all__ = ["MOST_AHEAD", "Stopped", "ahead", "cores", "side_by_side"]

_S = TypeVar("_S")
_T = TypeVar("_T")

MOST_AHEAD = 4
"""Items that are computed at once, at most, by `ahead`: so many of them are in memory."""


class Stopped(Exception):
    """What a task is stopped by at its next word, after another task has failed."""


def cores() -> int:
    """Number of processor cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


def side_by_side(
    tasks: Sequence[Callable[[Callable[[Any], None]], _T]],
    tell: Callable[[Any], None] = lambda word: None,
) -> list[_T]:
    """What every task returns, in the order of the tasks; there are as many at once as cores.

    The first failure, also one of `tell`, ends all: tasks that have not begun never do, the others
    are stopped at their next word, and it is raised when none is left.

    Args:
        tasks: functions of a function that they give their words to, of any kind.
        tell: function that is given all words, in the thread that called (default: nobody is told).

    Raises:
        Exception: the first failure.

    Example:
        >>> said = []
        >>> side_by_side([lambda tell: tell("a"), lambda tell: 2], said.append), said
        ([None, 2], ['a'])
    """
    at_once = min(len(tasks), cores())
    if at_once <= 1:
        return [task(tell) for task in tasks]
    heard: SimpleQueue[tuple[Any, Future[_T] | None]] = SimpleQueue()
    stop = Event()

    def word(what: Any) -> None:
        if stop.is_set():
            raise Stopped
        heard.put((what, None))

    with ThreadPoolExecutor(at_once) as pool:
        futures = [pool.submit(task, word) for task in tasks]
        for future in futures:
            future.add_done_callback(lambda ended: heard.put((None, ended)))
        try:
            left = len(futures)
            while left:
                what, ended = heard.get()
                if ended is None:
                    tell(what)
                else:
                    ended.result()
                    left -= 1
        except BaseException:
            # In this order: a thread that is stopped finds nothing else to begin.
            pool.shutdown(wait=False, cancel_futures=True)
            stop.set()
            raise
    return [future.result() for future in futures]


def ahead(function: Callable[[_S], _T], items: Iterable[_S]) -> Iterator[_T]:
    """What the function returns of every item, in order; of the next items, as many as there are
    cores (`MOST_AHEAD` at most), it is computed in the meantime.

    Args:
        function: function of an item.
        items: items.

    Raises:
        Exception: what the function raised; items that had not begun never do.

    Example:
        >>> list(ahead(abs, [-1, 2, -3]))
        [1, 2, 3]
    """
    at_once, waiting = min(cores(), MOST_AHEAD), deque[Future[_T]]()
    with ThreadPoolExecutor(at_once) as pool:
        try:
            for item in items:
                if len(waiting) == at_once:
                    yield waiting.popleft().result()
                waiting.append(pool.submit(function, item))
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
