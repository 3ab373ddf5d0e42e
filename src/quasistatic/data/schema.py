"""What each column of a table is: its kind, its lattice, its states, its atoms. Inference is in
`infer`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, TypedDict, get_args

import polars as pl

from quasistatic.data.columns._dtypes import parse_dtype
from quasistatic.data.columns.moments import time_text
from quasistatic.data.frames.container import (
    Container,
    FrameContainer,
    Value,
    container_from_json,
)
from quasistatic.data.layout import Layout
from quasistatic.data.text.written import Written, written_from_json
from quasistatic.errors import SchemaError
from quasistatic.records import Misfit, Within, check

__all__ = ["FORMAT", "KINDS", "BlockSizes", "Column", "Kind", "LeftOut", "Schema", "Side", "detail"]


Kind = Literal["continuous", "integer", "binary", "categorical", "datetime", "time", "duration"]
KINDS: tuple[str, ...] = get_args(Kind)
Side = Literal["lower", "upper"]
FORMAT = 1
"""Version of the JSON form."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Args:
        name: name of the column.
        kind: kind of the column: how it is modelled.
        dtype: polars dtype of the column as text (see `dtypes.dtype_text`).
        step: lattice width in the column's own units; None is a density. Always set for "integer"
            and for times.
        offset: a value on the lattice (an int for "integer" and times, so that large ones stay
            exact).
        categories: the states of a "binary" or "categorical" column, in order; those of times are
            ticks of the dtype.
        atoms: exact values that have probability mass of their own; of times, in their unit.
        missing: number of missing cells in the training table.
        constant: whether only one value occurs in training.
        unit: times only ("datetime", "time", "duration"): unit of step and offset, "mon", "d", "h",
            "min", "s", "ms", "us" or "ns"; offset counts from 1970, from midnight or from nothing.
        lower: smallest value that decoding returns (0 for counts); None is no limit.
        decimals: decimal places that the values of a density are written with; None is full
            precision.
        upper: largest value that decoding returns; None (default) is no limit.
        held: which of the limits the model holds, its probabilities summing to 1 within them (what
            is beyond is impossible): those that are declared, and those that the table gives
            evidence of. Draws beyond another limit are moved to it (default none).
        written: form of the column's cells in a file of text; None (default) where there was none.
    """

    name: str
    kind: Kind
    dtype: str
    step: Annotated[float | None, Within(1e-290, 1e300)] = None
    offset: float = 0.0
    categories: tuple[Value, ...] = ()
    atoms: Annotated[tuple[float, ...], Within(0, 1000)] = ()
    missing: int = 0
    constant: bool = False
    unit: str | None = None
    lower: float | None = None
    decimals: Annotated[int | None, Within(0, 100)] = None
    upper: float | None = None
    held: Annotated[tuple[Side, ...], Within(0, 2)] = ()
    written: Written | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SchemaError(
                f"unknown kind {self.kind!r}",
                where=f"column {self.name!r}",
                fix=f"use one of {', '.join(KINDS)}",
            )

    @property
    def is_discrete(self) -> bool:
        """Whether the column is a state out of `categories`."""
        return self.kind in ("binary", "categorical")

    @property
    def is_temporal(self) -> bool:
        """Whether its numbers are dates, times of day or durations, counted in `unit`."""
        return self.kind in ("datetime", "time", "duration")

    @property
    def has_lattice(self) -> bool:
        """Whether the column's cells have probability mass on a lattice of numbers."""
        return not self.is_discrete and self.step is not None


@dataclass(frozen=True)
class LeftOut:
    """A column that is not modelled, and why."""

    name: str
    reason: str


class BlockSizes(NamedTuple):
    """Columns of the continuous block, and of the discrete one with those of the atoms."""

    continuous: int
    discrete: int


