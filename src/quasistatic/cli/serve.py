"""`quasistatic serve`: the JSON endpoints of a model, for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from quasistatic.cli.options import Model, Quiet
from quasistatic.cli.screen import Screen


def serve(
    model: Model,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", help="Where to listen; any but this machine's own needs a token."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="The port; 0: one that is free.")
    ] = 8000,
    token_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A file with the token that every request must bring."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Serve a model to other programs: score, sample, impute, condition, explain, as JSON.

    `/openapi.json` describes the endpoints, `/healthz` says whether the service lives, `/metrics`
    counts. Requests bring the token as `Authorization: Bearer TOKEN`. Ctrl-C ends it. It needs
    `pip install "quasistatic[explore]"`.

    **Examples**

    `quasistatic serve model --port 8000`

    `quasistatic serve model --host 0.0.0.0 --token-file token.txt`
    """
    from quasistatic.serve.running import (
        address_of,
        bound,
        read_token,
        require_libraries,
        rules_of,
        run,
    )

    require_libraries()
    rules = rules_of(host, "" if token_file is None else read_token(token_file))

    with bound(host, port) as listening:
        from quasistatic.estimator.loading import load_diffusion
        from quasistatic.serve.app import application
        from quasistatic.serve.subject import Subject

        screen = Screen(quiet=quiet)
        subject = Subject.of(Path(model).resolve().name, load_diffusion(model), None, "")
        app = application(subject, rules, pages=False)
        address = address_of(listening)
        run(app, listening, lambda: screen.result(f"Serving {model} at {address} (Ctrl-C ends it)"))
        screen.tell("Ended.")
