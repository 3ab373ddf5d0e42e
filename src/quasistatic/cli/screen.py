"""What the user sees: human text, the schema as a table, progress, and the JSON object.

With `--json`, standard output carries one JSON object and nothing else; human text goes to standard
error. With an output of `-`, standard output carries the rows.
"""

import json
import math
import re
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from quasistatic.cli.legible import legible, legible_json

if TYPE_CHECKING:
    from quasistatic.data.layout import Layout
    from quasistatic.data.schema import Schema

_NUMBER = re.compile(r"[-+]?\d+(\.\d*)?(e[-+]?\d+)?")


class Screen:
    """Where the human text goes, and how much of it.

    Args:
        as_json: whether the result is a JSON object on standard output (default False).
        rows_on_stdout: whether the result is a table on standard output (default False).
        quiet: whether only the result and warnings are printed (default False).
    """

    def __init__(
        self, *, as_json: bool = False, rows_on_stdout: bool = False, quiet: bool = False
    ) -> None:
        self.as_json, self.quiet = as_json, quiet
        self.human = _console(stderr=as_json or rows_on_stdout)
        self.errors = _console(stderr=True)

    def tell(self, text: str = "", *, style: str = "") -> None:
        """A line that `--quiet` leaves out."""
        if not self.quiet:
            self.human.print(Text(legible(text), style=style))

    def result(self, text: str) -> None:
        """A line of the result: always printed."""
        self.human.print(Text(legible(text)))

    def warn(self, text: str) -> None:
        """A line on standard error that `--quiet` does not leave out."""
        self.errors.print(Text(legible(text), style="yellow"))

    def notes(self, notes: Iterable[str]) -> None:
        """What a person should know of how a file was read, a line each, on standard error."""
        for note in notes:
            self.errors.print(Text(legible(f"Note: {note}")))

    def table(self, title: str, head: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
        """A table that `--quiet` leaves out; None is an empty cell."""
        if self.quiet:
            return
        rows = [
            ["" if cell is None else legible(str(cell), keep="") for cell in row] for row in rows
        ]
        table = Table(box=None, header_style="bold", pad_edge=False)
        for number, name in enumerate(head):
            table.add_column(
                Text(legible(name, keep="")),
                overflow="fold",
                justify=_justify([row[number] for row in rows]),
            )
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self.human.print(Text(legible(title), style="bold"))
        self.human.print(table, soft_wrap=False)

    def json(self, values: Mapping[str, Any]) -> None:
        """The JSON object, if it was asked for. Numbers that JSON does not know (nan, inf) become
        null.
        """
        if self.as_json:
            text = json.dumps(_plain(values), indent=2, ensure_ascii=False, allow_nan=False)
            print(legible_json(text), file=sys.stdout)

    def schema(self, schema: "Schema") -> None:
        """The kinds of the columns, the base measure, and the columns that the model does not use,
        with the reason.
        """
        rows = [
            [r["name"], r["kind"], r["detail"], r["missing"] or None] for r in schema.describe()
        ]
        self.table("Columns", ["column", "kind", "detail", "missing"], rows)
        if self.quiet:
            for name, reason in left_out(schema).items():
                self.warn(f"Left out: column {name!r}: {reason}")


def left_out(schema: "Schema") -> dict[str, str]:
    """The columns that the model does not use: name and reason."""
    return {item.name: item.reason for item in schema.left_out}


def describe(schema: "Schema") -> dict[str, Any]:
    """The schema for a JSON result."""
    return {
        "columns": [
            row for row in schema.describe() if row["kind"] not in ("left out", "constraint")
        ],
        **({} if schema.layout is None else {"layout": schema.layout.to_json()}),
        "left_out": left_out(schema),
        "constraints": list(schema.constraints),
        "base_measure": schema.base_measure(),
    }


def nats(value: float, stderr: float | None = None) -> str:
    """A number of nats for people: four digits after the point, the standard error behind it."""
    if stderr is None or not math.isfinite(stderr):
        return f"{value:.4f}"
    return f"{value:.4f} ± {stderr:.4f}"


def in_bits(layout: "Layout", value: float, stderr: float | None = None) -> str:
    """A log-likelihood of a row (nats) in the bits of its layout, for people."""
    error = None if stderr is None else layout.bits(stderr)
    return f"{nats(layout.bits(value), error)} {layout.bits_unit}"


def duration(seconds: float) -> str:
    """Seconds for people: 42 s, 3 min 20 s, 1 h 05 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _console(*, stderr: bool) -> Console:
    """A console that never breaks a line of text; in a file or a pipe, tables are 120 characters
    wide.
    """
    console = Console(stderr=stderr, highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = max(console.width, 120)
    return console


def _justify(cells: list[str]) -> Literal["left", "right"]:
    """Numbers to the right."""
    filled = [cell for cell in cells if cell]
    return "right" if filled and all(_NUMBER.fullmatch(cell) for cell in filled) else "left"


def _plain(value: Any) -> Any:
    """Values as JSON knows them: NumPy scalars and arrays become Python's own."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    import numpy as np

    array = np.asarray(value)
    return str(value) if array.dtype.kind in "OSV" else _plain(array.tolist())
