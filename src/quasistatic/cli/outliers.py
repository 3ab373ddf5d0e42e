"""`quasistatic outliers`: the most unusual rows, and the column most to blame for each."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from quasistatic.cli.options import Data, FewSteps, Force, Json, Model, Quiet, Rows, Seed
from quasistatic.cli.screen import Screen
from quasistatic.errors import SettingError

if TYPE_CHECKING:
    import polars as pl

    from quasistatic.data.table import Table
    from quasistatic.estimator.outliers import DiffusionOutlierDetector

_Score = Literal["bound", "ais", "conditional", "typicality"]
_SHOWN = 5


def outliers(
    model: Model,
    data: Data,
    output: Rows,
    method: Annotated[
        _Score,
        typer.Option(
            "--method",
            "--score",
            help="`conditional`: the most surprising cell given the others of its row. `bound`, "
            "`ais`: log-likelihood of the row, faster. `typicality`: "
            "its distance from that of rows of the model.",
        ),
    ] = "conditional",
    top: Annotated[
        int | None, typer.Option("--top", metavar="N", min=1, help="Rows to write. [default: all]")
    ] = None,
    particles: Annotated[
        int,
        typer.Option(metavar="N", min=2, help="Particles of a conditional: more are more exact."),
    ] = 16,
    steps: FewSteps = None,
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Rank the rows, the most unusual first, and name the column most to blame for each.

    OUT has the rows of DATA in the order of their rank, and before their own columns: `rank`, `row`
    (its number in DATA, counted from 1 below the header), `score` (nats, lower is more unusual),
    `blame` (the column), `log_p` (the log-probability, or density, of its cell given the others of
    the row, nats) and `surprise` (how unusual that is for this column, minus the log of a share,
    nats). Where the table has a column of such a name, that of the ranking gets an underscore. Rows
    with missing cells are judged by the others. What is usual is what the model generates: a row's
    numbers do not depend on the other rows of DATA.

    `conditional` takes (columns + 1) evidences a row: minutes for 10,000 rows. The other scores
    take seconds, and `--top` then limits the rows whose columns are judged.

    **Examples**

    `quasistatic outliers model table.csv -o outliers.csv --top 20`

    `quasistatic outliers model table.csv -o outliers.csv --method typicality`
    """
    from quasistatic.cli.rows import STDOUT, check_rows_output, write_rows

    screen = Screen(as_json=as_json, rows_on_stdout=output == STDOUT, quiet=quiet)
    check_rows_output(output, force=force, as_json=as_json)

    from polars import selectors

    from quasistatic import DiffusionOutlierDetector
    from quasistatic.data.disk.pieces import pieces_like
    from quasistatic.estimator.loading import load_diffusion

    density = load_diffusion(model)
    detector = DiffusionOutlierDetector.from_density(
        density, method=method, particles=particles, steps=steps, random_state=seed
    )
    ranked, rows, number = most_unusual(detector, pieces_like(density.schema_, data), top, screen)
    flagged = int((ranked["score"] < detector.offset_).sum())
    write_rows(replace(rows, frame=beside(ranked, rows.frame)), output, force=force)
    shown = ranked.head(_SHOWN).with_columns(selectors.float().round(2))
    screen.table(f"The most unusual of {number} rows", shown.columns, shown.iter_rows())
    screen.result(
        f"{flagged} of the {len(ranked)} rows written score below {detector.offset_:.4f} nats, "
        "as 1 in 100 rows of the model do"
    )
    screen.result(
        f"Base measure, of which log_p has the part of its column: {density.schema_.base_measure()}"
    )
    if output != STDOUT:
        screen.tell(f"{len(ranked)} rows: {output}")
    values = {
        "method": method,
        "threshold": detector.offset_,
        "below_threshold": flagged,
        "unit": "nats",
    }
    first = ranked.head(_SHOWN).to_dicts()
    screen.json(
        {
            "model": model,
            "data": data,
            "output": output,
            "rows": len(ranked),
            **values,
            "first": first,
            "seed": seed,
        }
    )


def most_unusual(
    detector: "DiffusionOutlierDetector",
    pieces: "Iterable[Table]",
    top: int | None,
    screen: Screen,
) -> "tuple[pl.DataFrame, Table, int]":
    """The ranking of a table that comes a piece at a time, the rows in that order, and the number
    of all rows.

    Args:
        detector: detector of unusual rows.
        pieces: pieces of the table, one at least.
        top: number of rows that are ranked; None ranks all of a table that is held in memory.
        screen: screen on which the progress is shown.

    Raises:
        SettingError: all rows of a table that is not.
    """
    import polars as pl

    best: tuple[pl.DataFrame, Table] | None = None
    begin = 0
    for table in pieces:
        if begin and top is None:
            raise SettingError(
                "a table that does not fit into memory is not ranked as a whole",
                where=table.source,
                fix="give --top a number of rows",
            )
        if begin:
            screen.tell(f"{begin} rows done")
        found = detector.ranking(table, top).rename({"column": "blame"})
        rows = table.take((found["row"] - 1).to_numpy())
        found = found.with_columns(pl.col("row") + begin)
        begin += len(table)
        if best is None:
            best = found, rows
            continue
        ranked, kept = pl.concat([best[0], found]), pl.concat([best[1].frame, rows.frame])
        order = ranked.with_row_index().sort("score", "row")["index"][:top]
        ranked = ranked[order].with_columns(pl.Series("rank", range(1, len(order) + 1)))
        best = ranked, replace(rows, frame=kept[order], text=None)
    assert best is not None
    return *best, begin


def beside(ranked: "pl.DataFrame", rows: "pl.DataFrame") -> "pl.DataFrame":
    """The ranking and the rows side by side; a name that both have gets underscores in the ranking.

    Args:
        ranked: ranking of the rows, the most unusual first.
        rows: rows of the table in its order.
    """
    import polars as pl

    taken = {*ranked.columns, *rows.columns}
    names = {}
    for name in ranked.columns:
        if name in rows.columns:
            new = f"{name}_"
            while new in taken:
                new += "_"
            names[name] = new
    return pl.concat([ranked.rename(names), rows], how="horizontal")
