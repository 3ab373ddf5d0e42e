"""Tasks side by side, and items ahead of their turn: their order, their words, and what a failure
ends."""

import threading
import time

import pytest

from quasistatic import threads
from quasistatic.threads import Stopped, ahead, side_by_side

PATIENCE = 30.0
"""Seconds that something is waited for that must happen."""


@pytest.fixture(params=[1, 2, 5])
def many(request, monkeypatch):
    """Number of cores."""
    monkeypatch.setattr(threads, "cores", lambda: request.param)
    return request.param


@pytest.fixture
def two(monkeypatch):
    """Two cores."""
    monkeypatch.setattr(threads, "cores", lambda: 2)


@pytest.mark.usefixtures("many")
def test_results_in_the_order_of_the_tasks_and_words_in_the_thread_that_called():
    def task(tell, number):
        time.sleep(0.02 * (3 - number))
        tell(number)
        return 10 * number

    heard = []
    found = side_by_side(
        [lambda tell, i=i: task(tell, i) for i in range(3)],
        lambda word: heard.append((word, threading.current_thread())),
    )
    assert found == [0, 10, 20]
    assert sorted(word for word, _ in heard) == [0, 1, 2]
    assert {thread for _, thread in heard} == {threading.current_thread()}
    assert side_by_side([]) == []


@pytest.mark.usefixtures("two")
def test_tasks_are_at_once():
    """Each waits for the other: one after the other they never end."""
    met = threading.Barrier(2)
    assert sorted(side_by_side([lambda tell: met.wait(PATIENCE)] * 2)) == [0, 1]


@pytest.mark.usefixtures("two")
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
        side_by_side([second, first], hear)
    assert ended.is_set()
    assert stopped == [True]


@pytest.mark.usefixtures("two")
def test_a_task_that_was_not_begun_never_is():
    """Two at once, both fail at once; eight wait for their turn."""
    met, begun = threading.Barrier(2), []

    def fail(tell):
        met.wait(PATIENCE)
        raise KeyError("both")

    def later(tell):
        begun.append(True)
        begin = time.monotonic()
        while time.monotonic() - begin < PATIENCE:
            tell("until it is stopped")
            time.sleep(0.005)

    with pytest.raises(KeyError, match="both"):
        side_by_side([fail, fail, *[later] * 8])
    assert len(begun) <= 2


def test_what_is_computed_ahead_comes_in_order(many):
    """And no more is begun than there are cores for."""
    begun, given = [], 0

    def double(item):
        begun.append(item)
        time.sleep(0.02 * (item % 2))
        return 2 * item

    for given, found in enumerate(ahead(double, range(9)), start=1):
        assert found == 2 * (given - 1)
        assert len(begun) <= given + min(many, threads.MOST_AHEAD)
    assert given == len(begun) == 9


@pytest.mark.usefixtures("two")
def test_items_are_computed_at_once():
    met = threading.Barrier(2)
    assert sorted(ahead(lambda item: met.wait(PATIENCE), range(2))) == [0, 1]


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("leaves", [True, False], ids=["who asks leaves", "an item fails"])
def test_nothing_is_begun_any_more(leaves):
    begun = []

    def item_of(number):
        begun.append(number)
        if number == 1 and not leaves:
            raise KeyError("one")
        return number

    found = ahead(item_of, range(100))
    assert next(found) == 0
    if leaves:
        found.close()
    else:
        with pytest.raises(KeyError, match="one"):
            next(found)
    assert len(begun) < 20
