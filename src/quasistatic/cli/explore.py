"""`quasistatic explore`: a page on which one asks a model, in the browser of this machine."""

from pathlib import Path
from typing import Annotated

import typer

from quasistatic.cli.options import Model, Quiet
from quasistatic.cli.screen import Screen


def explore(
    model: Model,
    data: Annotated[
        str | None,
        typer.Argument(metavar="[TABLE]", help="Rows to look at, with the columns of the model."),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="The port; 0: one that is free.")
    ] = 0,
    quiet: Quiet = False,
) -> None:
    """Ask a model with the mouse: how likely is a row, which cells are odd, what may be unknown.

    The page is served to this machine alone, and works without a network. Its endpoints are those
    of `quasistatic serve`. Ctrl-C ends it. It needs `pip install "quasistatic[explore]"`.

    **Examples**

    `quasistatic explore model`

    `quasistatic explore model table.csv --no-browser --port 8080`
    """
    from quasistatic.serve.running import address_of, bound, require_libraries, run

    require_libraries()
    with bound("127.0.0.1", port) as listening:
        from quasistatic.data.arranged import read_like
        from quasistatic.estimator.loading import load_diffusion
        from quasistatic.serve.app import application
        from quasistatic.serve.subject import Subject

        screen = Screen(quiet=quiet)
        density = load_diffusion(model)
        table = None if data is None else read_like(density.schema_, data)
        table_name = "" if data is None else Path(data).name
        name = Path(model).resolve().name
        app = application(Subject.of(name, density, table, table_name))
        address = address_of(listening)

        def ready() -> None:
            screen.result(f"Explore {model} at {address} (Ctrl-C ends it)")
            if browser:
                typer.launch(address)

        run(app, listening, ready)
        screen.tell("Ended.")
