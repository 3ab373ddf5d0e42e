"""One thread, a bounded queue: who is first, who is turned away, and what is not computed."""

import asyncio
import threading
import time
import warnings
from contextlib import aclosing

import pytest

from quasistatic.serve.desk import Desk
from quasistatic.serve.limits import Limits, Refused


def at_desk(ask, **limits):
    """What `await ask(desk)` gives."""
    desk = Desk(Limits(**limits))
    desk.start()
    try:
        return asyncio.run(ask(desk))
    finally:
        desk.close()


def test_answers_get_better_and_notices_are_told():
    def steps():
        yield 1
        warnings.warn("far", UserWarning, stacklevel=1)
        yield 2

    async def ask(desk):
        return await desk.last(steps())

    value, notices = at_desk(ask)
    assert (value, notices) == (2, ("far",))


def test_a_first_answer_goes_before_further_ones():
    order, begun, go = [], threading.Event(), threading.Event()

    def long():
        for number in range(5):
            if number == 0:
                begun.set()
                assert go.wait(10)
            order.append(f"long {number}")
            yield number

    def short():
        order.append("short")
        yield 0

    async def ask(desk):
        first = asyncio.create_task(desk.last(long()))
        await asyncio.to_thread(begun.wait, 10)
        second = asyncio.create_task(desk.last(short()))
        await asyncio.sleep(0.05)
        go.set()
        await asyncio.gather(first, second)

    at_desk(ask)
    assert order.index("short") == 1


def test_too_many_questions_are_turned_away_and_places_become_free():
    go = threading.Event()

    def wait():
        assert go.wait(10)
        yield 0

    async def ask(desk):
        first = asyncio.create_task(desk.last(wait()))
        await asyncio.sleep(0.05)
        with pytest.raises(Refused) as refused:
            await desk.last(iter([1]))
        go.set()
        await first
        return refused.value, await desk.last(iter([2])), desk.open

    refused, answer, left_open = at_desk(ask, questions=1)
    assert (refused.status, refused.retry_after) == (429, 1)
    assert answer.value == 2
    assert left_open == 0


def test_a_place_is_left_once():
    desk = Desk(Limits(questions=1))
    place = desk.place()
    with pytest.raises(Refused, match="wait already"):
        desk.place()
    place.leave()
    place.leave()
    assert desk.open == 0


def test_a_question_that_is_given_up_is_not_computed():
    done = []

    def steps():
        for number in range(100):
            done.append(number)
            time.sleep(0.01)
            yield number

    async def ask(desk):
        async with aclosing(desk.improving(steps())) as answers:
            async for _ in answers:
                break
        await asyncio.sleep(0.1)
        return desk.open

    assert at_desk(ask) == 0
    assert len(done) <= 2


def test_a_question_that_takes_too_long_is_ended():
    def steps():
        for number in range(1000):
            time.sleep(0.01)
            yield number

    async def ask(desk):
        with pytest.raises(Refused) as refused:
            await desk.last(steps())
        return refused.value

    assert at_desk(ask, seconds=0.1).status == 503


def test_what_goes_wrong_is_the_askers_and_the_desk_works_on():
    def steps():
        yield 1
        raise KeyError("gone")

    async def ask(desk):
        with pytest.raises(KeyError):
            await desk.last(steps())
        return await desk.last(iter([3]))

    assert at_desk(ask).value == 3


def test_work_between_questions_is_done_when_nobody_waits():
    done = threading.Event()

    def work():
        yield
        done.set()

    async def ask(desk):
        desk.meanwhile(iter(work()))
        assert (await desk.last(iter([1]))).value == 1
        return await asyncio.to_thread(done.wait, 10)

    assert at_desk(ask)
