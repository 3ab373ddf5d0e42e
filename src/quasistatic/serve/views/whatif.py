"""The view of two rows beside each other: what changes, and by how much."""

import math
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from quasistatic.serve.reference import Reference
from quasistatic.serve.row_answer import RowAnswer, answers_of_row
from quasistatic.serve.views.controls import controls, row_of, texts_of
from quasistatic.serve.views.row import cell_parts, summary
from quasistatic.serve.views.view import CELL, Params, Parts, View, nats

__all__ = ["WHAT_IF"]

_OTHER = f"b{CELL}"
"""What the cells of the second row begin with."""


def _form(reference: Reference, params: Params) -> dict[str, Any]:
    subject = reference.subject
    first, second = texts_of(subject, params), texts_of(subject, params, _OTHER)
    if not any(second.values()):
        second = first
    pairs = zip(controls(subject, first), controls(subject, second, _OTHER), strict=True)
    return {"pairs": list(pairs)}


def _parts(reference: Reference, params: Params) -> Iterator[Parts]:
    subject = reference.subject
    rows = (row_of(subject, texts_of(subject, params, prefix)) for prefix in (CELL, _OTHER))
    first, second = None, None
    for one, other in zip_longest(*(answers_of_row(reference, row) for row in rows)):
        first, second = one or first, other or second
        assert first is not None, "there is an answer"
        assert second is not None, "there is an answer"
        yield (
            summary(reference, first, "answer-a")
            | summary(reference, second, "answer-b")
            | cell_parts(reference, first)
            | cell_parts(reference, second, _OTHER)
            | {"difference": ("difference.html.jinja", _difference(first, second))}
        )


def _difference(first: RowAnswer, second: RowAnswer) -> dict[str, Any]:
    """How much more likely the second row is; nothing where the two have other cells."""
    a, b = first.likelihood, second.likelihood
    if a is None or b is None or first.names != second.names:
        return {"comparable": False}
    more = float(b.lower[0] - a.lower[0])
    stderr = math.hypot(float(a.stderr[0]), float(b.stderr[0]))
    times = math.exp(min(abs(more), 46.0))
    return {
        "comparable": True,
        "nats": nats(more, stderr),
        "within": abs(more) <= 2 * stderr,
        "more": more > 0,
        "times": f"{times:.3g}"
        if times < 1000
        else f"{float(f'{times:.2g}'):,.0f}"
        if times < 1e9
        else f"{times:.0e}",
    }


WHAT_IF = View("/whatif", "What if", _form, _parts)
"""Two rows."""
