"""Conditions on tied columns and on linear forms, as conditions on the columns of the model."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np
import polars as pl

from quasistatic.data.codec import Codec
from quasistatic.data.columns.numbers import read_coordinates
from quasistatic.data.columns.states import read_codes
from quasistatic.data.constraints.combination import Combination
from quasistatic.data.constraints.form import Form
from quasistatic.data.constraints.scale import are_numbers
from quasistatic.data.constraints.ties import Ties
from quasistatic.data.constraints.violations import refuse_violations
from quasistatic.data.schema import Column
from quasistatic.data.table import Table
from quasistatic.errors import DataError, SchemaError
from quasistatic.fitted._tied import SLOPE, WINDOW, FormNumbers, expanded, spread, unit_of
from quasistatic.fitted.between import Between, Closed, between, edge
from quasistatic.fitted.room import Limit, limits_of
from quasistatic.posterior import Within


@dataclass
class Translated:
    """Conditions as a model knows them.

    Args:
        given: what is known of its columns, as for `conditions.read_condition`.
        limits: limits of its columns of numbers, in their units.
        within: evidence of forms of several columns that are not known; None for none.
        log_volume: log-volume of exact values of such forms, nats.
    """

    given: dict[str, Any] = field(default_factory=dict)
    limits: list[tuple[str, Between]] = field(default_factory=list)
    within: Within | None = None
    log_volume: float = 0.0


def translated(
    codec: Codec, ties: Ties | None, given: Mapping[str, Any], forms: Mapping[Form, Any], where: str
) -> Translated:
    """Conditions on the columns of the table, and on forms of them, as conditions on the columns of
    the model.

    Args:
        codec: codec of the model.
        ties: ties of the table; None where it has no constraints.
        given: conditions by column.
        forms: conditions by form, each a number or a `Between` of numbers.
        where: name of the condition, for messages.
    """
    schema = codec.schema if ties is None else ties.schema
    special = {n: v for n, v in given.items() if isinstance(v, Between | Mapping | list | set)}
    exact = {n: v for n, v in given.items() if n not in special}
    frame = pl.DataFrame({n: [exact.get(n)] for n in schema.names}, strict=False)
    known, found, asked = Table(frame, where), Translated(), dict(forms)
    if ties is None:
        found.given, free = dict(given), known
    else:
        refuse_violations(ties, known)
        known = ties.completed(known)
        free = ties.free(known)
        found.given = {n: free.frame[n][0] for n in free.names if free.frame[n][0] is not None}
        for name, value in exact.items():
            one = _combined(ties, name)
            if one is not None and not isinstance(found.given.get(one.free), str):
                _weigh(found, one, ties, name, {value: 1.0}, where)
        for name in ties.leftover(known):
            asked[Form.of({name: 1.0})] = _number(known, schema.column(name))
        for name, wanted in special.items():
            one, column = _combined(ties, name), schema.column(name)
            if one is not None:
                _weigh(found, one, ties, name, wanted, where)
            elif ties.places[name] == name:
                found.given[name] = wanted
            elif isinstance(wanted, Between):
                low, high = (edge(column, x, where) for x in (wanted.low, wanted.high))
                asked[Form.of({name: 1.0})] = Between(low, high, wanted.closed)
            else:
                raise SchemaError(
                    "a list or dict of categories, but the column is made from others",
                    where=f"{where}, column {name!r}",
                    fix="use between(low, high)",
                )
        found.log_volume -= ties.log_share
        for limit in limits_of(codec, ties):
            if known.frame[limit.form.names[0]][0] is None:
                asked[limit.form] = _narrowed(asked.get(limit.form), limit)
    open_forms = []
    for form, wanted in asked.items():
        for name in form.names:
            if schema.column(name).is_discrete and not are_numbers(schema.column(name)):
                raise SchemaError(
                    f"{form.text!r} is of numbers, and {name!r} has categories", where=where
                )
        inner = expanded(ties, form)
        rest = None if inner is None else _reduced(free, codec, inner)
        if inner is None or rest is None or len(rest.terms) > 1:
            open_forms.append((form, rest, wanted))
        else:
            _limit(found, rest, wanted, form.text, where)
    if open_forms:
        _open(found, codec, ties, open_forms, where)
    return found


def _narrowed(wanted: Any, limit: Limit) -> Any:
    """What is asked of a column, within its own limits."""
    if wanted is not None and not isinstance(wanted, Between):
        return wanted
    asked = between() if wanted is None else wanted
    low = -math.inf if asked.low is None else _finite(asked.low)
    high = math.inf if asked.high is None else _finite(asked.high)
    ends = max(low, limit.low), min(high, limit.high)
    # The column's own limits belong to it.
    left = ends[0] > low or asked.closed in ("both", "left")
    right = ends[1] < high or asked.closed in ("both", "right")
    closed: dict[tuple[bool, bool], Closed] = {
        (True, True): "both",
        (True, False): "left",
        (False, True): "right",
        (False, False): "neither",
    }
    low, high = (None if math.isinf(end) else end for end in ends)
    return Between(low, high, closed[left, right])


def _combined(ties: Ties, name: str) -> Combination | None:
    """The combination that a column is in."""
    return next((one for one in ties.combinations if name in one.members), None)


def _number(table: Table, column: Column) -> float:
    """The cell of a table of one row as a number in the column's units."""
    series = table.frame[column.name]
    if column.is_discrete:
        return float(column.categories[int(read_codes(series, column, table.source)[0][0])])
    coordinate = float(read_coordinates(series, column, table.source)[0][0])
    return column.offset + coordinate * (column.step or 1.0) if column.has_lattice else coordinate


