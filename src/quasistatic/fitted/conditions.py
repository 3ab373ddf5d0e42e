"""From what a user says of columns, in their own words and units, to evidence in the model's
space.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import polars as pl

from quasistatic.data.codec import Codec, Place
from quasistatic.data.columns.numbers import lattice_error
from quasistatic.data.constraints.form import Form
from quasistatic.data.constraints.language import read_form
from quasistatic.data.constraints.ties import Ties
from quasistatic.data.schema import Column, Schema
from quasistatic.data.table import Table
from quasistatic.data.text.names import resolve
from quasistatic.errors import DataError, SchemaError
from quasistatic.fitted._extrapolation import FAR, warn_of_far, warn_of_far_cells
from quasistatic.fitted._tied_conditions import Translated, translated
from quasistatic.fitted.between import Between, coordinate
from quasistatic.numerics import LOG_ZERO
from quasistatic.posterior import AbstractEvidence, AllOf, Function, Observed, Range, Soft

__all__ = ["SOURCE", "Condition", "read_condition"]

SOURCE = "the condition"


class Condition(NamedTuple):
    """What is known of a row, in the model's space: log p in the data's units = log Z + log_volume.

    Args:
        evidence: evidence of one row.
        log_volume: log-volume of the densities in the evidence, nats.
        base_measure: base measure of the columns with a value; a range or a choice of categories
            has a probability.
    """

    evidence: AbstractEvidence
    log_volume: float
    base_measure: str


def read_condition(codec: Codec, given: Mapping[Any, Any], ties: Ties | None = None) -> Condition:
    """The evidence of a mapping from columns, or from linear forms of them, to what is known.

    Args:
        codec: codec of the model.
        given: conditions by column: a value, a `between(...)`, a list or set of categories, or a
            dict from categories to weights; by form (`end - start`): a number or a `between(...)`.
        ties: how the table is made from the columns of the codec; None (default) where it has no
            constraints.

    Raises:
        SchemaError: an unknown column or category, a range of categories.
        DataError: an empty or contradictory condition.
    """
    columns, forms = _told_apart(given, codec.schema if ties is None else ties.schema)
    if ties is None and not forms:
        return _of_columns(codec, columns, Translated())
    found = translated(codec, ties, columns, forms, SOURCE)
    return _of_columns(codec, found.given, found)


def _told_apart(given: Mapping[Any, Any], schema: Schema) -> tuple[dict[str, Any], dict[Form, Any]]:
    """The conditions on columns, and those on linear forms of several.

    Raises:
        SchemaError: a name that is neither a column nor a form.
    """
    columns, forms, unknown = {}, {}, []
    for key, value in given.items():
        name = key if isinstance(key, Form) else resolve(key, schema.names)
        if isinstance(name, Form):
            forms[name] = value
        elif name is not None:
            columns[name] = value
        else:
            try:
                form = read_form(str(key), schema.names)
            except SchemaError:
                unknown.append(key)
                continue
            forms[form] = value
    if unknown:
        fix = f"the model has {', '.join(map(repr, schema.names))}"
        raise SchemaError(
            f"unknown column(s): {', '.join(map(repr, unknown))}", where=SOURCE, fix=fix
        )
    return columns, forms


def _of_columns(codec: Codec, given: Mapping[str, Any], further: Translated) -> Condition:
    """The evidence of conditions on the columns of the model, and of what else was translated."""
    special = {
        n: v
        for n, v in given.items()
        if isinstance(v, Between | Mapping | list | set | tuple | frozenset)
    }
    values = {
        name: [_in_full(codec.schema.column(name), given[name]) if name not in special else None]
        for name in codec.schema.names
        if name in given
    }
    frame = pl.DataFrame(
        {name: values.get(name, [None]) for name in codec.schema.names}, strict=False
    )
    encoded = codec.encode(Table(frame, SOURCE))
    warn_of_far_cells(codec, encoded.rows, SOURCE)
    blocks = tuple(
        type(b)(*(None if part is None else jnp.asarray(part[0]) for part in b))
        for b in encoded.rows
    )
    parts: list[AbstractEvidence] = []
    for name, wanted in special.items():
        column = codec.schema.column(name)
        if isinstance(wanted, Between):
            parts += _range(codec, column, wanted)
        else:
            parts.append(_soft(codec, column, wanted))
    for name, limits in further.limits:
        parts += _limits(codec, codec.schema.column(name), limits)
    exact = Schema(
        tuple(
            column
            for column in codec.schema.columns
            if column.name in values and column.name not in special
        )
    )
    measure = exact.base_measure() or "none: a probability"
    closed = _in_one_form(codec, parts) if given or parts else ()
    within = () if further.within is None else (further.within,)
    evidence = AllOf((Observed.of(blocks), *closed, *within))
    return Condition(evidence, float(encoded.log_volume[0]) + further.log_volume, measure)


def _in_one_form(codec: Codec, parts: Sequence[AbstractEvidence]) -> list[AbstractEvidence]:
    """The same with one range and one table of states, of all columns, also where nothing is said
    of them: one compiled program answers every question of values, ranges and categories.
    """
    ranges = [part for part in parts if isinstance(part, Range)]
    tables = [part for part in parts if isinstance(part, Soft)]
    found: list[AbstractEvidence] = []
    if codec.states is not None:
        nothing = np.zeros((len(codec.n_states), max(codec.n_states)), np.float32)
        log_r = np.sum([nothing, *(part.log_r for part in tables)], axis=0)
        found.append(Soft(jnp.asarray(log_r), codec.states))
    if codec.numbers is not None:
        low, high = np.full((2, len(codec.continuous)), [[-np.inf], [np.inf]])
        low = np.max([low, *(part.low for part in ranges)], axis=0)
        high = np.min([high, *(part.high for part in ranges)], axis=0)
        found.append(Range.of(low, high, codec.numbers))
    return found + [part for part in parts if isinstance(part, Function)]


def _in_full(column: Column, value: Any) -> Any:
    """A category with the blanks around it, where the value is the only one like it."""
    if not isinstance(value, str) or not column.is_discrete:
        return value
    texts = [str(category) for category in column.categories]
    return resolve(value, texts) or value


def _soft(codec: Codec, column: Column, wanted: Any) -> Soft:
    where = f"{SOURCE}, column {column.name!r}"
    if not column.is_discrete:
        raise SchemaError(
            "a list or dict of categories, but the column has numbers",
            where=where,
            fix="use between(low, high)",
        )
    weights = dict(wanted) if isinstance(wanted, Mapping) else dict.fromkeys(wanted, 1.0)
    weights = {_in_full(column, category): weight for category, weight in weights.items()}
    known = {str(c): i for i, c in enumerate(column.categories)}
    strange = [c for c in weights if str(c) not in known]
    if strange:
        fix = f"the model knows {', '.join(known)}"
        raise SchemaError(
            f"unknown categories: {', '.join(map(repr, strange))}", where=where, fix=fix
        )
    r = np.zeros(len(known))
    for category, weight in weights.items():
        r[known[str(category)]] = weight
    if not np.all(np.isfinite(r)) or np.any(r < 0) or not np.any(r > 0):
        raise DataError("weights must be finite, not negative, and not all 0", where=where)
    (place,) = codec.places(column.name)
    return _states(codec, place, r)


def _states(codec: Codec, place: Place, r: np.ndarray) -> Soft:
    """r of the states of one cell, nothing of the others."""
    table = np.ones((len(codec.n_states), max(codec.n_states)))
    table[place.index] = 0.0
    table[place.index, : len(r)] = r
    return Soft.of(table, block=place.block)


def _range(codec: Codec, column: Column, wanted: Between) -> Sequence[AbstractEvidence]:
    where = f"{SOURCE}, column {column.name!r}"
    if column.is_discrete:
        raise SchemaError(
            "a range, but the column has categories", where=where, fix="give a list of categories"
        )
    low = coordinate(column, wanted.low, -math.inf, SOURCE)
    high = coordinate(column, wanted.high, math.inf, SOURCE)
    return _between(codec, column, low, high, wanted)


def _limits(codec: Codec, column: Column, wanted: Between) -> Sequence[AbstractEvidence]:
    """A range with ends that are numbers in the column's units."""
    low, high = (
        (x - column.offset) / (column.step or 1.0) if column.has_lattice else x
        for x in (wanted.low, wanted.high)
    )
    return _between(codec, column, low, high, wanted)


