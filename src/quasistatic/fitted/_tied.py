"""Linear forms of a table's columns in the model's space: of columns that are tied as well."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.data.codec import Codec
from quasistatic.data.constraints.form import Form
from quasistatic.data.constraints.scale import are_numbers
from quasistatic.data.constraints.ties import Ties
from quasistatic.posterior.decode import DecodedRow, Units
from quasistatic.typing import State

WINDOW = 0.01
"""Half width of the window that stands for an exact value of a density, in standard deviations."""
SLOPE = 0.05
"""Distance beyond its limits at which the guide of a form falls, in standard deviations."""


def rows_of(codec: Codec, ties: Ties | None) -> Callable[..., dict[str, jax.Array]]:
    """The function from a state to the columns of the table: numbers in their own units, categories
    as their number in the schema, those of numbers as numbers; rounded to the columns' lattices
    where that is asked for.

    Args:
        codec: codec of the model.
        ties: ties of the table; None where it has no constraints.
    """
    decoded = DecodedRow(Units.of(codec), codec)
    lattices = {
        c.name: (float(c.offset), float(c.step or 1.0)) for c in codec.continuous if c.has_lattice
    }
    numeric = [column for column in codec.discrete if are_numbers(column)]
    states = {column.name: np.asarray(column.categories, np.float32) for column in numeric}

    def row(x_0: State, rounded: bool = False) -> dict[str, jax.Array]:
        found = decoded(x_0)
        for name, values in states.items():
            found[name] = jnp.asarray(values)[found[name]]
        for name, (offset, step) in lattices.items() if rounded else ():
            found[name] = offset + step * jnp.rint((found[name] - offset) / step)
        return found if ties is None else ties.of_row(found, jnp)

    return row


@dataclass(frozen=True, eq=False)
class FormNumbers:
    """The function from a state to the values of linear forms of the table's columns, `[R]`. Two of
    one codec and equal forms are equal: programs are compiled once for them.

    Args:
        codec: codec of the model.
        ties: ties of the table; None where it has no constraints.
        forms: R forms.
    """

    codec: Codec
    ties: Ties | None
    forms: tuple[Form, ...]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, FormNumbers)
            and self.codec is other.codec
            and self.ties is other.ties
            and self.forms == other.forms
        )

    def __hash__(self) -> int:
        return hash((id(self.codec), id(self.ties), self.forms))

    def __call__(self, x_0: State, rounded: bool) -> jax.Array:
        of = rows_of(self.codec, self.ties)(x_0, rounded)
        return jnp.stack(
            [
                sum((value * of[name] for name, value in form.terms), jnp.asarray(form.constant))
                for form in self.forms
            ]
        )


def spread(codec: Codec, form: Form) -> float:
    """About the standard deviation of a form of the columns of the model, in its units.

    Args:
        codec: codec of the model.
        form: form of columns of the model.
    """
    total = 0.0
    for name, value in form.terms:
        column = codec.schema.column(name)
        if not column.is_discrete:
            (_, j), *_ = codec.places(name)
            ends = codec.transforms[j].inverse(np.array([-1.0, 1.0]))
            width = 0.5 * float(ends[1] - ends[0])
            total += (value * width * (column.step or 1.0 if column.has_lattice else 1.0)) ** 2
    return float(np.sqrt(total)) or 1.0


def unit_of(codec: Codec, form: Form) -> float:
    """The distance of neighbouring values of a form, where all of its columns lie on lattices with
    whole coefficients; otherwise 0.

    Args:
        codec: codec of the model.
        form: form of columns of the model.
    """
    columns = [codec.schema.column(name) for name in form.names]
    if not all(c.has_lattice for c in columns) or any(v != int(v) for _, v in form.terms):
        return 0.0
    return min(float(c.step or 1.0) for c in columns)


def expanded(ties: Ties | None, form: Form, known: frozenset[str] = frozenset()) -> Form | None:
    """A form of the table's columns as one of the model's; None where it is none.

    Args:
        ties: ties of the table; None where it has no constraints.
        form: linear form.
        known: determined columns that stay in it (default none).
    """
    if ties is None:
        return form
    for equation in reversed(ties.equations):
        if equation.pivot in known:
            continue
        form = form.with_column(equation.pivot, equation.form(ties.schema))
    for order in reversed(ties.orders):
        if form.coefficient(order.pivot):
            value = order.form(ties.schema)
            if value is None:
                return None
            form = form.with_column(order.pivot, value)
    members = {name for one in ties.combinations for name in one.members}
    return None if members & set(form.names) else form
