"""From comparisons to columns that are left out or measured from others: elimination, and an order
of the columns in which each is made from those before it.
"""

from collections.abc import Sequence
from dataclasses import replace

from quasistatic.data.constraints.equation import Equation
from quasistatic.data.constraints.form import Form
from quasistatic.data.constraints.language import Comparison
from quasistatic.data.constraints.order import Order
from quasistatic.data.constraints.scale import Scale, places_of
from quasistatic.data.schema import Column, Schema
from quasistatic.errors import SchemaError


def eliminated(
    comparisons: Sequence[Comparison], schema: Schema, fixed: frozenset[str]
) -> tuple[list[tuple[str, Form, str]], list[Comparison]]:
    """The equations, each solved for one column, and the other comparisons without these columns.

    Args:
        comparisons: all comparisons.
        schema: schema of the table.
        fixed: columns that nothing is solved for.

    Raises:
        SchemaError: equations that contradict each other.
    """
    solved: list[tuple[str, Form, str]] = []
    written: dict[str, Form] = {}
    for one in comparisons:
        if one.relation != "=":
            continue
        form = one.form
        for name, value, _ in solved:
            form = form.with_column(name, value)
        form = _rounded(form)
        if not form.terms:
            if abs(form.constant) > 1e-9:
                texts = ", ".join(repr(text) for *_, text in solved)
                raise SchemaError(f"it contradicts {texts}", where=f"the constraint {one.text!r}")
            continue
        name = solved_for(form, schema, one.text, fixed)
        value = form.without(name).times(-1.0 / form.coefficient(name))
        written[name] = one.form
        solved = [(n, _rounded(v.with_column(name, value)), t) for n, v, t in solved]
        solved.append((name, _rounded(value), one.text))
    rest = []
    for one in comparisons:
        if one.relation != "=":
            form = one.form
            for name, value, _ in solved:
                form = form.with_column(name, value)
            rest.append(replace(one, form=_rounded(form)))
    return _in_turn(solved, written), rest


def _in_turn(
    solved: list[tuple[str, Form, str]], written: dict[str, Form]
) -> list[tuple[str, Form, str]]:
    """The equations as they were written, each of columns that are made before it; where there is
    no such order, of columns that no equation makes.

    A total of parts of which one is rounded is then exact, too.
    """
    if any(not form.coefficient(name) for name, form in written.items()):
        return solved
    texts = {name: text for name, _, text in solved}
    ready: list[tuple[str, Form, str]] = []
    while len(ready) < len(written):
        rest = {name: f for name, f in written.items() if name not in {r[0] for r in ready}}
        free = [n for n, f in rest.items() if not set(f.names) & (set(rest) - {n})]
        if not free:
            return solved
        form = rest[free[0]]
        value = form.without(free[0]).times(-1.0 / form.coefficient(free[0]))
        ready.append((free[0], _rounded(value), texts[free[0]]))
    return ready


def _rounded(form: Form) -> Form:
    """The form without coefficients that are 0 but for rounding."""
    terms = {name: value for name, value in form.terms if abs(value) > 1e-12}
    return Form.of(terms, 0.0 if abs(form.constant) < 1e-12 else form.constant)


def solved_for(form: Form, schema: Schema, text: str, fixed: frozenset[str] = frozenset()) -> str:
    """The column that is alone on its side, or the last one with a coefficient of 1."""
    open_ = [(name, value) for name, value in form.terms if name not in fixed]
    if not open_:
        raise SchemaError(
            "all its columns are determined by other constraints",
            where=f"the constraint {text!r}",
            fix="leave one of the constraints out",
        )
    units = [(name, value) for name, value in open_ if abs(value) == 1] or open_
    for name, value in units:
        if sum(v * value > 0 for _, v in form.terms) == 1 and len(form.terms) > 1:
            return name
    return units[-1][0]


