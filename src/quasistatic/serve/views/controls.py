"""The form of a row: one control for each column, and from an address to the row that it holds."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from quasistatic.data.schema import Column
from quasistatic.data.table import Table
from quasistatic.errors import DataError
from quasistatic.serve.subject import Subject, cell_text, labels, values_of
from quasistatic.serve.values import numbers_of
from quasistatic.serve.views.view import CELL, Params

__all__ = ["Control", "controls", "row_of", "texts_of"]

_LIST = 400
"""Categories of a column that are listed; more are typed."""


class Control(NamedTuple):
    """One control.

    Args:
        id: id of its place in the page.
        name: name of its parameter.
        column: name of the column.
        kind: kind of the control, "list", "number", "date" or "text".
        value: what is set, empty for unknown.
        options: categories of a list.
        low: left end of the slider, None where there is none.
        high: right end of the slider.
        step: step of the slider.
        detail: what there is to know of the column, in few words.
    """

    id: str
    name: str
    column: str
    kind: str
    value: str
    options: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    step: float | None = None
    detail: str = ""


def texts_of(subject: Subject, params: Params, prefix: str = CELL) -> dict[str, str]:
    """The cells of an address by column, as texts; empty where they are unknown.

    Args:
        subject: model and table.
        params: parameters; `row` names a row of the table, counted from 1, that cells begin with.
        prefix: what the parameters of cells begin with.

    Raises:
        DataError: there is no such row.
    """
    names = subject.schema.names
    texts = dict.fromkeys(names, "")
    given = {n: params[prefix + n].strip() for n in names if prefix + n in params}
    number = params.get("row", "") if prefix == CELL else ""
    if number and subject.table is not None:
        if not (number.isdecimal() and 1 <= int(number[:18]) <= len(subject.table)):
            raise DataError(
                f"there is no row {number[:20]!r}", where=subject.table_name,
                fix=f"give one from 1 to {len(subject.table)}",
            )  # fmt: skip
        frame = subject.table.frame.row(int(number) - 1, named=True)
        texts = {name: cell_text(frame[name]) for name in names}
    return texts | given


def row_of(subject: Subject, texts: Mapping[str, str]) -> Table:
    """The row that texts stand for, as a table of one row.

    Args:
        subject: model and table.
        texts: cells by column, as `texts_of` gives them.

    Raises:
        DataError: a text that is no number.
    """
    cells = {c.name: _value(c, texts[c.name]) for c in subject.schema.columns if texts[c.name]}
    return subject.table_of([cells])


def _value(column: Column, text: str) -> Any:
    if column.is_discrete:
        known = labels(column)
        if text not in known:
            return text  # the codec says what is wrong with it
        return values_of(column)[known.index(text)]
    if column.is_temporal:
        return text
    try:
        return float(text.replace(",", "."))
    except ValueError:
        where = f"column {column.name!r}"
        raise DataError(f"{text[:40]!r} is no number", where=where, fix="write 12.5") from None


def controls(subject: Subject, texts: Mapping[str, str], prefix: str = CELL) -> list[Control]:
    """The controls of a row.

    Args:
        subject: model and table.
        texts: cells by column.
        prefix: what the parameters of cells begin with (default `CELL`).
    """
    found = []
    for number, column in enumerate(subject.schema.columns):
        own = f"{prefix.rstrip('.')}{number}", prefix + column.name, column.name
        value = texts[column.name]
        if column.is_discrete and len(column.categories) <= _LIST:
            found.append(Control(*own, "list", value, labels(column), detail="one of these"))
        elif column.is_discrete:
            found.append(Control(*own, "text", value, detail=f"{len(column.categories)} values"))
        elif column.is_temporal:
            kind = "date" if pl.Date == _dtype(column) else "text"
            found.append(Control(*own, kind, value, detail=column.kind))
        else:
            found.append(_slider(subject, column, Control(*own, "number", value)))
    return found


def _dtype(column: Column) -> Any:
    return pl.Date if column.kind == "datetime" and column.unit in ("d", "mon") else None


def _slider(subject: Subject, column: Column, control: Control) -> Control:
    """The control with the range of the column's own values."""
    ends = _ends(subject, column)
    if ends is None or not ends[1] > ends[0]:
        return control
    low, high = ends
    step = column.step
    if step is None:
        step = float(f"{(high - low) / 200:.0e}")
        low, high = np.floor(low / step) * step, np.ceil(high / step) * step
    detail = f"{cell_text(_rounded(low))} to {cell_text(_rounded(high))}"
    low, high = _rounded(low), _rounded(high)
    return control._replace(low=low, high=high, step=_rounded(step), detail=detail)


def _rounded(value: float) -> float:
    return float(f"{value:.12g}")


def _ends(subject: Subject, column: Column) -> tuple[float, float] | None:
    """The smallest and the largest value of the table; without one, where 0.999 of the model's
    probability lies.
    """
    if subject.table is not None:
        found = numbers_of(subject.table, column)
        if np.isnan(found).all():
            return None
        ends = np.array([np.nanmin(found), np.nanmax(found)])
    else:
        codec = subject.fitted.codec
        transforms = dict(zip(codec.continuous_names, codec.transforms, strict=True))
        if column.name not in transforms:
            return None
        ends = transforms[column.name].inverse(np.array([-3.3, 3.3]))
        ends = np.rint(ends) if column.has_lattice else ends
    if column.has_lattice:
        ends = column.offset + ends * (column.step or 1.0)
    return float(ends[0]), float(ends[1])
