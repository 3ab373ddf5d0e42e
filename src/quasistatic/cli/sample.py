"""`quasistatic sample`: synthetic rows."""

from typing import Annotated

import typer

from quasistatic.cli.options import Force, Json, Model, Quiet, Rows, Seed, Steps
from quasistatic.cli.screen import Screen


def sample(
    model: Model,
    number: Annotated[
        int, typer.Option("--number", "-n", metavar="N", min=1, help="How many rows.")
    ],
    output: Rows,
    missing: Annotated[
        bool,
        typer.Option(
            "--missing",
            help="With holes: patterns of missing cells as often as in the fitted table.",
        ),
    ] = False,
    steps: Steps = None,
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Draw synthetic rows from a model.

    The rows have the columns, types and order of the table that the model was fitted on. Images go
    to OUT.png as one grid, to a folder OUT as PNG files, or to OUT.npy as an array.

    **Examples**

    `quasistatic sample model -n 1000 -o synthetic.csv`

    `quasistatic sample model -n 1000 --seed 7 -o - | head`

    `quasistatic sample model -n 1000 --missing -o with-holes.csv`

    `quasistatic sample image-model -n 64 -o grid.png`
    """
    from quasistatic.cli.rows import STDOUT, check_rows_output, layout_of, write_rows

    screen = Screen(as_json=as_json, rows_on_stdout=output == STDOUT, quiet=quiet)
    layout = layout_of(model)
    check_rows_output(output, force=force, as_json=as_json, layout=layout)

    from quasistatic import load
    from quasistatic.cli.models import holed, rows_of

    density = load(model)
    table = rows_of(density, number, steps, seed, model)
    if missing:
        table = holed(density, table, seed, model)
    write_rows(table, output, force=force, layout=layout)
    if output != STDOUT:
        width = f"{len(table.names)} columns" if layout is None else layout.words
        screen.result(f"{len(table)} synthetic rows, {width}: {output}")
    columns = {"columns": table.names} if layout is None else {"layout": layout.to_json()}
    screen.json({"model": model, "output": output, "rows": len(table), **columns, "seed": seed})