def equations_of(solved: Sequence[tuple[str, Form, str]], schema: Schema) -> tuple[Equation, ...]:
    """The equations with the unit in which they are exact.

    Args:
        solved: columns, the forms that they are equal to, and the constraints as written.
        schema: schema of the table.
    """
    found = []
    for pivot, value, text in solved:
        columns = [schema.column(name) for name in (pivot, *value.names)]
        scale = Scale.of(columns, [value], f"the constraint {text!r}")
        places = None if scale.is_exact else places_of(columns[0])
        step = 0.0 if places is None else 10.0**-places
        found.append(Equation(pivot, value, scale, _are_shares(columns, value), step))
    return tuple(found)


def _are_shares(columns: Sequence[Column], value: Form) -> bool:
    """Whether a whole is shared out: nothing is negative, and the pivot is what the rest leaves."""
    signs = all(v == -1 for _, v in value.terms) and value.constant > 0
    return signs and all(
        not c.is_discrete and c.lower is not None and c.lower >= 0 for c in columns
    )


class _Range:
    """`low <= form <= high`: all comparisons of one form but for its constant."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.low: tuple[float, bool] | None = None
        self.high: tuple[float, bool] | None = None
        self.texts: list[str] = []

    def tighten(self, constant: float, sign: float, strict: bool, text: str) -> None:
        """One more comparison `sign form + constant >= 0`."""
        self.texts.append(text)
        limit = (-constant, strict) if sign > 0 else (constant, strict)
        if sign > 0:
            self.low = limit if self.low is None else max(self.low, limit)
        elif self.high is None or (limit[0], not strict) < (self.high[0], not self.high[1]):
            self.high = limit
        if self.low is None or self.high is None:
            return
        if self.low[0] > self.high[0] or (
            self.low[0] == self.high[0] and (self.low[1] or self.high[1])
        ):
            raise SchemaError(
                f"no value is left of {self.form.text}: at least {self.low[0]:g} and at most"
                f" {self.high[0]:g}",
                where="the constraints " + ", ".join(map(repr, self.texts)),
                fix="leave one of them out",
            )

    @property
    def upward(self) -> "tuple[Form, tuple[float, bool], tuple[float, bool] | None]":
        """The form, turned so that it has a lower limit; that limit, and the upper one."""
        if self.low is not None:
            return self.form, self.low, self.high
        assert self.high is not None
        return self.form.times(-1.0), (-self.high[0], self.high[1]), None


def ranges_of(comparisons: Sequence[Comparison]) -> list[_Range]:
    """The limits of every linear form.

    Args:
        comparisons: comparisons without equations.

    Raises:
        SchemaError: limits that contradict each other.
    """
    found: dict[tuple[tuple[str, float], ...], _Range] = {}
    for one in comparisons:
        constant, strict = one.form.constant, one.relation == ">"
        if not one.form.terms:
            if constant < 0 or (strict and constant == 0):
                raise SchemaError(
                    "it contradicts the other constraints",
                    where=f"the constraint {one.text!r}",
                    fix="leave one of them out",
                )
            continue
        # A form and its negative are one; what was written first says which way round.
        size = abs(one.form.terms[0][1]) if len(one.form.terms) == 1 else 1.0
        sign, key = 1.0, tuple(sorted((n, v / size) for n, v in one.form.terms))
        negative = tuple(sorted((n, -v / size) for n, v in one.form.terms))
        if negative in found or (len(key) == 1 and key[0][1] < 0):
            sign, key = -1.0, negative
        if key not in found:
            found[key] = _Range(Form.of({n: sign * v / size for n, v in one.form.terms}))
        found[key].tighten(constant / size, sign, strict, one.text)
    return list(found.values())


def orders_of(
    ranges: Sequence[_Range], schema: Schema, fixed: frozenset[str], taken: frozenset[str]
) -> tuple[Order, ...]:
    """For every form of several columns the one that is measured from the others, in an order in
    which each is made from columns before it.

    Args:
        ranges: forms with their limits.
        schema: schema of the table.
        fixed: columns that no difference stands for.
        taken: names that the table has.

    Raises:
        SchemaError: the columns go round in a circle.
    """
    several = [item for item in ranges if len(item.form.terms) > 1]
    chosen = _search(several, schema, fixed, {}, 0)
    if chosen is None:
        raise _circular(several, fixed)
    grouped: dict[str, list[_Range]] = {}
    for item, (pivot, _) in zip(several, chosen, strict=True):
        grouped.setdefault(pivot, []).append(item)
    signs = dict(chosen)
    orders = [_order(p, signs[p], items, schema, taken) for p, items in grouped.items()]
    ready: list[Order] = []
    while orders:
        pivots = {order.pivot for order in orders}
        first = next(order for order in orders if not pivots & set(order.names))
        orders.remove(first)
        ready.append(first)
    return tuple(ready)


def _search(
    items: Sequence[_Range],
    schema: Schema,
    fixed: frozenset[str],
    made: dict[str, tuple[int, set[str], bool]],
    place: int,
) -> list[tuple[str, int]] | None:
    """A pivot and its sign for each form, without a circle; None where there is no way."""
    if place == len(items):
        return []
    form, _, high = items[place].upward
    options = [(n, v) for n, v in form.terms if abs(v) == 1 and n not in fixed]
    options = options or [(n, v) for n, v in form.terms if n not in fixed]
    numbers_first = sorted(options, key=lambda o: (o[1] < 0, schema.column(o[0]).is_discrete))
    for name, value in numbers_first:
        sign = 1 if value > 0 else -1
        others = set(form.names) - {name}
        before = made.get(name)
        if before is not None and (before[0] != sign or before[2] or high is not None):
            continue
        needs = others | (before[1] if before is not None else set())
        trial = made | {name: (sign, needs, high is not None)}
        if _cycle({n: needed for n, (_, needed, _) in trial.items()}) is not None:
            continue
        rest = _search(items, schema, fixed, trial, place + 1)
        if rest is not None:
            return [(name, sign), *rest]
    return None


def _cycle(needs: dict[str, set[str]]) -> list[str] | None:
    """Columns that need each other in a circle, the first one at both ends."""

    def walk(name: str, path: list[str]) -> list[str] | None:
        if name in path:
            return [*path[path.index(name) :], name]
        for other in sorted(needs.get(name, ())):
            found = walk(other, [*path, name])
            if found is not None:
                return found
        return None

    return next((found for name in needs if (found := walk(name, [])) is not None), None)


def _circular(items: Sequence[_Range], fixed: frozenset[str]) -> SchemaError:
    above: dict[str, set[str]] = {}
    for item in items:
        form, _, _ = item.upward
        for name, value in form.terms:
            if value > 0:
                above.setdefault(name, set()).update(n for n, v in form.terms if v < 0)
    cycle = _cycle(above)
    texts = "the constraints " + ", ".join(repr(t) for item in items for t in item.texts)
    if cycle is not None:
        return SchemaError(
            f"they go round in a circle: {' > '.join(cycle)}",
            where=texts,
            fix="leave one of them out",
        )
    held = [name for item in items for name in item.form.names if name in fixed]
    more = f" ({', '.join(map(repr, held))} determined by others)" if held else ""
    return SchemaError(
        f"no column can be measured from the others in each of them{more}",
        where=texts,
        fix="leave one of them out",
    )


def _order(
    pivot: str, sign: int, items: Sequence[_Range], schema: Schema, taken: frozenset[str]
) -> Order:
    names = dict.fromkeys(name for item in items for name in item.form.names)
    turned = [item.upward for item in items]
    forms = [form.plus(Form((), -low[0])) for form, low, _ in turned]
    where = "the constraints " + ", ".join(repr(t) for item in items for t in item.texts)
    own = forms[0].coefficient(pivot)
    bounds = tuple(form.without(pivot).times(-1.0 / form.coefficient(pivot)) for form in forms)
    scale = Scale.of([schema.column(name) for name in names], bounds, where)
    high, low = turned[0][2], turned[0][1]
    widest = None if high is None else (high[0] - low[0]) / abs(own)
    if len(items) == 1:
        name = turned[0][0].text
    else:
        name = f"{pivot} from {', '.join(n for n in names if n != pivot)}"
    while name in taken:
        name += "'"
    strict = any(limit[1] for _, limit, _ in turned)
    end = high is not None and high[1]
    return Order(pivot, sign, bounds, strict, widest, end, scale, name)
