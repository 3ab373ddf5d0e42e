"""`quasistatic impute`: fill the holes of a table, of images or of sequences by draws given the
cells that are there.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from quasistatic.cli.dealing import Answer, answered, dealing
from quasistatic.cli.options import (
    Data,
    FewSteps,
    Force,
    Json,
    Model,
    Processes,
    Quiet,
    Rows,
    Seed,
)
from quasistatic.cli.screen import Screen, nats
from quasistatic.errors import SettingError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from quasistatic.data.schema import Schema
    from quasistatic.data.table import Table


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
            help="Filled tables; with more than one, OUT gets numbers. [default: 5; "
            "1 with --point]",
        ),
    ] = None,
    point: Annotated[
        bool,
        typer.Option(
            "--point", help="One table of medians and most frequent categories in place of draws."
        ),
    ] = False,
    particles: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Particles a row: more are more exact. By default 16 to 128, "
            "more for small tables.",
        ),
    ] = None,
    mask: Annotated[
        str | None,
        typer.Option(
            metavar="PNG",
            help="Images only: a picture of their size, white where they are to be filled.",
        ),
    ] = None,
    steps: FewSteps = None,
    processes: Processes = None,
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fill missing cells, several times, with values drawn given the other cells of their row.

    `-m 5 -o filled.csv` writes filled-1.csv to filled-5.csv; cells that are there stay as they are.
    The holes of images are the white pixels of `--mask`. Printed: the mean log evidence, which is
    the log-likelihood of the cells that are there, of rows with holes.

    **Examples**

    `quasistatic impute model table.csv -o filled.csv -m 5`

    `quasistatic impute model table.csv -o filled.csv --point`

    `quasistatic impute image-model folder-of-images --mask mask.png -m 1 -o filled.png`
    """
    from pathlib import Path

    from quasistatic.cli.rows import STDOUT, check_rows_output, layout_of, write_all_pieces
    from quasistatic.data.layout import are_images

    if point and imputations not in (None, 1):
        raise SettingError(
            "a point imputation is one table", fix="leave out --imputations, or --point"
        )
    count = 1 if point else imputations or 5
    if count > 1 and output == STDOUT:
        raise SettingError(
            "several tables do not fit on standard output", fix="give `-o` a file, or `-m 1`"
        )
    path = Path(output)
    outputs = (
        [output]
        if count == 1
        else [str(path.with_stem(f"{path.stem}-{i}")) for i in range(1, count + 1)]
    )
    screen = Screen(as_json=as_json, rows_on_stdout=output == STDOUT, quiet=quiet)
    layout = layout_of(model)
    if (mask is None) == are_images(layout):
        what = "images have no holes by themselves" if mask is None else "--mask is for images"
        raise SettingError(
            what,
            fix="give --mask a picture" if mask is None else "leave cells empty, or give nan",
        )
    for name in outputs:
        check_rows_output(name, force=force, as_json=as_json, layout=layout)

    with dealing(outputs, processes) as is_first:
        import numpy as np

        from quasistatic.estimator.loading import load_diffusion
        from quasistatic.fitted import imputation

        fitted = load_diffusion(model).fitted_
        rows, holes, found = 0, 0, []

        def filled(read: "Callable[[], Table]") -> Answer:
            table, how = read(), (count, point, particles, steps)
            tables, posteriors = imputation.impute(fitted, table, *how, key=fitted.key(seed))
            nulls = [sum(some.frame.null_count().row(0)) for some in (table, tables[0])]
            values = {"rows": len(table), "holes": nulls[0] - nulls[1]}
            return Answer(tables, values | {"log_evidence": posteriors.log_evidence})

        def counted(
            answers: Iterator[Answer],
        ) -> "Iterator[Sequence[pl.DataFrame | Table | bytes]]":
            nonlocal rows, holes
            for tables, values in answers:
                if rows:
                    screen.tell(f"{rows} rows done")
                rows, holes = rows + values["rows"], holes + values["holes"]
                found.append(values["log_evidence"])
                yield tables

        jobs = (partial(filled, read) for read in _pieces(fitted.schema, data, mask))
        pieces = counted(answered(jobs, outputs))
        write_all_pieces(pieces, outputs, force=force, layout=layout)
        if not is_first:
            return
        evidence = _show_evidence(screen, np.concatenate(found), fitted.schema.base_measure())
        if output != STDOUT:
            screen.result(f"{holes} holes of {rows} rows filled: {', '.join(outputs)}")
        screen.json(
            {
                "model": model,
                "data": data,
                "outputs": outputs,
                "rows": rows,
                "holes": holes,
                **evidence,
                "seed": seed,
            }
        )


def _pieces(schema: "Schema", data: str, mask: str | None) -> "Iterator[Callable[[], Table]]":
    from quasistatic.data.arranged import read_like, read_mask, with_holes
    from quasistatic.data.disk.pieces import unread_pieces

    if mask is None or schema.layout is None:
        return unread_pieces(schema, data)
    holed = with_holes(read_like(schema, data), read_mask(mask, schema.layout))
    return iter([lambda: holed])


def _show_evidence(
    screen: Screen, log_evidence: "np.ndarray", measure: str
) -> dict[str, float | None]:
    """The mean over the rows with holes."""
    import numpy as np

    from quasistatic.fitted.likelihood import mean_and_stderr

    found = log_evidence[~np.isnan(log_evidence)]
    if not len(found):
        return {"mean_log_evidence": None, "mean_log_evidence_stderr": None}
    mean, stderr = mean_and_stderr(found)
    screen.result(
        f"Mean log evidence of {len(found)} rows with holes: {nats(mean, stderr)} nats per row"
    )
    screen.result(f"Base measure: {measure}; of each row's observed cells alone")
    return {"mean_log_evidence": mean, "mean_log_evidence_stderr": stderr}
