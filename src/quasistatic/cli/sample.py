"""`quasistatic sample`: synthetic rows."""

from typing import Annotated

import typer

from quasistatic.cli.options import Force, Json, Model, Quiet, Rows, Seed, Steps
from quasistatic.cli.screen import Screen


def sample(
    model: Model,
    number: Annotated[int, typer.Option("--number", "-n", metavar="N", min=1, help="How many rows.")],
    output: Rows,
    steps: Steps = None,
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Draw synthetic rows from a model.

    The rows have the columns, types and order of the table that the model was fitted on.

    **Examples**

    `quasistatic sample model -n 1000 -o synthetic.csv`

    `quasistatic sample model -n 1000 --seed 7 -o - | head`
    """
    from quasistatic.cli.rows import STDOUT, check_rows_output, write_rows

    screen = Screen(as_json=as_json, rows_on_stdout=output == STDOUT, quiet=quiet)
    check_rows_output(output, force=force, as_json=as_json)

    from quasistatic import load

    frame = load(model).sample_table(number, random_state=seed, steps=steps)
    write_rows(frame, output, force=force)
    if output != STDOUT:
        screen.result(f"{frame.height} synthetic rows, {frame.width} columns: {output}")
    screen.json(
        {"model": model, "output": output, "rows": frame.height, "columns": list(frame.columns), "seed": seed},
    )
