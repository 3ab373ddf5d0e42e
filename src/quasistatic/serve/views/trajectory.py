"""The view of the trajectory: a row destroyed and made again along t, and what each step costs."""

from collections.abc import Iterator
from typing import Any

from quasistatic.data.table import Table
from quasistatic.fitted.sampling import sample
from quasistatic.fitted.walk import walk_row
from quasistatic.serve.charts.walks import costs, way
from quasistatic.serve.reference import Reference
from quasistatic.serve.subject import cell_text
from quasistatic.serve.values import numbers_of
from quasistatic.serve.views.controls import controls, row_of, texts_of
from quasistatic.serve.views.view import CELL, Params, Parts, View, address, nats

__all__ = ["TRAJECTORY"]

_DRAWS = (64, 512)
"""Draws behind the costs, at first and at last."""
_SHOWN = 24


def _form(reference: Reference, params: Params) -> dict[str, Any]:
    texts, seed = texts_of(reference.subject, params), _seed(params)
    cells = {CELL + name: text for name, text in texts.items()}
    return {
        "controls": controls(reference.subject, texts),
        "seed": seed,
        "another": address("/trajectory", cells | {"seed": str(seed + 1)}),
        "steps": reference.subject.fitted.model.trajectory_length,
    }


def _seed(params: Params) -> int:
    text = params.get("seed", "0")
    return int(text) if text.isdecimal() and len(text) < 9 else 0


def _parts(reference: Reference, params: Params) -> Iterator[Parts]:
    subject = reference.subject
    texts = texts_of(subject, params)
    if not any(texts.values()):
        texts = _drawn_row(reference)
    row, key = row_of(subject, texts), subject.fitted.key(_seed(params))
    for draws in _DRAWS:
        found = walk_row(subject.fitted, row, draws, key=key)
        remade = {CELL + n: cell_text(found.remade[n][-1]) for n in found.remade.columns}
        columns = subject.fitted.codec.schema.columns[:_SHOWN]
        there, back = (Table(frame, "the row") for frame in (found.destroyed, found.remade))
        yield {
            "costs": (
                "costs.html.jinja",
                {
                    "svg": costs(found.nats, found.stderr),
                    "k": nats(found.k_nats, found.k_stderr),
                    "volume": nats(found.log_volume),
                    "draws": draws,
                    "steps": len(found.nats) - 1,
                },
            ),
            "ways": (
                "pictures.html.jinja",
                {
                    "pictures": [
                        {
                            "title": column.name,
                            "svg": way(numbers_of(there, column), numbers_of(back, column), column),
                            "caption": f"{_text(found.destroyed, column.name, 0)} → noise → "
                            f"{_text(found.remade, column.name, -1)}",
                        }
                        for column in columns
                    ]
                },
            ),
            "remade": ("remade.html.jinja", {"address": address("/row", remade)}),
        }


def _text(frame: Any, name: str, line: int) -> str:
    return cell_text(frame[name][line])


def _drawn_row(reference: Reference) -> dict[str, str]:
    """A row of the model, where none is given."""
    fitted = reference.subject.fitted
    cells = sample(fitted, 1, key=fitted.key(0)).frame.row(0, named=True)
    return {name: cell_text(value) for name, value in cells.items()}


TRAJECTORY = View("/trajectory", "Trajectory", _form, _parts, usual=lambda reference: {})
"""A row along t."""
