"""What a view is, and what views share."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode

from quasistatic.data.layout import LayoutKind
from quasistatic.serve.reference import Reference
from quasistatic.serve.subject import labels

__all__ = [
    "CELL",
    "Params",
    "Parts",
    "Shows",
    "View",
    "address",
    "example",
    "nats",
    "rarity",
    "split_given",
]

Params = Mapping[str, str]
"""The parameters of an address."""
Parts = dict[str, tuple[str, dict[str, Any]]]
"""Parts of a page by the id of their place: a template and what it is filled with."""
Shows = Literal["table", LayoutKind]
"""What the rows of a model are."""
CELL = "c."
"""What a parameter that is a cell begins with; the column's name follows."""


class View(NamedTuple):
    """One view.

    Args:
        path: address of the page.
        title: title of the page, and its name in the navigation.
        form: function from what is usual and the parameters to what the page's template is filled
            with.
        parts: function from what is usual and the parameters to the parts of the answer, better
            from step to step.
        needs_table: whether it shows rows of a table (default False).
        remembered: whether a whole answer is remembered (default True).
        usual: function from what is usual to the parameters of a question whose programs are worth
            compiling before anyone asks; None (default) for none.
        shows: kind of rows that it shows, "table" (the default), "images" or "sequence".
        page: name of the page's template; empty (default) is that of the path.
    """

    path: str
    title: str
    form: Callable[[Reference, Params], dict[str, Any]]
    parts: Callable[[Reference, Params], Iterator[Parts]]
    needs_table: bool = False
    remembered: bool = True
    usual: Callable[[Reference], Params] | None = None
    shows: Shows = "table"
    page: str = ""

    @property
    def template(self) -> str:
        """The page's template."""
        return f"{self.page or self.path.strip('/')}.html.jinja"


def address(path: str, params: Mapping[str, str]) -> str:
    """The address of a view; empty parameters are left out."""
    query = urlencode({key: value for key, value in params.items() if value})
    return f"{path}?{query}" if query else path


def split_given(params: Params) -> list[str]:
    """The conditions of an address, one behind a semicolon each."""
    return [text.strip() for text in params.get("given", "").split(";") if text.strip()]


def nats(value: float, stderr: float | None = None) -> str:
    """A number of nats for people, with its error.

    Example:
        >>> nats(-18.1187, 0.021), nats(-18.1187)
        ('-18.119 ± 0.021', '-18.119')
    """
    return f"{value:.3f}" if stderr is None or stderr != stderr else f"{value:.3f} ± {stderr:.3f}"


def rarity(surprise: float) -> dict[str, Any]:
    """How unusual a cell is, for people: one in so many, and the length of its bar.

    Args:
        surprise: surprise of the cell, nats.

    Example:
        >>> rarity(0.2)["words"], rarity(3.4)["words"], rarity(99.0)["words"]
        ('usual', '1 in 30', '1 in 1,000,000')
    """
    one_in = math.exp(min(surprise, 13.8155106))
    words = "usual" if one_in < 3 else f"1 in {float(f'{one_in:.1g}'):,.0f}"
    level = "high" if one_in >= 100 else "some" if one_in >= 20 else "low"
    return {"words": words, "level": level, "value": round(min(surprise, 7.0), 2), "nats": surprise}


def example(reference: Reference) -> str:
    """A condition in the words of the table: on its first column of categories, if it has one.

    Args:
        reference: model, and what is usual.
    """
    for column in reference.subject.schema.columns:
        if column.is_discrete and not column.constant:
            return f"{column.name}={labels(column)[0]}"
    return f"{reference.subject.schema.names[0]} > 0"
