"""The view of columns and pairs: real rows against sampled ones, given a condition."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from quasistatic.data.schema import Column
from quasistatic.data.table import Table
from quasistatic.fitted.given import rows_that_meet
from quasistatic.fitted.sampling import sample
from quasistatic.serve.charts.distributions import compared_bars, compared_numbers
from quasistatic.serve.charts.pairs import Axis, scatter
from quasistatic.serve.reference import Reference
from quasistatic.serve.subject import labels
from quasistatic.serve.values import numbers_of
from quasistatic.serve.views.view import Params, Parts, View, example, nats, split_given

__all__ = ["COLUMNS"]

_DRAWN = (128, 512)
"""Rows that are sampled, at first and at last."""
_SHOWN = 24
_MOST_POINTS = 600


def _form(reference: Reference, params: Params) -> dict[str, Any]:
    names = reference.subject.schema.names
    x, y = _pair(reference, params)
    return {
        "given": params.get("given", ""),
        "example": example(reference),
        "names": names,
        "x": x,
        "y": y,
        "shown": min(len(names), _SHOWN),
        "real": reference.subject.table is not None,
    }


def _pair(reference: Reference, params: Params) -> tuple[str, str]:
    """The two columns that are drawn against each other: at first two of numbers."""
    columns = reference.subject.schema.columns
    first = sorted(columns, key=lambda column: column.is_discrete)
    names = [column.name for column in first]
    x, y = params.get("x", names[0]), params.get("y", names[min(1, len(names) - 1)])
    return (x if x in names else names[0]), (y if y in names else names[-1])


def _parts(reference: Reference, params: Params) -> Iterator[Parts]:
    subject = reference.subject
    given = subject.conditions(split_given(params))
    real, share = subject.table, None
    if real is not None and given:
        met = rows_that_meet(real, subject.schema, given)
        share, real = float(met.mean()), real.take(np.flatnonzero(met))
    for n in _DRAWN:
        drawn, evidence = _drawn(reference, given, n)
        told = {"evidence": evidence, "share": None if share is None else f"{100 * share:.1f} %",
                "real": None if real is None else len(real), "sampled": n}  # fmt: skip
        yield {
            "condition": ("condition.html.jinja", told),
            "marginals": ("pictures.html.jinja", {"pictures": _marginals(reference, real, drawn)}),
            "pair": (
                "pictures.html.jinja",
                {"pictures": _pictures(reference, params, real, drawn)},
            ),
        }


def _drawn(
    reference: Reference, given: Mapping[Any, Any], n: int
) -> tuple[Table, dict[str, Any] | None]:
    """Rows of the model that meet the conditions, and how probable these are."""
    fitted = reference.subject.fitted
    if not given:
        return sample(fitted, n, key=fitted.key(0)), None
    found = reference.subject.density.condition(given)
    drawn = found.draw(n, random_state=0, particles=64)
    measured = "Lebesgue" in found.base_measure
    percent = f"{100 * math.exp(min(found.log_evidence, 0.0)):.3g} %"
    return drawn, {
        "nats": nats(found.log_evidence, found.stderr),
        "percent": "" if measured else percent,
        "measure": found.base_measure,
        "ess": f"{found.ess:.0f}",
    }


def _marginals(reference: Reference, real: Table | None, drawn: Table) -> list[dict[str, Any]]:
    columns = reference.subject.schema.columns[:_SHOWN]
    return [{"title": c.name, "svg": _marginal(c, real, drawn), "caption": ""} for c in columns]


def _marginal(column: Column, real: Table | None, drawn: Table) -> Any:
    sampled = _there(drawn, column)
    known = None if real is None else _there(real, column)
    if not column.is_discrete:
        return compared_numbers(known, sampled, column)
    shares = None if known is None or not len(known) else _shares(known, column)
    return compared_bars(shares, _shares(sampled, column), labels(column), column.name)


def _there(table: Table, column: Column) -> np.ndarray:
    values = numbers_of(table, column)
    return values[~np.isnan(values)]


def _shares(codes: np.ndarray, column: Column) -> np.ndarray:
    return np.bincount(codes.astype(int), minlength=len(column.categories)) / len(codes)


def _pictures(
    reference: Reference, params: Params, real: Table | None, drawn: Table
) -> list[dict[str, Any]]:
    columns = [reference.subject.schema.column(name) for name in _pair(reference, params)]
    tables = [("sampled", drawn)] if real is None else [("real", real), ("sampled", drawn)]
    cells = [[numbers_of(table, column) for column in columns] for _, table in tables]
    axes = [
        Axis(column, np.concatenate([of_table[i] for of_table in cells]))
        for i, column in enumerate(columns)
    ]
    found = []
    for (kind, _), (x, y) in zip(tables, cells, strict=True):
        points = x[:_MOST_POINTS], y[:_MOST_POINTS]
        svg = scatter(axes[0], axes[1], points, kind, f"{kind} rows")
        caption = f"{columns[1].name} (upwards) against {columns[0].name}"
        found.append({"title": f"{kind.capitalize()} rows", "svg": svg, "caption": caption})
    return found


def _usual(reference: Reference) -> Params:
    """A condition on a column of categories, if there is one."""
    return {"given": example(reference)}


COLUMNS = View("/columns", "Columns and pairs", _form, _parts, usual=_usual)
"""Marginals and pairs."""
