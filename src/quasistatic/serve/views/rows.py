"""The view of the table: its rows, the most unusual first, and the column to blame."""

import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from quasistatic.fitted.given import rows_that_meet
from quasistatic.serve.reference import Reference
from quasistatic.serve.subject import cell_text
from quasistatic.serve.table_scores import TableScores
from quasistatic.serve.views.view import (
    Params,
    Parts,
    View,
    address,
    example,
    nats,
    rarity,
    split_given,
)

__all__ = ["ROWS"]

_PAGE, _SHOWN = 25, 12
"""Rows of a page, and columns of them."""
_SECONDS = 40.0
"""Seconds after which an answer ends with what is judged by then."""
_STEPS = 6
_ORDERS = {
    "cell": "their oddest cell",
    "row": "log p of the row",
    "table": "their place in the table",
}


def _form(reference: Reference, params: Params) -> dict[str, Any]:
    assert reference.subject.table is not None
    return {
        "given": params.get("given", ""),
        "order": _order(reference, params),
        "orders": _ORDERS,
        "rows": len(reference.subject.table),
        "page": _page(params),
        "example": example(reference),
    }


def _order(reference: Reference, params: Params) -> str:
    default = "cell" if reference.judges_cells else "row"
    order = params.get("order", default)
    return order if order in _ORDERS else default


def _page(params: Params) -> int:
    text = params.get("page", "1")
    return max(int(text), 1) if text.isdecimal() and len(text) < 9 else 1


def _parts(reference: Reference, params: Params) -> Iterator[Parts]:
    subject, scores = reference.subject, reference.scores
    assert scores is not None, "the view needs a table"
    order = _order(reference, params)
    met = rows_that_meet(scores.table, subject.schema, subject.conditions(split_given(params)))
    index = np.flatnonzero(met)
    end = time.monotonic() + _SECONDS
    for _ in scores.score(index):
        if time.monotonic() > end:
            break
        yield {}
    yield _table(reference, scores, index, params, order)
    if not reference.judges_cells:
        return
    # All rows are judged where that decides which are shown.
    judged = index if order == "cell" else _ordered(reference, scores, index, order)[_slice(params)]
    for step, _ in enumerate(scores.judge(judged)):
        if time.monotonic() > end:
            break
        yield _table(reference, scores, index, params, order) if step % _STEPS == 0 else {}
    yield _table(reference, scores, index, params, order)


def _slice(params: Params) -> slice:
    begin = (_page(params) - 1) * _PAGE
    return slice(begin, begin + _PAGE)


def _ordered(
    reference: Reference, scores: TableScores, index: np.ndarray, order: str
) -> np.ndarray:
    """Rows in an order; those that are not judged yet come last, the less likely first."""
    if order == "table":
        return index
    surprises = _surprises(reference, scores, index) if order == "cell" else None
    if surprises is None:
        return index[np.argsort(scores.log_p[index], kind="stable")]
    worst = np.max(np.nan_to_num(surprises, nan=0.0), axis=1)
    return index[np.lexsort((scores.log_p[index], -worst))]


def _surprises(reference: Reference, scores: TableScores, index: np.ndarray) -> np.ndarray | None:
    """Surprises of cells, NaN where they are not judged yet; None before the calibration."""
    return reference.surprises(scores.cells[index])


def _table(
    reference: Reference, scores: TableScores, index: np.ndarray, params: Params, order: str
) -> Parts:
    subject = reference.subject
    ordered = _ordered(reference, scores, index, order)
    page, pages = _page(params), max(-(-len(index) // _PAGE), 1)
    shown = ordered[_slice(params)]
    surprises = _surprises(reference, scores, shown)
    ranks = reference.ranks(scores.log_p[shown])
    names = subject.schema.names[:_SHOWN]
    lines = []
    for place, number in enumerate(shown):
        cells = scores.table.frame.row(int(number), named=True)
        blame = None
        if surprises is not None and not np.isnan(surprises[place]).all():
            blame = int(np.nanargmax(surprises[place]))
        log_p = float(scores.log_p[number])
        known = ranks is not None and bool(scores.whole[number]) and not math.isnan(log_p)
        lines.append(
            {
                "number": int(number) + 1,
                "blame": None if blame is None else scores.names[blame],
                "rarity": None
                if blame is None or surprises is None
                else rarity(float(surprises[place, blame])),
                "log_p": "" if math.isnan(log_p) else nats(log_p),
                "percent": f"{100 * float(ranks.share[place]):.0f} %" if known and ranks else "",
                "cells": [(name, cell_text(cells[name])) for name in names],
            }
        )
    judged = int(np.count_nonzero(scores.judged[index]))
    scored = int(np.count_nonzero(~np.isnan(scores.log_p[index])))
    return {
        "rows-told": (
            "rows.html.jinja",
            {
                "lines": lines,
                "names": names,
                "rest": max(len(subject.schema.names) - _SHOWN, 0),
                "found": len(index),
                "judged": judged,
                "scored": scored,
                "calibrated": reference.tails is not None or not reference.judges_cells,
                "waits": order == "cell" and judged < len(index),
                "done": math.floor(100 * reference.done),
                "page": page,
                "pages": pages,
                "before": address("/rows", {**params, "page": str(page - 1)}) if page > 1 else "",
                "after": address("/rows", {**params, "page": str(page + 1)})
                if page < pages
                else "",
            },
        )
    }


ROWS = View("/rows", "Rows", _form, _parts, needs_table=True, remembered=False)
"""The table."""
