"""`quasistatic sample`: synthetic rows."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, Any

import typer

from quasistatic.cli.dealing import Answer, answered, dealing
from quasistatic.cli.options import Force, Json, Model, Processes, Quiet, Rows, Seed, Steps
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
            help="With holes as in the fitted table: by the row's cells, or patterns as often.",
        ),
    ] = False,
    steps: Steps = None,
    processes: Processes = None,
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
    from quasistatic.cli.rows import STDOUT, check_rows_output, layout_of, write_pieces

    screen = Screen(as_json=as_json, rows_on_stdout=output == STDOUT, quiet=quiet)
    layout = layout_of(model)
    check_rows_output(output, force=force, as_json=as_json, layout=layout)

    with dealing([output], processes) as is_first:
        from quasistatic import load

        density = load(model)
        names = density.schema_.names
        if layout is None and output != STDOUT:
            check_room(number, len(names), output)
        answers = answered(draws(density, number, steps, seed, model, missing=missing), [output])
        pieces = (rows for (rows,), _ in answers)
        write_pieces(pieces, output, force=force, layout=layout)
        if not is_first:
            return
        if output != STDOUT:
            width = f"{len(names)} columns" if layout is None else layout.words
            screen.result(f"{number} synthetic rows, {width}: {output}")
        columns = {"columns": names} if layout is None else {"layout": layout.to_json()}
        screen.json({"model": model, "output": output, "rows": number, **columns, "seed": seed})


def draws(
    density: Any, number: int, steps: int | None, seed: int, model: str, *, missing: bool
) -> Iterator[Callable[[], Answer]]:
    """Synthetic rows, a piece at a time, each drawn when it is called: those of one draw.

    Args:
        density: density of any family; what has no rows to be told apart draws all at once.
        number: number of rows.
        steps: length of the sub-schedule of a diffusion model; None is the whole trajectory.
        seed: seed of the rows.
        model: path of the model folder, for messages.
        missing: whether cells are missing as in the fitted table.
    """
    from quasistatic import DiffusionDensity
    from quasistatic.cli.models import holed, rows_of
    from quasistatic.data.disk.table import spans
    from quasistatic.fitted.unique import unique_of

    def draw(begin: int, size: int) -> Answer:
        table = rows_of(density, size, steps, seed, model, first=begin)
        return Answer([holed(density, table, seed, model, first=begin) if missing else table], {})

    by_pieces = isinstance(density, DiffusionDensity) and density.schema_.layout is None
    by_pieces = by_pieces and not unique_of(density.fitted_)
    for begin, size in spans(number) if by_pieces else [(0, number)]:
        yield partial(draw, begin, size)


def check_room(number: int, n_columns: int, output: str) -> None:
    """Refuse more rows than the disk has room for, before one is drawn.

    Args:
        number: number of rows.
        n_columns: number of columns.
        output: path of the file to write.
    """
    from pathlib import Path

    from quasistatic.data.disk.parts import require_disk

    needed = number * n_columns // 8  # a bit a cell: that of a yes or a no
    require_disk(needed, Path(output).resolve().parent, what=f"a table of {number} rows")
