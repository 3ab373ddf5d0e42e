"""Tasks side by side: their order, their words, and what a failure ends."""

import threading
import time

import pytest

from quasistatic import threads
from quasistatic.threads import Stopped, side_by_side

PATIENCE = 30.0
"""Seconds that something is waited for that must happen."""


@pytest.mark.parametrize("at_once", [None, 1, 2, 5])
def test_results_in_the_order_of_the_tasks_and_words_in_the_thread_that_called(at_once):
    def task(tell, number):
        time.sleep(0.02 * (3 - number))
        tell(number)
        return 10 * number

    heard = []
    found = side_by_side(
        [lambda tell, i=i: task(tell, i) for i in range(3)],
        lambda word: heard.append((word, threading.current_thread())),
        at_once=at_once,
    )
    assert found == [0, 10, 20]
    assert sorted(word for word, _ in heard) == [0, 1, 2]
    assert {thread for _, thread in heard} == {threading.current_thread()}
    assert side_by_side([], at_once=at_once) == []


def test_tasks_are_at_once():
    """Each waits for the other: one after the other they never end."""
    met = threading.Barrier(2)
    assert sorted(side_by_side([lambda tell: met.wait(PATIENCE)] * 2, at_once=2)) == [0, 1]


@pytest.mark.parametrize("fails", ["task", "tell"])
def test_the_first_failure_stops_the_others(fails):
    stopped, ended = [], threading.Event()

    def first(tell):
        tell("a word")
        if fails == "task":
            raise KeyError("first")

    def second(tell):
        begin = time.monotonic()
        try:
            while time.monotonic() - begin < PATIENCE:
                tell("more")
                time.sleep(0.005)
        except Stopped:
            stopped.append(True)
            raise
        finally:
            ended.set()

    def hear(word):
        if fails == "tell" and word == "a word":
            raise KeyError("hear")

    with pytest.raises(KeyError, match="first" if fails == "task" else "hear"):
        side_by_side([second, first], hear, at_once=2)
    assert ended.is_set()
    assert stopped == [True]


def test_a_task_that_was_not_begun_never_is(monkeypatch):
    """Two at once, both fail at once; eight wait for their turn."""
    monkeypatch.setattr(threads, "cores", lambda: 2)
    met, begun = threading.Barrier(2), []

    def fail(tell):
        met.wait(PATIENCE)
        raise KeyError("both")

    def later(tell):
        begun.append(True)
        time.sleep(0.1)
        tell("never heard")

    with pytest.raises(KeyError, match="both"):
        side_by_side([fail, fail, *[later] * 8])
    assert len(begun) < 8
