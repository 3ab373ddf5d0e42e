"""`quasistatic score`: how likely each row is under a model."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from quasistatic.cli.options import Data, Force, Json, Model, Quiet, Rows, Seed
from quasistatic.cli.screen import Screen, nats
from quasistatic.errors import DataError

if TYPE_CHECKING:
    import polars as pl

    from quasistatic.data.table import Table
    from quasistatic.estimator.density import DiffusionDensity
    from quasistatic.estimator.likelihood import Likelihood

_MEANING = {
    "bound": "a lower bound on log p(row)",
    "ais": "an importance-weighted lower bound on log p(row)",
}


def score(
    model: Model,
    data: Data,
    output: Rows,
    method: Annotated[
        Literal["bound", "ais"],
        typer.Option(help="`bound`: the variational bound, fast. `ais`: tighter, with an effective sample size."),
    ] = "bound",
    trajectories: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Trajectories a row: more are tighter. [default: 16; 2 with bound]"),
    ] = None,
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a log-likelihood for each row, in nats, with its standard error.

    OUT has one line for each row of DATA, in the same order: `log_likelihood`, `stderr` and, with `--method ais`, `ess`
    (the effective number of trajectories); a row with missing cells has no numbers. Printed: the mean over the rows and its
    standard error, the units and the base measure.

    **Examples**

    `quasistatic score model table.csv -o scores.csv`

    `quasistatic score model table.csv -o scores.csv --method ais --trajectories 64`
    """
    from quasistatic.cli.rows import STDOUT, check_rows_output, write_rows

    screen = Screen(as_json=as_json, rows_on_stdout=output == STDOUT, quiet=quiet)
    check_rows_output(output, force=force, as_json=as_json)

    from quasistatic import load, read_table

    likelihood, frame = score_rows(load(model), read_table(data), screen, method, trajectories, seed)
    write_rows(frame, output, force=force)
    show_likelihood(screen, likelihood)
    if output != STDOUT:
        screen.tell(f"One line a row: {output}")
    values = likelihood_values(likelihood)
    screen.json({"model": model, "data": data, "output": output, "rows": frame.height, **values, "seed": seed})


def score_rows(
    density: "DiffusionDensity",
    table: "Table",
    screen: Screen,
    method: Literal["bound", "ais"],
    trajectories: int | None,
    seed: int,
) -> tuple["Likelihood", "pl.DataFrame"]:
    """Score the rows that are whole; a row with a missing cell keeps its place and has no number.

    Returns:
        The likelihood of the whole rows, and one line for each row of the table, in its order.

    Raises:
        DataError: every row has a missing cell.
    """
    import numpy as np
    import polars as pl

    names = [name for name in density.schema_.names if name in table.names]
    whole = np.asarray(~table.frame.select(pl.any_horizontal(pl.col(names).is_null())).to_series().to_numpy())
    if not whole.all():
        if not whole.any():
            fix = "Fill the holes, or fit a model without the columns that have them."
            raise DataError(
                "every row has a missing cell, and only whole rows can be scored", where=table.source, fix=fix
            )
        screen.warn(f"{np.count_nonzero(~whole)} of {len(table)} rows have missing cells: they get no log-likelihood.")
        table = table.take(np.flatnonzero(whole))
    likelihood = density.log_likelihood(table, method=method, trajectories=trajectories, random_state=seed)
    columns = {"log_likelihood": likelihood.lower, "stderr": likelihood.stderr}
    if method == "ais":
        columns["ess"] = likelihood.ess
    placed = {name: np.full(len(whole), np.nan) for name in columns}
    for name, values in columns.items():
        placed[name][whole] = values
    return likelihood, pl.DataFrame(placed).fill_nan(None)


def show_likelihood(screen: Screen, likelihood: "Likelihood") -> None:
    """The mean with its standard error, what it is, and the base measure."""
    how = f", {likelihood.trajectories} trajectories a row" if likelihood.method == "ais" else ""
    screen.result(
        f"Mean log-likelihood of {len(likelihood.lower)} rows: {nats(likelihood.mean, likelihood.mean_stderr)} "
        f"{likelihood.unit} ({_MEANING[likelihood.method]}{how})"
    )
    screen.result(f"Base measure: {likelihood.base_measure}")


def likelihood_values(likelihood: "Likelihood") -> dict[str, Any]:
    """The likelihood of a table for a JSON result."""
    import numpy as np

    values = {
        "scored_rows": len(likelihood.lower),
        "method": likelihood.method,
        "trajectories": likelihood.trajectories,
        "mean": likelihood.mean,
        "mean_stderr": likelihood.mean_stderr,
        "unit": likelihood.unit,
        "base_measure": likelihood.base_measure,
    }
    if likelihood.method == "ais":
        values |= {"mean_ess": float(np.mean(likelihood.ess))}
    return values
