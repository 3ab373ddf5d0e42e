r"""Constraints that hold in every row of a table and would hardly do so by chance.

A proposal is made where it holds in every row and the probability that independent columns with the
same values would show it is at most `FALSE_ALARMS`, divided by the number of candidates:

- **an order** a <= b: the share of all pairings of the two columns' values in which it holds,
  `prod_i (m_i - i + 1) / (n - i + 1)`, with m_i the number of values of b that are not below the
  i-th largest of a. It is 1 where the columns do not overlap: nothing is proposed then.
- **a dependency**: `prod_g sum_y q_y^(n_g)`, with n_g rows in group g and q_y the shares of the
  values that are determined.
- **an equation**, found as a linear dependence of the columns with coefficients of few digits: the
  largest share of one value in the columns, to the power of the rows.
"""

from collections.abc import Sequence
from itertools import permutations
from typing import NamedTuple

import numpy as np

from quasistatic.data.columns._lattice import decimal_places
from quasistatic.data.columns.numbers import read_coordinates
from quasistatic.data.columns.states import read_codes
from quasistatic.data.constraints.combination import MOST
from quasistatic.data.constraints.form import Form
from quasistatic.data.constraints.language import Combinations, Comparison, parse
from quasistatic.data.constraints.scale import are_numbers
from quasistatic.data.constraints.statements import statements_of
from quasistatic.data.constraints.violations import against
from quasistatic.data.reading import read_as
from quasistatic.data.schema import Column, Schema
from quasistatic.data.table import Table

__all__ = ["FALSE_ALARMS", "find_constraints"]

FALSE_ALARMS = 1e-6
"""Probability that anything is proposed of a table of independent columns, at most, of each of the
three kinds of constraints."""
_FEWEST = 20
"""Rows with cells in all columns of a constraint, at least."""
_GLANCE = 500
"""Rows that are looked at first: most candidates fail there."""
_DIGITS = 3
"""Decimal places of a coefficient."""
_FINE = 0.05
"""Rounding in standard deviations up to which an equation may be rounded."""
_MOST_TERMS = 12
"""Columns of an equation, at most."""


class _Column(NamedTuple):
    """A column as numbers: coordinates in its own units, or codes; NaN where missing."""

    column: Column
    values: np.ndarray
    is_number: bool


def find_constraints(table: Table, schema: Schema) -> list[str]:
    """Constraints that hold in every row, as `fit --where` takes them; those that the schema has
    are left out.

    Args:
        table: table of the training rows.
        schema: schema of the table's columns.

    Example:
        >>> import polars as pl
        >>> from quasistatic.data.columns.infer import infer_schema
        >>> from quasistatic.data.table import from_frame
        >>> rng = np.random.default_rng(0)
        >>> a, b = rng.integers(0, 99, (2, 200))
        >>> table = from_frame(pl.DataFrame({"a": a, "b": b, "sum": a + b}))
        >>> find_constraints(table, infer_schema(table))
        ['sum = a + b']
    """
    if schema.layout is not None:
        return []
    table = read_as(table, schema)
    columns = [_read(table, column) for column in schema.columns if not column.constant]
    numbers = [one for one in columns if one.is_number]
    equations = _equations([one for one in numbers if not one.column.is_temporal], table, schema)
    tied = _connected([set(_columns_of(text, schema)) for text in equations])
    orders = _orders(numbers, tied)
    dependencies = _dependencies(columns, tied)
    return [text for text in (*equations, *orders, *dependencies) if not _is_known(text, schema)]


def _connected(groups: Sequence[set[str]]) -> list[set[str]]:
    """Sets of columns, those with a column in common as one."""
    found: list[set[str]] = []
    for group in groups:
        near = [other for other in found if other & group]
        found = [other for other in found if other not in near]
        found.append(group.union(*near))
    return found


def _columns_of(text: str, schema: Schema) -> list[str]:
    """The columns of a constraint."""
    return [name for one in parse(text, schema.names) for name in _names(one)]


def _names(one: object) -> tuple[str, ...]:
    if isinstance(one, Comparison):
        return one.form.names
    return one.members if isinstance(one, Combinations) else ()


def _is_known(text: str, schema: Schema) -> bool:
    """Whether the constraints of the schema tie the columns of a proposal already."""
    given = [set(_names(one)) for one in statements_of(schema)]
    return any(set(_names(one)) <= names for one in parse(text, schema.names) for names in given)


