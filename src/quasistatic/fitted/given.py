"""What people write of rows, `sex=female`, `30 <= age < 40`, `end - start < 30`: as conditions, and
the rows of a table that meet them.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from quasistatic.data.columns.numbers import read_coordinates
from quasistatic.data.columns.states import read_codes
from quasistatic.data.constraints.form import Form
from quasistatic.data.constraints.language import read_comparison
from quasistatic.data.reading import read_as
from quasistatic.data.schema import Column, Schema
from quasistatic.data.table import Table
from quasistatic.data.text.names import longest_name, refuse_halves, resolve
from quasistatic.errors import SchemaError, SettingError
from quasistatic.fitted.between import Between, Closed, edge

__all__ = ["read_given", "rows_that_meet"]

_RELATION = re.compile(r"^(?P<name>.+?)\s*(?P<relation><=|>=|=|<|>)\s*(?P<value>.*)$")
_BEFORE = re.compile(r"^\s*(.+?)\s*(<=?)\s*$")
_BEHIND = re.compile(r"^\s*(<=?)\s*(.+?)\s*$")
_ONCE = "say of each column one thing: a value, values joined by |, or a range"
_MARKS = ("<=", ">=", "=", "<", ">")
_WHERE = "the condition"


def _relations(text: str, names: Sequence[str]) -> list[tuple[str, str, str]]:
    """Column, relation and value of each part of a condition: `30<=age<40` is `age>=30` and
    `age<40`. The column is the one with the longest name that fits.
    """
    found = longest_name(text, names, _MARKS)
    if found is None:
        for name in sorted(names, key=len, reverse=True):
            low, between, high = text.partition(name.strip())
            first, second = _BEFORE.match(low), _BEHIND.match(high)
            if between and first and second:
                return [
                    (name, first[2].replace("<", ">"), first[1]),
                    (name, second[1], second[2]),
                ]
        match = _RELATION.match(text)  # of no column of the model; it will be said to be unknown
        if match is None:
            return [(text, "", "")]
        return [(match["name"].strip(), match["relation"], match["value"].strip())]
    name, rest = found
    relation = next(mark for mark in _MARKS if rest.startswith(mark))
    return [(name, relation, rest[len(relation) :].strip())]


def _of_forms(
    text: str, discrete: Sequence[str], names: Sequence[str], units: Mapping[str, str]
) -> list[tuple[Form, str, str]]:
    """Form, relation and value of each part of a comparison of several columns of numbers, such as
    `end - start < 30`; none where it is no such comparison.
    """
    try:
        comparisons = read_comparison(text, [n for n in names if n not in discrete], units)
    except SchemaError:
        return []
    found = []
    for one in comparisons:
        # In the direction in which people say it: a form that begins with a minus is turned.
        sign = 1.0 if one.form.terms[0][1] > 0 or one.relation == "=" else -1.0
        form = Form(one.form.times(sign).terms)
        relation = one.relation if sign > 0 else one.relation.replace(">", "<")
        found.append((form, relation, repr(-sign * one.form.constant)))
    single = all(len(form.terms) == 1 and form.terms[0][1] == 1 for form, _, _ in found)
    return [] if single else found


def read_given(
    given: Sequence[str],
    discrete: Sequence[str],
    names: Sequence[str] = (),
    units: Mapping[str, str] = MappingProxyType({}),
) -> Mapping[Any, Any]:
    """The conditions that are written; two limits of one column, or of one linear form of
    several, are one range.

    Args:
        given: conditions, each as it is written.
        discrete: names of the columns with categories.
        names: names of all columns, which may hold blanks and relations (default: none are known).
        units: units of the columns of times, by name (default none).

    Raises:
        SettingError: no relation in it, or two that contradict each other.
    """
    found: dict[Any, Any] = {}
    parts = []
    refuse_halves("the condition", given)
    for text in given:
        of_forms = _of_forms(text, discrete, names, units)
        parts += [(text, part) for part in of_forms or _relations(text, [*names, *discrete])]
    for text, (name, relation, value) in parts:
        if not relation or not value:
            raise SettingError(
                f"{text!r} is no condition",
                fix="write column=value, column>value or column<=value",
            )
        before = found.get(name)
        if relation == "=":
            if before is not None:
                raise SettingError(f"{name!r} is named twice among the conditions", fix=_ONCE)
            several = isinstance(name, str) and "|" in value and name in discrete
            found[name] = value.split("|") if several else value
            continue
        if not isinstance(before, Between | None):
            raise SettingError(f"{name!r} is named twice among the conditions", fix=_ONCE)
        low, high, closed = (
            (before.low, before.high, before.closed) if before else (None, None, "both")
        )
        left, right = closed in ("both", "left"), closed in ("both", "right")
        if (low if relation.startswith(">") else high) is not None:
            said = name if isinstance(name, str) else name.text
            raise SettingError(f"the conditions have two limits of {said!r} on one side", fix=_ONCE)
        if relation.startswith(">"):
            low, left = value, relation == ">="
        else:
            high, right = value, relation == "<="
        sides: dict[tuple[bool, bool], Closed] = {
            (True, True): "both",
            (True, False): "left",
            (False, True): "right",
            (False, False): "neither",
        }
        found[name] = Between(low, high, sides[left, right])
    return found


def rows_that_meet(table: Table, schema: Schema, given: Mapping[Any, Any]) -> np.ndarray:
    """Which rows of a table meet conditions, bool `[N]`; a missing cell meets none.

    Args:
        table: table of N rows with the columns of the schema.
        schema: schema of the columns.
        given: conditions, as `read_given` gives them.

    Raises:
        SchemaError: an unknown column or category, a range of categories.
    """
    table, met = read_as(table, schema), np.ones(len(table), bool)
    for key, wanted in given.items():
        name = key if isinstance(key, Form) else resolve(str(key), schema.names)
        if isinstance(name, Form):
            met &= _meets(_value_of(table, schema, name), *_limits_of_form(name, wanted))
            continue
        if name is None:
            fix = f"the model has {', '.join(map(repr, schema.names))}"
            raise SchemaError(f"unknown column {key!r}", where=_WHERE, fix=fix)
        column = schema.column(name)
        if column.is_discrete:
            met &= _is_among(table, column, wanted)
        else:
            met &= _meets(_numbers(table, column), *_limits(column, wanted))
    return met


def _is_among(table: Table, column: Column, wanted: Any) -> np.ndarray:
    if isinstance(wanted, Between):
        raise SchemaError(
            "a range, but the column has categories",
            where=f"{_WHERE}, column {column.name!r}",
            fix="write column=A|B",
        )
    texts = [str(category) for category in column.categories]
    asked = wanted if isinstance(wanted, list) else [wanted]
    known = [resolve(str(text), texts) for text in asked]
    if None in known:
        raise SchemaError(
            f"{asked[known.index(None)]!r} is no category of this column",
            where=f"{_WHERE}, column {column.name!r}",
            fix=f"the model knows {', '.join(texts[:20])}",
        )
    codes, observed = read_codes(table.frame[column.name], column, table.source)
    return observed & np.isin(codes, [texts.index(str(text)) for text in known])


def _numbers(table: Table, column: Column) -> np.ndarray:
    """The cells of a column of numbers in its units, NaN where they are missing."""
    found, observed = read_coordinates(table.frame[column.name], column, table.source)
    values = column.offset + found * (column.step or 1.0) if column.has_lattice else found
    return np.where(observed, values, np.nan)


def _value_of(table: Table, schema: Schema, form: Form) -> np.ndarray:
    return form.constant + sum(
        (factor * _numbers(table, schema.column(name)) for name, factor in form.terms),
        np.zeros(len(table)),
    )


def _limits(column: Column, wanted: Any) -> tuple[float | None, float | None, Closed]:
    """The ends of a condition on a column of numbers, in its units."""
    if isinstance(wanted, Between):
        low, high = (edge(column, end, _WHERE) for end in (wanted.low, wanted.high))
        return low, high, wanted.closed
    value = edge(column, wanted, _WHERE)
    return value, value, "both"


def _limits_of_form(form: Form, wanted: Any) -> tuple[float | None, float | None, Closed]:
    ends = wanted if isinstance(wanted, Between) else Between(wanted, wanted, "both")
    low, high = (None if end is None else float(end) for end in (ends.low, ends.high))
    return low, high, ends.closed


def _meets(value: np.ndarray, low: float | None, high: float | None, closed: Closed) -> np.ndarray:
    """Which values lie in a range, up to rounding; NaN lies in none."""
    slack = 1e-9 * np.abs(np.nan_to_num(value))
    met = np.isfinite(value)
    if low is not None:
        met &= value >= low - slack if closed in ("both", "left") else value > low + slack
    if high is not None:
        met &= value <= high + slack if closed in ("both", "right") else value < high - slack
    return met
