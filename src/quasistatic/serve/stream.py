"""Server-sent events: the parts of an answer as they come."""

import json
import logging
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import aclosing
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from quasistatic.errors import QuasistaticError
from quasistatic.serve.desk import Place
from quasistatic.serve.limits import Refused
from quasistatic.serve.service import Service

__all__ = ["Stream", "event"]


def event(kind: str, data: Any) -> bytes:
    r"""One event.

    Example:
        >>> event("done", {})
        b'event: done\ndata: {}\n\n'
    """
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()


class Stream(StreamingResponse):
    """The events of an answer. It has a place at the desk from the beginning: who finds none is
    told so by the status, before there is a stream.

    Args:
        service: service that is asked.
        question: what is asked, with all that the answer depends on; None for what is not
            remembered.
        steps: steps that compute the answer.
        drawn: function from a step to the HTML of its parts.
        defect: function from any error to what an asker is told of it.

    Raises:
        Refused: too many questions wait (429).
    """

    def __init__(
        self,
        service: Service,
        question: Hashable | None,
        steps: Iterator[Any],
        drawn: Callable[[Any], dict[str, str]],
        defect: Callable[[Exception], QuasistaticError],
    ) -> None:
        known = None if question is None else service.memory.answer(question)
        self._place = service.desk.place() if known is None else None
        body = (
            _events(service, question, steps, drawn, defect, self._place)
            if known is None
            else _remembered(service, known)
        )
        StreamingResponse.__init__(self, body, media_type="text/event-stream")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them; the place is left even if nothing of the stream was asked for."""
        try:
            await StreamingResponse.__call__(self, scope, receive, send)
        finally:
            if self._place is not None:
                self._place.leave()


async def _remembered(service: Service, known: bytes) -> AsyncIterator[bytes]:
    service.metrics.remembered += 1
    yield known
    yield event("done", {"remembered": True})


async def _events(
    service: Service,
    question: Hashable | None,
    steps: Iterator[Any],
    drawn: Callable[[Any], dict[str, str]],
    defect: Callable[[Exception], QuasistaticError],
    place: Place | None,
) -> AsyncIterator[bytes]:
    """`parts` (HTML by the id of its place) as often as the answer gets better, at last `done`;
    `refused` where it is not answered.
    """
    parts: dict[str, str] = {}
    try:
        async with aclosing(service.desk.improving(steps, place)) as answers:
            async for answer in answers:
                new = drawn(answer.value)
                if answer.notices:
                    new["notices"] = drawn(
                        {"notices": ("notices.html.jinja", {"notices": answer.notices})}
                    )["notices"]
                parts |= new
                if new:
                    yield event("parts", new)
    except Exception as error:
        told = defect(error)
        if isinstance(told, Refused) and told.status == 500:
            logging.getLogger(__name__).exception("a question failed")
        again = told.retry_after if isinstance(told, Refused) else None
        yield event("refused", {"what": told.what, "where": told.where, "fix": told.fix,
                                "again": again})  # fmt: skip
        return
    if question is not None and service.is_settled():
        service.memory.keep(question, event("parts", parts))
    yield event("done", {"remembered": False})
