"""Linear forms of columns: sum of coefficient times column, and a constant."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

__all__ = ["Form"]


@dataclass(frozen=True)
class Form:
    """`constant + sum_i coefficient_i column_i`.

    Args:
        terms: columns with their coefficients, none of which is 0, in the order in which they
            were named.
        constant: the constant (default 0).

    Example:
        >>> late = Form.of({"end": 1.0, "start": -1.0}, -3.0)
        >>> late.text, late.times(-1.0).text
        ('end - start - 3', '-end + start + 3')
    """

    terms: tuple[tuple[str, float], ...]
    constant: float = 0.0

    @classmethod
    def of(cls, terms: Mapping[str, float], constant: float = 0.0) -> Self:
        """From a mapping; coefficients of 0 are left out."""
        return cls(tuple((name, value) for name, value in terms.items() if value), constant)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(name for name, _ in self.terms)

    def coefficient(self, name: str) -> float:
        """The coefficient of a column, 0 where the form does not have it."""
        return dict(self.terms).get(name, 0.0)

    def plus(self, other: "Form") -> "Form":
        """The sum of two forms."""
        terms = dict(self.terms)
        for name, value in other.terms:
            terms[name] = terms.get(name, 0.0) + value
        return Form.of(terms, self.constant + other.constant)

    def times(self, factor: float) -> "Form":
        """The form times a number."""
        return Form.of({name: factor * v for name, v in self.terms}, factor * self.constant)

    def without(self, name: str) -> "Form":
        """The form without the term of a column."""
        return Form(tuple(term for term in self.terms if term[0] != name), self.constant)

    def with_column(self, name: str, value: "Form") -> "Form":
        """The form with a column replaced by what it is equal to.

        Args:
            name: name of the column.
            value: form that the column is equal to.
        """
        factor = self.coefficient(name)
        return self.without(name).plus(value.times(factor)) if factor else self

    @property
    def text(self) -> str:
        """The form as people write it."""
        parts = []
        for name, value in self.terms:
            size = "" if abs(value) == 1 else f"{abs(value):g} * "
            parts.append(f"{'-' if value < 0 else '+'} {size}{name}")
        if self.constant or not parts:
            parts.append(f"{'-' if self.constant < 0 else '+'} {abs(self.constant):g}")
        text = " ".join(parts)
        return text.removeprefix("+ ") if text.startswith("+") else f"-{text[2:]}"
