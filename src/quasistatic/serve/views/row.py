"""The view of one row: a control for each cell, and what the model says of them."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from quasistatic.data.layout import Layout, are_images
from quasistatic.data.schema import Column
from quasistatic.fitted.likelihood import Likelihood
from quasistatic.serve.charts.distributions import bars, cell_of_numbers
from quasistatic.serve.reference import Reference
from quasistatic.serve.row_answer import RowAnswer, Unknown, answers_of_row
from quasistatic.serve.subject import labels
from quasistatic.serve.views.controls import controls, row_of, texts_of
from quasistatic.serve.views.view import CELL, Params, Parts, View, address, nats, rarity

__all__ = ["ROW", "cell_parts", "summary"]


def _form(reference: Reference, params: Params) -> dict[str, Any]:
    subject = reference.subject
    texts = texts_of(subject, params)
    number = params.get("row", "")
    rows = 0 if subject.table is None else len(subject.table)
    place = int(number) if number.isdecimal() and rows else 0
    cells = {CELL + name: text for name, text in texts.items()}
    return {
        "controls": controls(subject, texts),
        "row": place,
        "rows": rows,
        "before": place - 1 if place > 1 else 0,
        "after": place + 1 if 0 < place < rows else 0,
        "what_if": address("/whatif", {f"b{key}": v for key, v in cells.items()} | cells),
        "trajectory": address("/trajectory", cells),
    }


def _parts(reference: Reference, params: Params) -> Iterator[Parts]:
    subject = reference.subject
    row = row_of(subject, texts_of(subject, params))
    for found in answers_of_row(reference, row):
        yield summary(reference, found) | cell_parts(reference, found)


_WORDS = {None: ("row", "cells"), "images": ("image", "pixels"), "sequence": ("sequence", "places")}
"""What a row is called, and what a cell."""


def summary(
    reference: Reference,
    found: RowAnswer,
    place: str = "answer",
    ranked: np.ndarray | None = None,
) -> Parts:
    """The likelihood of a row, in words.

    Args:
        reference: model, and what is usual.
        found: what is known of the row.
        place: id of its place in the page (default "answer").
        ranked: log p that is compared with the model's own, nats `[1]`; None (default) is that of
            the answer.
    """
    told, layout = found.likelihood, reference.subject.schema.layout
    if told is None:
        return {place: ("nothing.html.jinja", {})}
    lower, stderr = float(told.lower[0]), float(told.stderr[0])
    rank = found.rank
    if found.whole:
        rank = reference.ranks(told.lower if ranked is None else ranked)
    thing, cells = _WORDS[None if layout is None else layout.kind]
    a_place = layout.shape[0] if are_images(layout) else 1
    return {
        place: (
            "likelihood.html.jinja",
            {
                "whole": found.whole,
                "thing": thing,
                "cells": cells,
                "known": len(found.names) // a_place,
                "columns": len(reference.subject.schema.columns) // a_place,
                "unit": None if layout is None else layout.bits_unit,
                "bits": _bits(layout, told) if found.whole else "",
                "lower": nats(lower, stderr),
                "upper": None
                if told.upper is None or told.stderr_upper is None
                else nats(float(told.upper[0]), float(told.stderr_upper[0])),
                "ess": f"{float(told.ess[0]):.0f}" if math.isfinite(told.ess[0]) else "",
                "trajectories": told.trajectories,
                "measure": told.base_measure,
                "percent": None if rank is None else f"{100 * float(rank.share[0]):.0f}",
                "percent_error": None if rank is None else f"{100 * float(rank.stderr[0]):.0f}",
                "waiting": rank is None and (found.whole or layout is None),
                "round": found.round,
                "rounds": found.rounds,
            },
        )
    }


def _bits(layout: Layout | None, told: Likelihood) -> str:
    """Both sides in bits, where rows are images or sequences."""
    if layout is None:
        return ""
    sides = (told.lower,) if told.upper is None else (told.lower, told.upper)
    return " to ".join(f"{layout.bits(float(side[0])):.4g}" for side in sides)


def cell_parts(reference: Reference, found: RowAnswer, prefix: str = CELL) -> Parts:
    """What is said beside each control.

    Args:
        reference: model, and what is usual.
        found: what is known of the row.
        prefix: what the ids of the controls begin with (default `CELL`).
    """
    parts: Parts = {}
    for number, column in enumerate(reference.subject.schema.columns):
        place = f"{prefix.rstrip('.')}{number}-told"
        if found.unknown is not None and column.name in found.unknown:
            parts[place] = ("unknown.html.jinja", _of_unknown(column, found.unknown[column.name]))
        elif found.cells is not None:
            told = _of_cell(reference, found, column)
            if told is not None:
                parts[place] = ("cell.html.jinja", told)
    return parts


def _of_unknown(column: Column, drawn: Unknown) -> dict[str, Any]:
    if column.is_discrete:
        counts = np.bincount(drawn.value.astype(int), minlength=len(column.categories))
        told = bars(counts / len(drawn.value), labels(column), column.name)
    else:
        told = cell_of_numbers(drawn.value, column)
    return {
        "svg": told.svg,
        "mode": told.mode,
        "interval": told.interval,
        "numbers": not column.is_discrete,
        "ess": f"{drawn.ess:.0f}",
    }


def _of_cell(reference: Reference, found: RowAnswer, column: Column) -> dict[str, Any] | None:
    assert found.cells is not None
    if column.name not in found.cells.names:
        return None
    j = found.cells.names.index(column.name)
    log_p, stderr = float(found.cells.log_p[0, j]), float(found.cells.stderr[0, j])
    if math.isnan(log_p):
        return None
    surprises = reference.surprises(found.cells.log_p)
    surprise = None if surprises is None else float(surprises[0, j])
    return {
        "log_p": nats(log_p, stderr),
        "surprise": None if surprise is None or math.isnan(surprise) else rarity(surprise),
        "done": f"{100 * reference.done:.0f}",
    }


ROW = View("/row", "Row", _form, _parts)
"""One row."""