def _reduced(free: Table, codec: Codec, form: Form) -> Form:
    """A form of columns of the model without those that are known."""
    for name in form.names:
        if free.frame[name][0] is not None:
            form = form.with_column(name, Form((), _number(free, codec.schema.column(name))))
    return form


def _limit(found: Translated, form: Form, wanted: Any, text: str, where: str) -> None:
    """A limit of the one column of a form that is not known; a form without is true or false."""
    low, high, closed = _interval(wanted)
    if not form.terms:
        inside = low <= form.constant + 1e-9 and form.constant - 1e-9 <= high
        beyond = (form.constant <= low and closed in ("right", "neither")) or (
            form.constant >= high and closed in ("left", "neither")
        )
        if not inside or beyond:
            raise DataError(f"{text} is {form.constant:g}, by what else is given", where=where)
        return
    ((name, value),) = form.terms
    ends = [(x - form.constant) / value for x in (low, high)]
    swapped: dict[Closed, Closed] = {"left": "right", "right": "left"}
    if value < 0:
        ends, closed = ends[::-1], swapped.get(closed, closed)
    found.limits.append((name, Between(ends[0], ends[1], closed)))


def _interval(wanted: Any) -> tuple[float, float, Closed]:
    """Limits of a form, and which of them belong to it."""
    if not isinstance(wanted, Between):
        return _finite(wanted), _finite(wanted), "both"
    low = -math.inf if wanted.low is None else _finite(wanted.low)
    high = math.inf if wanted.high is None else _finite(wanted.high)
    return low, high, wanted.closed


def _finite(value: Any) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise SchemaError(
            f"{value!r} is no number", where="the condition", fix="give a number"
        ) from error
    if not math.isfinite(found):
        raise SchemaError(f"{value!r} is not finite", where="the condition", fix="give a number")
    return found


def _weigh(
    found: Translated, one: Combination, ties: Ties, name: str, wanted: Any, where: str
) -> None:
    """Weights of the combinations from those of one of their columns."""
    column = ties.schema.column(name)
    j = one.members.index(name)
    if isinstance(wanted, Between):
        low, high = (edge(column, x, where) for x in (wanted.low, wanted.high))
        factor = one.array[:, j]
        if not column.is_discrete and column.has_lattice:
            factor = column.offset + factor * (column.step or 1.0)
        low, high = (-math.inf if low is None else low), (math.inf if high is None else high)
        inside = (factor >= low) & (factor <= high)
        inside &= (factor != low) | (wanted.closed in ("both", "left"))
        inside &= (factor != high) | (wanted.closed in ("both", "right"))
        weights = inside.astype(float)
    else:
        asked = wanted if isinstance(wanted, Mapping) else dict.fromkeys(wanted, 1.0)
        cells = pl.Series(name, list(asked), strict=False)
        read = read_codes if column.is_discrete else read_coordinates
        keys = read(cells, column, where)[0]
        weights = np.zeros(len(one.states))
        for key, weight in zip(keys, asked.values(), strict=True):
            weights = np.where(one.array[:, j] == key, weight, weights)
    before = found.given.get(one.free, dict.fromkeys(one.labels, 1.0))
    if isinstance(before, str):
        before = {before: 1.0}
    pairs = zip(one.labels, weights, strict=True)
    found.given[one.free] = {label: w * before.get(label, 0.0) for label, w in pairs}


def _open(
    found: Translated,
    codec: Codec,
    ties: Ties | None,
    forms: list[tuple[Form, Form | None, Any]],
    where: str,
) -> None:
    """Evidence of forms of several unknown columns: their limits as they are; an exact value on a
    lattice, or a window about it.
    """
    low, high, scale = np.zeros((3, len(forms)))
    for j, (form, rest, wanted) in enumerate(forms):
        sd = spread(codec, form if rest is None else rest)
        unit = 0.0 if rest is None else unit_of(codec, rest)
        low[j], high[j], closed = _interval(wanted)
        if low[j] == high[j] and not unit:
            low[j], high[j] = low[j] - WINDOW * sd, high[j] + WINDOW * sd
            found.log_volume -= np.log(2.0 * WINDOW * sd)
        low[j] += -0.5 * unit if closed in ("both", "left") else 0.5 * unit
        high[j] += 0.5 * unit if closed in ("both", "right") else -0.5 * unit
        if low[j] > high[j]:
            raise DataError(f"no value of {form.text} is left", where=where)
        scale[j] = max(0.5 * unit, SLOPE * sd)
    numbers = FormNumbers(codec, ties, tuple(form for form, _, _ in forms))
    edges = (jnp.asarray(x, jnp.float32) for x in (low, high, scale))
    found.within = Within(numbers, *edges, pivot=_pivot(codec, [rest for _, rest, _ in forms]))


def _pivot(codec: Codec, forms: list[Form | None]) -> int | None:
    """The number of the column for which the last step solves: a density if there is one, that
    which moves the first form the most; None where a form is not linear in columns of the model.
    """
    first, *_ = forms
    if first is None or any(form is None for form in forms):
        return None
    columns = [(codec.schema.column(name), value) for name, value in first.terms]
    numbers = [
        (
            not column.has_lattice,
            spread(codec, Form.of({column.name: value})),
            codec.places(column.name)[0].index,
        )
        for column, value in columns
        if not column.is_discrete and not column.atoms
    ]
    return max(numbers)[-1] if numbers else None