def _read(table: Table, column: Column) -> _Column:
    series = table.frame[column.name]
    if column.is_discrete:
        codes, observed = read_codes(series, column, table.source)
        is_number = are_numbers(column) and column.unit is None
        values = codes.astype(np.float64)
        if is_number:
            values = np.asarray(column.categories, np.float64)[codes]
        return _Column(column, np.where(observed, values, np.nan), is_number)
    coordinate, observed = read_coordinates(series, column, table.source)
    values = coordinate
    if column.has_lattice:
        values = column.offset + np.rint(coordinate) * (column.step or 1.0)
    return _Column(column, np.where(observed, values, np.nan), True)


def _shown(name: str) -> str:
    """A column as a constraint names it."""
    plain = name == name.strip() and name.replace("_", "").replace(" ", "").isalnum()
    return name if plain and not name[0].isdigit() else f"`{name}`"


def _equations(columns: Sequence[_Column], table: Table, schema: Schema) -> list[str]:
    """Linear equations among numbers: columns that lie in the span of those before them, in reverse
    order, so that a column is made from what stands behind it.
    """
    if len(columns) < 2:
        return []
    matrix = np.stack([one.values for one in columns], axis=1)
    whole = matrix[~np.isnan(matrix).any(axis=1)]
    if len(whole) < max(_FEWEST, 4 * len(columns)):
        return []
    rng = np.random.default_rng(0)
    some = whole[rng.choice(len(whole), min(len(whole), 20 * _GLANCE), replace=False)]
    centre, spread = some.mean(axis=0), some.std(axis=0)
    found, basis = list[Form](), list[int]()

    def try_to_solve(j: int, others: list[int]) -> bool:
        form = _combination(some, centre, spread, sorted(others), j, columns) if others else None
        if form is None or not _holds(form, table, schema, whole, columns):
            return False
        found.append(form)
        return True

    for j in range(len(columns) - 1, -1, -1):
        if spread[j] > 0 and not try_to_solve(j, basis):
            basis.append(j)
    for j in sorted(basis):  # what is rounded is found from that column alone
        if try_to_solve(j, [i for i in basis if i != j]):
            basis.remove(j)
    return [_equation_text(form) for form in found[::-1]]


def _combination(
    rows: np.ndarray,
    centre: np.ndarray,
    spread: np.ndarray,
    basis: list[int],
    j: int,
    columns: Sequence[_Column],
) -> Form | None:
    """Column j as a combination of others with coefficients of few digits, moved to one side; None
    where it is none.
    """
    x = (rows[:, basis] - centre[basis]) / spread[basis]
    y = (rows[:, j] - centre[j]) / spread[j]
    weights, *_ = np.linalg.lstsq(x, y, rcond=None)
    places = _places(columns[j].column)
    rounding = 0.0 if places is None else 10.0**-places
    residual = np.abs(y - x @ weights).max() * spread[j]
    if residual > 1e-6 * spread[j] + (rounding if rounding < _FINE * spread[j] else 0.0):
        return None
    raw = weights * spread[j] / spread[basis]
    # What contributes no more than the rounding contributes nothing.
    raw = np.where(np.abs(raw) * spread[basis] > residual, raw, 0.0)
    coefficients = np.round(raw, _DIGITS)
    kept = [i for i in range(len(basis)) if coefficients[i]]
    constant = float(np.median(rows[:, j] - rows[:, basis] @ coefficients))
    constant = round(constant, 6 if places is None else max(places, _DIGITS))
    if not kept or len(kept) + 1 > _MOST_TERMS:
        return None
    terms = {columns[j].column.name: 1.0}
    terms |= {columns[basis[i]].column.name: -float(coefficients[i]) for i in kept}
    return Form.of(terms, -constant)


def _places(column: Column) -> int | None:
    if column.is_discrete:
        return 0
    return column.decimals if column.step is None else decimal_places(column.step, column.offset)


def _holds(
    form: Form, table: Table, schema: Schema, whole: np.ndarray, columns: Sequence[_Column]
) -> bool:
    """Whether an equation holds in every row, and would not by chance."""
    one = Comparison(form, "=", "a proposal")
    if against(one, table, schema).any():
        return False
    used = [i for i, c in enumerate(columns) if c.column.name in form.names]
    shares = [np.unique(whole[:, i], return_counts=True)[1].max() / len(whole) for i in used]
    chance = len(whole) * np.log(max(shares))
    return bool(chance <= np.log(FALSE_ALARMS / len(columns)))


def _equation_text(form: Form) -> str:
    """`total = a + b`: what is alone on its side stands on the left."""
    positive = [term for term in form.terms if term[1] > 0]
    negative = [term for term in form.terms if term[1] < 0]
    constant = form.constant
    if len(negative) == 1 and len(positive) > 1:
        positive, negative, constant = _turned(negative), _turned(positive), -constant
    if not negative:
        return f"{_side(positive)} = {-constant:g}"
    right = _side(_turned(negative))
    if constant:
        right += f" {'-' if constant > 0 else '+'} {abs(constant):g}"
    return f"{_side(positive)} = {right}"