@dataclass(frozen=True)
class Schema:
    """The columns of a table, in its order, those left out, and the kind of frame to give back.

    The columns of a layout (pixels, places of a sequence) differ in nothing but their names.
    `constraints` are what holds between the columns, as it was written (`data.constraints`), and
    `measure` is then the base measure in words.
    """

    columns: tuple[Column, ...]
    left_out: tuple[LeftOut, ...] = ()
    container: Container = field(default_factory=FrameContainer)
    constraints: tuple[str, ...] = ()
    measure: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the modelled columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def layout(self) -> Layout | None:
        """How the columns are arranged, if they are pixels or places of a sequence."""
        return self.container.layout

    @property
    def block_sizes(self) -> BlockSizes:
        """How many columns of the model's blocks the columns are."""
        continuous = [column for column in self.columns if not column.is_discrete]
        n_atoms = sum(bool(column.atoms) for column in continuous)
        return BlockSizes(len(continuous), len(self.columns) - len(continuous) + n_atoms)

    def column(self, name: str) -> Column:
        """The column called `name`."""
        return next(column for column in self.columns if column.name == name)

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types; `from_json` gives back an equal schema. Of a layout one column
        stands for all.
        """
        return {
            "format": FORMAT,
            "columns": [
                _column_to_json(column)
                for column in (self.columns if self.layout is None else self.columns[:1])
            ],
            "left_out": [asdict(item) for item in self.left_out],
            "container": self.container.to_json(),
            **(
                {"constraints": list(self.constraints), "measure": self.measure}
                if self.constraints
                else {}
            ),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Schema":
        """Inverse of `to_json`.

        Raises:
            SchemaError: keys are missing or unknown, or the format is a later one.
        """
        try:
            check(_SchemaJson, data)
            if data["format"] != FORMAT:
                raise SchemaError(
                    f"schema format {data['format']!r} is unknown",
                    fix="use the version of quasistatic that wrote it",
                )
            columns = tuple(_column_from_json(item) for item in data["columns"])
            names = [column.name for column in columns]
            if len(set(names)) < len(names):
                raise Misfit("two columns have one name")
            container = container_from_json(data["container"])
            layout = container.layout
            if layout is not None:
                if len(columns) != 1:
                    raise Misfit("one column stands for all places of a layout")
                (column,) = columns
                columns = tuple(replace(column, name=name) for name in layout.names)
            left_out = tuple(LeftOut(item["name"], item["reason"]) for item in data["left_out"])
            constraints, measure = tuple(data.get("constraints", ())), data.get("measure", "")
            return cls(columns, left_out, container, constraints, measure)
        except Misfit as error:
            raise SchemaError(
                f"this is no complete schema ({error})",
                fix="use the schema.json that `quasistatic fit` wrote",
            ) from error

    def describe(self) -> list[dict[str, Any]]:
        """One dict per column, those left out included: name, kind, detail, missing; then one per
        constraint. A layout is one line.
        """
        if self.layout is not None:
            column = self.columns[0]
            return [
                {
                    "name": self.layout.words,
                    "kind": column.kind,
                    "detail": detail(column),
                    "missing": 0,
                }
            ]
        rows = [
            {"name": c.name, "kind": c.kind, "detail": detail(c), "missing": c.missing}
            for c in self.columns
        ]
        rows += [
            {"name": item.name, "kind": "left out", "detail": item.reason, "missing": 0}
            for item in self.left_out
        ]
        held = {"kind": "constraint", "detail": "holds in every row", "missing": 0}
        return rows + [{"name": text} | held for text in self.constraints]

    def base_measure(self) -> str:
        """What the densities refer to: which columns are counted, which are measured in their
        units.
        """
        if self.measure:
            return self.measure
        if self.layout is not None:
            return _measure(self.columns[0], self.layout)
        counted = [
            f"{c.name} ({_lattice(c)})" if c.has_lattice else c.name
            for c in self.columns
            if c.is_discrete or c.has_lattice
        ]
        measured = [c for c in self.columns if not c.is_discrete and not c.has_lattice]
        parts = []
        if counted:
            parts.append(f"counting measure on {', '.join(counted)}")
        if measured:
            parts.append(f"Lebesgue measure on {', '.join(c.name for c in measured)}")
        masses = [f"{_values(c, c.atoms)} of {c.name}" for c in measured if c.atoms]
        if masses:
            parts.append(f"point masses at {'; '.join(masses)}")
        return "; ".join(parts)


def _measure(column: Column, layout: Layout) -> str:
    """The base measure of equal columns."""
    noun = (
        "places"
        if layout.kind == "sequence"
        else "pixels"
        if layout.shape[0] == 1
        else "colour values"
    )
    kind = "counting" if column.is_discrete or column.has_lattice else "Lebesgue"
    of = (
        f" ({_lattice(column)})"
        if column.has_lattice
        else f" ({detail(column)})"
        if column.is_discrete
        else ""
    )
    atoms = (
        f"; point masses at {_values(column, column.atoms)}"
        if kind == "Lebesgue" and column.atoms
        else ""
    )
    return f"{kind} measure on {layout.size} {noun}{of}{atoms}"


def _column_to_json(column: Column) -> dict[str, Any]:
    lists = {name: list(getattr(column, name)) for name in ("categories", "atoms", "held")}
    written = None if column.written is None else column.written.to_json()
    return asdict(column) | lists | {"written": written}


class _SchemaJson(TypedDict):
    """`Schema` in JSON."""

    format: int
    columns: list[Column]
    left_out: list[LeftOut]
    container: dict[str, Any]
    constraints: NotRequired[list[str]]
    measure: NotRequired[str]


def _column_from_json(item: dict[str, Any]) -> Column:
    settings: dict[str, Any] = {
        **item,
        "categories": tuple(item.get("categories", ())),
        "atoms": tuple(item.get("atoms", ())),
        "held": tuple(item.get("held", ())),
    }
    if item.get("written") is not None:
        settings["written"] = written_from_json(item["written"])
    return Column(**settings)


def detail(column: Column) -> str:
    """One line about a column: "rounded to 0.1", "3 categories: a, b, c", ..."""
    if column.constant and len(column.categories) == 1:
        return f"constant: {_values(column, column.categories)}"
    if column.is_discrete:
        shown = _values(column, column.categories[:6])
        more = ", ..." if len(column.categories) > 6 else ""
        noun = "values" if column.kind == "binary" else "categories"
        return f"{len(column.categories)} {noun}: {shown}{more}"
    decimals = "" if column.decimals is None else f", written with {column.decimals} decimals"
    text = _lattice(column) if column.has_lattice else f"density{decimals}"
    text += f", atoms at {_values(column, column.atoms)}" if column.atoms else ""
    for side, words in (("lower", "at least"), ("upper", "at most")):
        if side in column.held:
            text += f", {words} {_values(column, [getattr(column, side)])}"
    words = "" if column.written is None else column.written.words
    return f"{text}; written {words}" if words else text


def _values(column: Column, values: Sequence[Value]) -> str:
    """Values of a column for people."""
    if column.is_temporal:
        return ", ".join(time_text(int(v), column.kind, column.unit or "d") for v in values)
    if column.unit is not None:  # states that are times
        return ", ".join(map(str, pl.Series(values).cast(parse_dtype(column.dtype))))
    if column.is_discrete:
        return ", ".join(str(value) for value in values)
    return ", ".join(_number(float(value)) for value in values)


def _lattice(column: Column) -> str:
    step = _number(column.step or 0)
    if column.is_temporal:
        return f"in steps of {step} {column.unit}"
    if column.kind == "integer":
        return "integer" if column.step == 1 else f"integer, in steps of {step}"
    return f"rounded to {step}"


def _number(value: float) -> str:
    return (
        str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
    )
