"""How the cells of one column are written, and what they mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, NamedTuple, NotRequired, TypedDict

import polars as pl

from quasistatic.data.text._time_forms import refined as refined_time
from quasistatic.data.text._time_forms import time_forms
from quasistatic.data.text.durations import DurationForm, duration_forms
from quasistatic.data.text.numbers import NumberForm, number_forms
from quasistatic.data.text.numbers import refined as refined_number
from quasistatic.data.text.times import TimeForm, check_format
from quasistatic.records import Misfit, Within, check

__all__ = [
    "MISSING",
    "Form",
    "Hints",
    "Reading",
    "Written",
    "decided",
    "given_form",
    "hints_of",
    "is_token",
    "order_of",
    "read_column",
    "written_from_json",
]

Form = NumberForm | TimeForm | DurationForm | None
"""The form of a column's values; None for text and for true and false."""
MISSING = ("", "NA", "NaN", "nan", "null", "NULL", "N/A", "n/a", "<NA>", "#N/A")
"""Cells that mean "missing" in every column."""
_AMONG_VALUES = (
    *("?", "-", "--", "---", "–", "—", ".", "..", "...", "*", "**", "\\N", "(null)", "(NULL)"),
    *("nil", "Nil", "NIL", "none", "None", "NONE", "NaT", "NAN", "Nan", "na", "Na", "-nan", "-NaN"),
    *("n.a.", "N.A.", "n.d.", "nd", "ND", "n/k", "N/K", "unknown", "Unknown", "UNKNOWN", "missing"),
    *("Missing", "MISSING", "tbd", "TBD", "#DIV/0!", "#REF!", "#VALUE!", "#NUM!", "#NAME?"),
    *("#NULL!", "1.#QNAN", "-1.#IND", "0000-00-00", "0000-00-00 00:00:00"),
)
"""Cells that mean "missing" where most others are numbers, dates or durations."""
_LEAST_KNOWN, _LEAST_ODD = 0.5, 0.9
"""Share of values among the cells that are not missing, below which such tokens stay text; the
second is for tokens that are not known."""
_MOST_ODD_TOKENS = 2
_KINDS = {"number": NumberForm, "time": TimeForm, "duration": DurationForm}


class _WrittenJson(TypedDict):
    """`Written` in JSON."""

    missing: Annotated[list[Annotated[str, Within(0, 1000)]], Within(0, 1000)]
    hole: Annotated[str, Within(0, 1000)]
    quoted: bool
    indent: Annotated[str, Within(0, 1000)]
    number: NotRequired[NumberForm]
    time: NotRequired[TimeForm]
    duration: NotRequired[DurationForm]