def _turned(terms: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    return [(name, -value) for name, value in terms]


def _side(terms: Sequence[tuple[str, float]]) -> str:
    return " + ".join(
        _shown(name) if value == 1 else f"{value:g} * {_shown(name)}" for name, value in terms
    )


def _orders(columns: Sequence[_Column], tied: list[set[str]]) -> list[str]:
    """Orders of pairs of columns, without those that follow from others."""
    threshold = np.log(FALSE_ALARMS / max(len(columns) ** 2, 1))
    found: dict[tuple[str, str], bool] = {}
    for low, high in permutations(columns, 2):
        names = low.column.name, high.column.name
        if not _comparable(low.column, high.column) or any(set(names) <= t for t in tied):
            continue
        glance = low.values[:_GLANCE] > high.values[:_GLANCE]
        if glance.any() or names[::-1] in found:
            continue
        seen = ~np.isnan(low.values) & ~np.isnan(high.values)
        a, b = low.values[seen], high.values[seen]
        if len(a) >= _FEWEST and np.all(a <= b) and _chance_of_order(a, b) <= threshold:
            found[names] = bool(np.all(a < b))
    return [
        f"{_shown(low)} {'<' if strict else '<='} {_shown(high)}"
        for (low, high), strict in found.items()
        if not any((low, middle) in found and (middle, high) in found for _, middle in found)
    ]


def _comparable(one: Column, other: Column) -> bool:
    if one.is_temporal or other.is_temporal:
        return one.kind == other.kind and one.unit == other.unit
    return not (one.is_discrete and other.is_discrete)


def _chance_of_order(a: np.ndarray, b: np.ndarray) -> float:
    """Logarithm of the share of all pairings of the values in which a <= b in every row."""
    n = len(a)
    above = n - np.searchsorted(np.sort(b), np.sort(a)[::-1], side="left")
    free = above - np.arange(n)
    return float(np.sum(np.log(np.maximum(free, 1e-300)) - np.log(n - np.arange(n))))


def _dependencies(columns: Sequence[_Column], tied: list[set[str]]) -> list[str]:
    """Dependencies of one column on another, by the column that determines."""
    coded = []
    for one in columns:
        seen = ~np.isnan(one.values)
        values, codes = np.unique(one.values[seen], return_inverse=True)
        placed = np.full(len(one.values), -1)
        placed[seen] = codes
        coded.append((one, placed, len(values)))
    keys = [item for item in coded if item[2] <= min(MOST, len(item[1]) / 2)]
    keys.sort(key=lambda item: item[0].is_number)
    threshold = np.log(FALSE_ALARMS / max(len(columns) ** 2, 1))
    made: dict[str, list[str]] = {}
    for key, x, k in keys:
        name = key.column.name
        if any(name in others for others in made.values()):
            continue  # what determines it determines all that it does
        for other, y, _ in coded:
            pair = {name, other.column.name}
            if len(pair) < 2 or any(pair <= names for names in tied):
                continue
            holds = _determines(x[:_GLANCE], y[:_GLANCE], k) and _determines(x, y, k)
            if holds and _chance_of_dependency(x, y) <= threshold:
                made.setdefault(name, []).append(other.column.name)
    determined = {name for others in made.values() for name in others}
    return [
        f"{_shown(name)} determines {', '.join(map(_shown, others))}"
        for name, others in made.items()
        if name not in determined
    ]


def _determines(x: np.ndarray, y: np.ndarray, k: int) -> bool:
    """Whether rows with one code x have one code y."""
    seen = (x >= 0) & (y >= 0)
    first = np.full(k, -1)
    first[x[seen]] = y[seen]
    return bool(np.all(first[x[seen]] == y[seen]))


def _chance_of_dependency(x: np.ndarray, y: np.ndarray) -> float:
    """Logarithm of the probability that independent columns show it."""
    seen = (x >= 0) & (y >= 0)
    if np.count_nonzero(seen) < _FEWEST:
        return 0.0
    shares = np.bincount(y[seen]) / np.count_nonzero(seen)
    shares = shares[shares > 0]
    sizes, counts = np.unique(np.bincount(x[seen]), return_counts=True)
    most, rest = shares.max(), shares / shares.max()
    chances = [size * np.log(most) + np.log(np.sum(rest**size)) for size in sizes if size > 0]
    return float(np.sum(counts[sizes > 0] * np.asarray(chances)))
