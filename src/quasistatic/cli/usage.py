"""Wrong usage: what is said of an argument that is not understood is safe for a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from quasistatic.cli.legible import legible

__all__ = ["LegibleGroup"]


class LegibleGroup(TyperGroup):
    """A group of commands: an error of usage repeats an argument with escapes in place of what a
    terminal acts upon.
    """

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: typer.Context | None = None,
        **extra: Any,
    ) -> Any:
        """The context of the group's own options."""
        with _legible_errors():
            return TyperGroup.make_context(self, info_name, args, parent, **extra)

    def invoke(self, ctx: typer.Context) -> Any:
        """Read the options of the command that was named, and run it."""
        with _legible_errors():
            return TyperGroup.invoke(self, ctx)


@contextmanager
def _legible_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if callable(message := getattr(error, "format_message", None)):
            text = legible(str(message()))
            error.format_message = lambda: text  # type: ignore[attr-defined]
        raise
