"""The language of constraints, of `fit --where` and `condition --given`.

| written | means |
|---|---|
| `end > start`, `a <= b <= c`, `a + b <= 100` | an order of linear forms |
| `total = a + b`, `a + b + c = 1` | a linear equation |
| `city determines country, region` | one value of the second for each value of the first |
| `combinations of make, model` | only the combinations that the table has |
| `price in steps of 0.05` | a lattice |
| `unique number`, `unique shop, day` | no two rows alike |

Columns are found by the longest name that fits; one may be put between backticks. Beside columns of
times stand dates, times of day and durations (`end < 2024-03-01`, `end - start < 30 days`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from quasistatic.data.constraints.form import Form
from quasistatic.data.constraints.moments import with_numbers
from quasistatic.data.text.names import resolve
from quasistatic.errors import SchemaError

__all__ = [
    "Combinations",
    "Comparison",
    "Statement",
    "Steps",
    "Unique",
    "parse",
    "read_comparison",
    "read_form",
]

_RELATION = re.compile(r"<=|>=|==|=|<|>")
_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_LARGEST = 1e12
"""Numbers in a form: with six decimals they fit into 64 bits."""
_HELP = (
    "write `end > start`, `total = a + b`, `city determines country`, `combinations of a, b`,"
    " `price in steps of 0.05` or `unique number`"
)


@dataclass(frozen=True)
class Comparison:
    """`form >= 0`, `form > 0` or `form = 0`.

    Args:
        form: linear form of columns.
        relation: the relation to 0, ">=", ">" or "=".
        text: constraint as it was written.
    """

    form: Form
    relation: str
    text: str


@dataclass(frozen=True)
class Combinations:
    """Columns of which only those combinations occur that the table has.

    Args:
        keys: columns that determine the others; all of them where nothing is determined.
        members: all columns, the keys first.
        text: constraint as it was written.
    """

    keys: tuple[str, ...]
    members: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Steps:
    """A column whose values lie on `offset + k step`.

    Args:
        column: name of the column.
        step: distance of neighbouring values, in the column's units.
        offset: one of the values.
        text: constraint as it was written.
    """

    column: str
    step: float
    offset: float
    text: str


@dataclass(frozen=True)
class Unique:
    """Columns in which no two rows of a table are alike; rows with a missing cell there are like
    none.

    Args:
        members: the columns.
        text: constraint as it was written.
    """

    members: tuple[str, ...]
    text: str


Statement = Comparison | Combinations | Steps | Unique


def parse(
    text: str, names: Sequence[str], units: Mapping[str, str] = MappingProxyType({})
) -> tuple[Statement, ...]:
    """What a constraint says; a chain `a < b < c` says several things.

    Args:
        text: constraint as it is written.
        names: names of the columns.
        units: units of the columns of times, by name (default none), in which dates and durations
            are counted.

    Raises:
        SchemaError: no constraint, or of unknown columns.

    Example:
        >>> [(c.form.text, c.relation) for c in parse("a < b <= c", ["a", "b", "c"])]
        [('b - a', '>'), ('c - b', '>=')]
    """
    text = " ".join(text.split())
    for pattern, build in (
        (r"^(.+) determines? (.+)$", _determines),
        (r"^combinations of (.+)$", _combinations),
        (r"^unique (.+)$", _unique),
        (r"^(.+) in steps of (\S+)(?: from (\S+))?$", _steps),
    ):
        match = re.match(pattern, text)
        found = None if match is None else build(text, names, *match.groups())
        if found is not None:
            return (found,)
    return read_comparison(text, names, units)


def read_comparison(
    text: str, names: Sequence[str], units: Mapping[str, str] = MappingProxyType({})
) -> tuple[Comparison, ...]:
    """Forms and relations of `a < b`, `a + b = c` and chains of them.

    Args:
        text: comparison as it is written.
        names: names of the columns.
        units: units of the columns of times, by name (default none).

    Raises:
        SchemaError: no comparison of linear forms of the columns.
    """
    written = text
    if units:
        text = with_numbers(text, units, lambda place: _name_at(written, place, names))
    forms, relations, form, place, sign = [], [], Form(()), 0, 1.0
    expects_term = True
    factor = None
    while place < len(text):
        if text[place] == " ":
            place += 1
            continue
        if expects_term:
            name, after = _name_at(text, place, names)
            number = None if name is not None else _NUMBER.match(text, place)
            if name is not None:
                form = form.plus(Form.of({name: sign * (1.0 if factor is None else factor)}))
                place, factor, expects_term = after, None, False
            elif number is not None:
                place, value = number.end(), float(number[0])
                rest = text[place:].lstrip()
                if rest.startswith("*") and factor is None:
                    place, factor = len(text) - len(rest) + 1, value
                elif factor is None:
                    form, expects_term = form.plus(Form((), sign * value)), False
                else:
                    raise _unknown(text, place, names)
            elif text[place] in "+-" and factor is None:
                sign, place = (-sign if text[place] == "-" else sign), place + 1
            else:
                raise _unknown(text, place, names)
            continue
        relation = _RELATION.match(text, place)
        if relation is not None:
            forms.append(form)
            relations.append(relation[0].replace("==", "="))
            form, sign, place, expects_term = Form(()), 1.0, relation.end(), True
        elif text[place] in "+-":
            sign, place, expects_term = (-1.0 if text[place] == "-" else 1.0), place + 1, True
        else:
            raise _unknown(text, place, names)
    forms.append(form)
    if not relations or expects_term:
        raise SchemaError("this is no constraint", where=f"the constraint {text!r}", fix=_HELP)
    found = []
    for left, relation, right in zip(forms, relations, forms[1:], strict=False):
        small, large = (left, right) if relation.startswith("<") else (right, left)
        difference = large.plus(small.times(-1.0))
        kind = "=" if relation == "=" else ">=" if relation.endswith("=") else ">"
        if not difference.terms:
            raise SchemaError(
                "it compares nothing but numbers", where=f"the constraint {text!r}", fix=_HELP
            )
        numbers = [difference.constant, *(value for _, value in difference.terms)]
        if not all(abs(number) <= _LARGEST for number in numbers):
            raise SchemaError("a number in it is too large", where=f"the constraint {text!r}")
        found.append(Comparison(difference, kind, written))
    return tuple(found)


def read_form(text: str, names: Sequence[str]) -> Form:
    """A linear form of columns, such as `end - start`.

    Args:
        text: form as it is written.
        names: names of the columns.

    Raises:
        SchemaError: no linear form of the columns.
    """
    (found,) = read_comparison(f"{' '.join(text.split())} >= 0", names)
    return found.form


def _name_at(text: str, place: int, names: Sequence[str]) -> tuple[str | None, int]:
    """The column whose name stands at a place, the longest one, and where it ends."""
    if text[place] == "`":
        end = text.find("`", place + 1)
        name = None if end < 0 else resolve(text[place + 1 : end], names)
        return name, end + 1
    best: tuple[str | None, int] = None, place
    for name in names:
        shown = " ".join(name.split())
        end = place + len(shown)
        if shown and text.startswith(shown, place) and end > best[1] and _ends(text, end, shown):
            best = name, end
    return best


def _ends(text: str, end: int, name: str) -> bool:
    """Whether a name may end here: `a` is not the beginning of `ab`."""
    in_word = end < len(text) and (text[end].isalnum() or text[end] == "_")
    return not (in_word and (name[-1].isalnum() or name[-1] == "_"))


def _unknown(text: str, place: int, names: Sequence[str]) -> SchemaError:
    shown = ", ".join(map(repr, names[:12])) + (", ..." if len(names) > 12 else "")
    return SchemaError(
        f"{text[place:]!r} is neither a column nor a number",
        where=f"the constraint {text!r}",
        fix=f"the columns are {shown}; {_HELP}",
    )


def _listed(text: str, names: Sequence[str], whole: str) -> tuple[str, ...]:
    """The columns of a list; a name may hold a comma."""
    found, place = [], 0
    while place < len(text):
        name, after = _name_at(text, place, names)
        rest = text[after:].lstrip()
        if name is None or (rest and not rest.startswith(",")):
            raise _unknown(whole, whole.find(text) + place, names)
        found.append(name)
        place = len(text) - len(rest[1:].lstrip()) if rest else len(text)
    return tuple(dict.fromkeys(found))


def _determines(text: str, names: Sequence[str], first: str, second: str) -> Combinations:
    keys, rest = _listed(first, names, text), _listed(second, names, text)
    if set(keys) & set(rest):
        raise SchemaError("a column determines itself", where=f"the constraint {text!r}")
    return Combinations(keys, keys + rest, text)


def _combinations(text: str, names: Sequence[str], listed: str) -> Combinations:
    members = _listed(listed, names, text)
    if len(members) < 2:
        raise SchemaError(
            "a combination has two columns or more", where=f"the constraint {text!r}", fix=_HELP
        )
    return Combinations(members, members, text)


def _unique(text: str, names: Sequence[str], listed: str) -> Unique:
    return Unique(_listed(listed, names, text), text)


def _steps(
    text: str, names: Sequence[str], column: str, step: str, offset: str | None
) -> Steps | None:
    try:
        sizes = float(step), float(offset or 0.0)
    except ValueError:
        return None
    listed = _listed(column, names, text)
    if len(listed) != 1:
        raise SchemaError("steps are those of one column", where=f"the constraint {text!r}")
    if not (1e-290 < sizes[0] < 1e300 and abs(sizes[1]) <= 2.0**63 * sizes[0]):
        raise SchemaError(
            f"no lattice has steps of {step}, from {offset or 0} on",
            where=f"the constraint {text!r}",
        )
    return Steps(listed[0], *sizes, text)
