"""Server-sent events: the parts of an answer as they come."""

import json
import logging
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import aclosing
from typing import Any

from quasistatic.errors import QuasistaticError
from quasistatic.serve.limits import Refused
from quasistatic.serve.service import Service

__all__ = ["event", "events"]


def event(kind: str, data: Any) -> bytes:
    r"""One event.

    Example:
        >>> event("done", {})
        b'event: done\ndata: {}\n\n'
    """
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()


async def events(
    service: Service,
    question: Hashable | None,
    steps: Iterator[Any],
    drawn: Callable[[Any], dict[str, str]],
    defect: Callable[[Exception], QuasistaticError],
) -> AsyncIterator[bytes]:
    """The events of an answer: `parts` (HTML by the id of its place) as often as it gets better, at
    last `done`; `refused` where it is not answered. An answer that is remembered comes at once.

    Args:
        service: service that is asked.
        question: what is asked, with all that the answer depends on; None for what is not
            remembered.
        steps: steps that compute the answer.
        drawn: function from a step to the HTML of its parts.
        defect: function from any error to what an asker is told of it.
    """
    known = None if question is None else service.memory.answer(question)
    if known is not None:
        service.metrics.remembered += 1
        yield known
        yield event("done", {"remembered": True})
        return
    parts: dict[str, str] = {}
    try:
        async with aclosing(service.desk.improving(steps)) as answers:
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