@dataclass(frozen=True)
class Written:
    """The form of a column's cells.

    Args:
        form: form of its values; None (default) for text.
        missing: cells that mean "missing" here, beside `MISSING` (default none).
        hole: cell that a missing value is written as (default empty).
        quoted: whether quotation marks stand around every cell (default False).
        indent: blanks before every value (default none).
    """

    JSON: ClassVar[type] = _WrittenJson
    form: Form = None
    missing: tuple[str, ...] = ()
    hole: str = ""
    quoted: bool = False
    indent: str = ""

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types; `written_from_json` gives back an equal form."""
        kind = next((k for k, cls in _KINDS.items() if isinstance(self.form, cls)), None)
        form = {} if self.form is None or kind is None else {kind: self.form.to_json()}
        return form | {
            "missing": list(self.missing),
            "hole": self.hole,
            "quoted": self.quoted,
            "indent": self.indent,
        }

    @property
    def words(self) -> str:
        """What is special about the form, for people; empty if nothing is."""
        return "" if self.form is None else self.form.words

    def is_missing(self, contents: pl.Series) -> pl.Series:
        """Which cells of text mean "missing".

        Args:
            contents: cells of text, null for missing ones.
        """
        return is_token(contents.str.strip_chars(), self.missing)

    def read(self, contents: pl.Series) -> pl.Series:
        """The values of cells, null where they are missing or have another form.

        Args:
            contents: cells of text, null for missing ones.
        """
        cells = contents.set(self.is_missing(contents), None)
        return cells if self.form is None else self.form.read(cells)

    def write(self, values: pl.Series) -> pl.Series:
        """Values as cells of text, without quotation marks.

        Args:
            values: values of the column, null for missing ones.
        """
        fits = {
            NumberForm: values.dtype.is_numeric(),
            TimeForm: isinstance(values.dtype, pl.Date | pl.Datetime | pl.Time),
            DurationForm: isinstance(values.dtype, pl.Duration),
        }
        if self.form is not None and fits[type(self.form)]:
            cells = self.indent + self.form.write(values)
        elif values.dtype.is_numeric():
            cells = NumberForm().write(values)
        else:
            cells = values.cast(pl.String)
        return cells.fill_null(self.hole).alias(values.name)


def written_from_json(data: Mapping[str, Any]) -> Written:
    """Inverse of `Written.to_json`.

    Raises:
        Misfit: keys are missing or unknown, or values of another type.
    """
    check(Written, data)
    wrong = check_format(data["time"]["format"]) if "time" in data else ""
    if wrong:
        raise Misfit(f"the form of its dates is none: {wrong}")
    form: Form = next((cls(**data[kind]) for kind, cls in _KINDS.items() if kind in data), None)
    rest = {key: value for key, value in data.items() if key not in _KINDS}
    return Written(form, **{**rest, "missing": tuple(rest["missing"])})


def is_token(stripped: pl.Series, tokens: Sequence[str] = ()) -> pl.Series:
    """Which cells are missing: null, one of `MISSING` or one of some tokens.

    Args:
        stripped: cells of text without blanks around them.
        tokens: further cells that mean "missing".
    """
    return stripped.is_in([*MISSING, *tokens]).fill_null(True)


class Hints(NamedTuple):
    """What the other columns of a file say about forms.

    Args:
        decimal: decimal mark of the file; empty where nothing tells.
        order: order of day, month and year ("dmy", "mdy", "ymd"); empty where nothing tells.
        origin: name of the column that tells the order.
    """

    decimal: str = ""
    order: str = ""
    origin: str = ""


class Reading(NamedTuple):
    """A column of text, read.

    Args:
        values: values of its cells in the narrowest dtype that loses nothing; text as it is where
            there is none, or where the cells do not tell which of several forms they have.
        written: form of the cells; that of text where they do not tell.
        note: what a person should know of the reading; empty if there is nothing.
        choices: forms between which the cells cannot decide; empty where there is one form.
    """

    values: pl.Series
    written: Written
    note: str = ""
    choices: tuple[Written, ...] = ()


def read_column(contents: pl.Series, missing: Sequence[str] = ()) -> Reading:
    """What the cells of a column mean.

    Tokens such as "-" or "nil" count as missing where the other cells are numbers, dates or
    durations. Numbers with leading zeros (postcodes) and digits beyond 64 bits stay text.

    Args:
        contents: cells of text, null for missing ones.
        missing: further cells that mean "missing" (default none).
    """
    stripped = contents.str.strip_chars()
    absent = is_token(stripped, missing)
    counts = stripped.filter(~absent).alias("cell").value_counts(sort=False)
    cells, number = counts["cell"].alias(stripped.name), counts["count"]
    tokens = tuple(missing)
    holes = contents.filter(absent).drop_nulls()
    written = Written(missing=tokens, hole=holes[0] if len(holes) else "")
    if not len(cells):
        return Reading(contents.set(absent, None), written)
    if cells.is_in(["true", "false"]).all():
        truth = (stripped == "true").set(absent, None).alias(contents.name)
        return Reading(truth, written)
    forms = _forms(cells)
    found: tuple[str, ...] = ()
    if not forms and cells.str.contains(r"[0-9]").any():
        forms, found = _among_tokens(cells, number)
    if not forms:
        return Reading(contents.set(absent, None), written)
    note = _note(stripped, found, forms[0])
    blanks = contents.filter(~absent).str.extract(r"^([ \t]*)").unique()
    indent = blanks[0] if len(blanks) == 1 else ""
    written = replace(written, missing=(*tokens, *found), indent=indent)
    choices = [replace(written, form=form) for form in forms]
    if len(choices) > 1:
        return Reading(contents.set(absent, None), written, note, tuple(choices))
    return Reading(choices[0].read(contents), choices[0], note)


def _forms(cells: pl.Series) -> list[Form]:
    """The forms in which all of the distinct cells are values."""
    if not cells.head(20).str.contains(r"[0-9]|(?i)^[+-]?inf").all():
        return []
    found: list[Form] = list(time_forms(cells))
    if not found:
        numbers = [] if _is_beyond_64_bits(cells) else number_forms(cells)
        found = [refined_number(form, cells) for form in numbers]
    return found or list(duration_forms(cells))


def _is_beyond_64_bits(cells: pl.Series) -> bool:
    long = cells.filter(cells.str.contains(r"^[+-]?[0-9]{19,}$"))
    return bool(
        (long.cast(pl.UInt64, strict=False).is_null() & long.cast(pl.Int64, strict=False).is_null())
        .any()
    )  # fmt: skip


def _among_tokens(cells: pl.Series, number: pl.Series) -> tuple[list[Form], tuple[str, ...]]:
    """The forms of the cells but for a few tokens, and these."""
    known = cells.is_in(_AMONG_VALUES)
    odd = ~known & ~cells.str.contains(r"[0-9]") & ~cells.str.contains("^[<>≤≥]")
    for tokens, least in ((known, _LEAST_KNOWN), (known | odd, _LEAST_ODD)):
        rest = cells.filter(~tokens)
        n_odd = int((tokens & ~known).sum())
        share = int(number.filter(~tokens).sum()) / int(number.sum())
        if not len(rest) or len(rest) == len(cells) or share < least or n_odd > _MOST_ODD_TOKENS:
            continue
        forms = _forms(rest)
        if forms:
            return forms, tuple(cells.filter(tokens).sort().to_list())
    return [], ()


def _note(stripped: pl.Series, tokens: tuple[str, ...], form: Form) -> str:
    if not tokens:
        return ""
    counted = ", ".join(f"{token!r} ({int((stripped == token).sum())})" for token in tokens)
    noun = {NumberForm: "numbers", TimeForm: "dates or times"}.get(type(form), "durations")
    return f"column {stripped.name!r}: the cells are {noun}; these count as missing: {counted}"


def decided(reading: Reading, hints: Hints, contents: pl.Series, separator: str) -> Reading:
    """A reading with one form, if the other columns of the file, or its separator, tell which.

    Args:
        reading: reading of the column.
        hints: what the other columns say.
        contents: cells of the column.
        separator: separator of the file: where it is a comma, a comma in a number is none before
            decimals; only where it is a semicolon can points in plain numbers stand between
            thousands.
    """
    if len(reading.choices) < 2:
        return reading
    choices, note = list(reading.choices), reading.note
    if isinstance(choices[0].form, NumberForm):
        is_plain = choices[0].form.is_plain
        mark = hints.decimal or ("." if separator == "," or (is_plain and separator != ";") else "")
        choices = [c for c in choices if isinstance(c.form, NumberForm) and c.form.decimal == mark]
    else:
        choices = [c for c in choices if order_of(c.form) == hints.order != ""]
        if choices and isinstance(choices[0].form, TimeForm):
            note = (
                f"column {contents.name!r}: no cell tells day from month; read as"
                f" {choices[0].form.format}, the order of column {hints.origin!r}"
            )
    if len(choices) != 1:
        return reading
    return Reading(choices[0].read(contents), choices[0], note)


def hints_of(readings: Mapping[str, Reading]) -> Hints:
    """What the columns with one form say of the others.

    Args:
        readings: reading of each column.
    """
    marks, orders = set(), {}
    for name, reading in readings.items():
        form = reading.written.form
        if reading.choices or form is None:
            continue
        if isinstance(form, NumberForm) and (form.group or form.most != 0):
            marks.add(form.decimal)
        order = order_of(form)
        if order and order[0] != "y":
            orders.setdefault(order, name)
    order, origin = next(iter(orders.items())) if len(orders) == 1 else ("", "")
    return Hints(marks.pop() if len(marks) == 1 else "", order, origin)


def order_of(form: Form) -> str:
    """The order of day, month and year, all in digits with slashes or dashes between; else empty.

    Args:
        form: form of a column.
    """
    if not isinstance(form, TimeForm) or not {"m", "d"} <= form.codes or "." in form.format[:6]:
        return ""
    places = {letter: form.format.lower().replace("%-", "%").find(f"%{letter}") for letter in "dmy"}
    return "".join(sorted(places, key=lambda letter: places[letter]))


def given_form(contents: pl.Series, given: Mapping[str, Any], written: Written) -> Form:
    """The form that a user's settings of a column name, with what its cells tell.

    Args:
        contents: cells of text, null for missing ones.
        given: settings "format" and "pivot", or "decimal" and "thousands".
        written: form that was found.
    """
    cells = contents.str.strip_chars().filter(~written.is_missing(contents)).unique()
    if "format" in given:
        pivot = {key: given[key] for key in ("pivot",) if key in given}
        form = TimeForm(given["format"], **pivot)
        fits = cells.filter(form.read(cells).is_not_null())
        return refined_time(form, fits) if len(fits) else form
    found = number_forms(cells) if len(cells) else []
    shell = found[0].to_json() if found else {}
    mark = given.get("decimal", "," if given.get("thousands") == "." else ".")
    group = given.get("thousands", "," if mark == "." else ".")
    if "thousands" not in given and not cells.str.contains(group, literal=True).any():
        group = ""
    form = NumberForm(**{**shell, "decimal": mark, "group": group, "least": 0, "most": None})
    fits = cells.filter(form.read(cells).is_not_null())
    return refined_number(form, fits) if len(fits) else form