def _between(
    codec: Codec, column: Column, low: float, high: float, wanted: Between
) -> Sequence[AbstractEvidence]:
    """The range between two coordinates."""
    where = f"{SOURCE}, column {column.name!r}"
    (block, j), *atom = codec.places(column.name)
    if column.has_lattice:
        first = math.ceil(low - _slack(column, low)) if math.isfinite(low) else low
        last = math.floor(high + _slack(column, high)) if math.isfinite(high) else high
        if wanted.closed in ("right", "neither") and math.isfinite(low) and first - low < 1e-6:
            first += 1
        if wanted.closed in ("left", "neither") and math.isfinite(high) and high - last < 1e-6:
            last -= 1
        low, high = first, last
        edges = low - 0.5, high + 0.5
    else:
        edges = low, high
    if low > high or (low == high and not column.has_lattice):
        raise DataError(f"no value lies between {wanted.low!r} and {wanted.high!r}", where=where)
    z = [
        x if math.isinf(x) else float(codec.transforms[j].forward(np.array([x]))[0]) for x in edges
    ]
    nearest = min(max(0.0, z[0]), z[1])
    if abs(nearest) > FAR:
        warn_of_far(SOURCE, column.name, nearest)
    within = np.full((2, len(codec.continuous)), [[-np.inf], [np.inf]])
    within[:, j] = z
    if not atom:
        return [Range.of(within[0], within[1])]
    (place,) = atom
    coordinates = np.asarray(
        [
            (a - column.offset) / (column.step or 1.0) if column.has_lattice else a
            for a in column.atoms
        ]
    )
    inside = (coordinates >= low) & (coordinates <= high)
    if not inside.any():
        return [
            _states(codec, place, np.r_[1.0, np.zeros(len(inside))]),
            Range.of(within[0], within[1]),
        ]

    def log_r(x_0: Any) -> Any:
        at_atom = x_0[place.block][place.index] > 0
        number = x_0[block][j]
        return jnp.where(at_atom | ((number >= z[0]) & (number <= z[1])), 0.0, LOG_ZERO)

    return [_states(codec, place, np.r_[1.0, inside]), Function(log_r, guided=False)]


def _slack(column: Column, coordinate: float) -> float:
    return float(lattice_error(column, np.array(coordinate)))
