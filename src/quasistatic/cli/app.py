"""The Typer application: one command a file, registered here."""

from typing import Annotated

import typer

from quasistatic.cli.certify import certify
from quasistatic.cli.compare import compare
from quasistatic.cli.condition import condition
from quasistatic.cli.demo import demo
from quasistatic.cli.denoise import denoise
from quasistatic.cli.explore import explore
from quasistatic.cli.failure import guarded
from quasistatic.cli.fit import fit
from quasistatic.cli.impute import impute
from quasistatic.cli.inspect import inspect
from quasistatic.cli.outliers import outliers
from quasistatic.cli.privacy import privacy
from quasistatic.cli.report import report
from quasistatic.cli.reproduce import reproduce
from quasistatic.cli.sample import sample
from quasistatic.cli.score import score
from quasistatic.cli.serve import serve
from quasistatic.cli.usage import LegibleGroup

app = typer.Typer(
    name="quasistatic",
    cls=LegibleGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"quasistatic {version('quasistatic')}")
        raise typer.Exit


@app.callback()
def quasistatic(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    """A density model of your table: synthetic rows, and how likely each row is, with units.

    `quasistatic demo` shows everything on a small real table.

    `quasistatic fit table.csv -o model`, then `sample`, `score`, `certify`, `inspect` and `report`
    the model, `compare` it with others; `impute`, `condition`, `denoise` and `outliers` ask it
    about rows, `privacy` about its own; `explore` asks it on a page, and `serve` answers other
    programs.
    """


for command in (
    fit,
    sample,
    score,
    compare,
    impute,
    condition,
    denoise,
    outliers,
    certify,
    inspect,
    privacy,
    report,
    explore,
    serve,
    demo,
    reproduce,
):
    app.command(no_args_is_help=command is not demo)(guarded(command))
