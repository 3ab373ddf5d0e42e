"""`quasistatic impute`: fill the holes of a table by draws given the cells that are there."""

from typing import Annotated

import typer

from quasistatic.cli.options import Data, Force, Json, Model, Quiet, Rows, Seed
from quasistatic.cli.screen import Screen
from quasistatic.errors import SettingError


def impute(
    model: Model,
    data: Data,
    output: Rows,
    imputations: Annotated[
        int | None,
        typer.Option(
            "--imputations",
            "-m",
            metavar="M",
            min=1,
            help="Filled tables; with more than one, OUT gets numbers. [default: 5; 1 with --point]",
        ),
    ] = None,
    point: Annotated[
        bool, typer.Option("--point", help="One table of medians and most frequent categories in place of draws.")
    ] = False,
    particles: Annotated[int, typer.Option(metavar="N", min=1, help="Particles a row: more are more exact.")] = 16,
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fill missing cells, several times, with values drawn given the other cells of their row.

    `-m 5 -o filled.csv` writes filled-1.csv to filled-5.csv; cells that are there stay as they are.

    **Examples**

    `quasistatic impute model table.csv -o filled.csv -m 5`

    `quasistatic impute model table.csv -o filled.csv --point`
    """
    from pathlib import Path

    from quasistatic.cli.rows import STDOUT, check_rows_output, write_rows

    if point and imputations not in (None, 1):
        raise SettingError("a point imputation is one table", fix="Leave out --imputations, or --point.")
    count = 1 if point else imputations or 5
    if count > 1 and output == STDOUT:
        raise SettingError("several tables do not fit on standard output", fix="Give `-o` a file, or `-m 1`.")
    path = Path(output)
    outputs = [output] if count == 1 else [str(path.with_stem(f"{path.stem}-{i}")) for i in range(1, count + 1)]
    screen = Screen(as_json=as_json, rows_on_stdout=output == STDOUT, quiet=quiet)
    for name in outputs:
        check_rows_output(name, force=force, as_json=as_json)

    from quasistatic import load, read_table

    table = read_table(data)
    frames = load(model).impute_tables(table.frame, table.source, count, seed, point, particles)
    for frame, name in zip(frames, outputs, strict=True):
        write_rows(frame, name, force=force)
    holes = sum(table.frame.null_count().row(0)) - sum(frames[0].null_count().row(0))
    if output != STDOUT:
        screen.result(f"{holes} holes of {len(table)} rows filled: {', '.join(outputs)}")
    screen.json({"model": model, "data": data, "outputs": outputs, "rows": len(table), "holes": holes, "seed": seed})
