"""One model at one desk: what all routes share."""

import asyncio
import itertools
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import numpy as np
import polars as pl

from quasistatic.serve.desk import Answer, Desk
from quasistatic.serve.limits import Limits
from quasistatic.serve.memory import Memory
from quasistatic.serve.metrics import Metrics
from quasistatic.serve.reference import Reference
from quasistatic.serve.row_answer import answers_of_row
from quasistatic.serve.subject import Subject

__all__ = ["Service"]


_JUDGED = 1000
"""Rows of the table whose cells are judged before anyone asks."""


class Service:
    """A model, the desk at which it is asked, and what it remembers.

    Args:
        subject: model and table.
        limits: limits on its questions.
    """

    def __init__(self, subject: Subject, limits: Limits) -> None:
        self.subject, self.limits = subject, limits
        self.desk, self.metrics = Desk(limits), Metrics()
        self.memory = Memory(limits.remembered_bytes)
        self.reference = Reference(subject)
        self._asked: dict[Hashable, asyncio.Task[bytes]] = {}

    def start(self, prepared: Iterator[Any] = iter(())) -> None:
        """Begin to work: what is usual is computed when nobody asks.

        Args:
            prepared: further steps to be done when nobody asks (default: none).
        """
        self.desk.start()
        for work in (self._prepared(), prepared, self._judged()):
            self.desk.meanwhile(work)

    def _prepared(self) -> Iterator[None]:
        """The programs of the first questions are compiled, and what is usual is computed."""
        steps = self.reference.made()
        yield next(steps)
        if self.subject.schema.layout is not None:  # no view has their cells one by one
            yield from steps
            return
        assert self.reference.table is not None, "its rows are its first step"
        row = self.reference.table.take(np.arange(1))
        holed = row.with_values(
            row.frame.with_columns(pl.lit(None, row.frame[n].dtype).alias(n) for n in row.names[1:])
        )
        for one in (row, holed) if len(row.names) > 1 else (row,):
            for _ in answers_of_row(self.reference, one):
                yield
        yield from itertools.islice(self._judged(), 1)  # a program of its own
        yield from steps

    def _judged(self) -> Iterator[None]:
        """The cells of the table, as far as that takes no hour."""
        scores = self.reference.scores
        tables = self.subject.schema.layout is None
        if scores is not None and tables and self.reference.judges_cells:
            yield from scores.judge(np.arange(min(len(scores.table), _JUDGED)))

    def close(self) -> None:
        """End after the step that is being done."""
        self.desk.close()

    async def answered(
        self, question: Hashable, steps: Iterator[Any], written: Callable[[Answer], bytes]
    ) -> bytes:
        """The answer to a question: remembered, or that of somebody who asks the same just now, or
        computed.

        Args:
            question: what is asked, with all that the answer depends on.
            steps: steps that compute it.
            written: function from the last answer to the bytes of the body.

        Raises:
            Refused: as `Desk.improving`.
        """
        known = self.memory.answer(question)
        if known is not None:
            self.metrics.remembered += 1
            return known
        task = self._asked.get(question)
        if task is None:
            task = asyncio.create_task(self._computed(question, steps, written))
            self._asked[question] = task
            task.add_done_callback(lambda done: self._asked.pop(question, None))
        return await asyncio.shield(task)

    async def _computed(
        self, question: Hashable, steps: Iterator[Any], written: Callable[[Answer], bytes]
    ) -> bytes:
        body = written(await self.desk.last(steps))
        self.memory.keep(question, body)
        return body

    def is_settled(self) -> bool:
        """Whether what is usual is known, so that an answer can get no better."""
        return self.reference.done >= 1.0

    def state(self) -> dict[str, Any]:
        """How far the model is, for `/healthz`."""
        return self.reference.state()

    def gauges(self) -> dict[str, float]:
        """Numbers of now, for `/metrics`."""
        return {
            "quasistatic_questions_open": self.desk.open,
            "quasistatic_calibrated": self.reference.done,
        }
