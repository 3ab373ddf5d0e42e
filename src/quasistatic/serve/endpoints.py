"""The endpoints: for each question its path, its declarations and the function that answers it."""

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from quasistatic.records import Misfit, check, parse_json
from quasistatic.serve import declared, questions
from quasistatic.serve.desk import Answer
from quasistatic.serve.document import Described
from quasistatic.serve.limits import Refused
from quasistatic.serve.reference import Reference
from quasistatic.serve.subject import plain

__all__ = ["ABOUT", "ENDPOINTS", "Endpoint", "asked_of", "written"]

ABOUT = Described("/api/schema", declared.Nothing, declared.AboutModel)
"""What is asked with GET."""


class Endpoint(NamedTuple):
    """One question of the service.

    Args:
        described: path and declarations.
        question: function from what is usual and the question to the steps of its answer.
    """

    described: Described
    question: Callable[[Reference, Any], Iterator[Any]]

    @property
    def path(self) -> str:
        """Path of the endpoint."""
        return self.described.path


ENDPOINTS = (
    Endpoint(Described("/api/score", declared.Score, declared.Scored), questions.score),
    Endpoint(Described("/api/sample", declared.Sample, declared.Sampled), questions.some),
    Endpoint(Described("/api/impute", declared.Impute, declared.Imputed), questions.fill),
    Endpoint(
        Described("/api/condition", declared.Condition, declared.Conditioned), questions.condition
    ),
    Endpoint(Described("/api/explain", declared.Explain, declared.Explained), questions.explain),
)
"""What is asked with POST."""


def asked_of(endpoint: Endpoint, body: bytes) -> Any:
    """The question of a body.

    Args:
        endpoint: endpoint that was asked.
        body: body of the request.

    Raises:
        Refused: it is no JSON, or not as declared.
    """
    asks = endpoint.described.asks
    try:
        data = parse_json(body)
        check(asks, data)
    except Misfit as error:
        raise Refused(400, str(error), fix="see /openapi.json") from error
    return asks(**data)


def written(answer: Answer) -> bytes:
    """The body of an answer."""
    whole = plain(answer.value) | {"notices": list(answer.notices)}
    return json.dumps(whole, ensure_ascii=False, allow_nan=False).encode()
