"""`quasistatic compare`: several models on the rows of one table."""

import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from quasistatic.cli.options import Force, Json, Quiet, Seed
from quasistatic.cli.screen import Screen, nats
from quasistatic.errors import SettingError

if TYPE_CHECKING:
    from quasistatic.data.table import Table
    from quasistatic.fitted.comparison import Distance, Pair
    from quasistatic.fitted.likelihood import Likelihood


def compare(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL MODEL... DATA",
            help="Two model folders or more, then rows that none of them was fitted on.",
        ),
    ],
    method: Annotated[
        Literal["bound", "ais", "smc"],
        typer.Option(
            metavar="NAME",
            help="Likelihood of diffusion models: `bound`, `ais` (tighter) or `smc`.",
        ),
    ] = "ais",
    trajectories: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Trajectories a row of diffusion models. [default: 16]"
        ),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(metavar="N", min=2, help="Rows drawn of each model. [default: as DATA has]"),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="OUT", help="A file with log p of every row by every model."
        ),
    ] = None,
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare models by the log-likelihood of the same rows, and by their samples.

    Differences are paired: row by row, from the first model, with the standard error of their mean.
    Models whose numbers are of different base measures are refused. A lower bound stands for log p
    where a model has no exact value. Samples are held against the rows: `columns` is the mean
    distance of the columns' distributions (Kolmogorov, total variation), `pairs` the root mean
    square difference of correlations.

    **Examples**

    `quasistatic compare model-a model-b held-out.csv`

    `quasistatic compare diffusion boltzmann rbm held-out.csv --trajectories 64 -o rows.csv`
    """
    from quasistatic.cli.rows import check_rows_output

    screen = Screen(as_json=as_json, quiet=quiet)
    *models, data = paths
    if len(models) < 2:
        raise SettingError(
            "there is nothing to compare", fix="give two model folders or more, then the data"
        )
    if repeated := {name for name in models if models.count(name) > 1}:
        raise SettingError(f"{repeated.pop()} is given twice", fix="give each model once")
    if output is not None:
        check_rows_output(output, force=force, as_json=as_json)

    from quasistatic import load
    from quasistatic.cli.models import likelihood_of, rows_of
    from quasistatic.data.arranged import read_like
    from quasistatic.fitted.comparison import distance, paired

    densities = {name: load(name) for name in models}
    table = read_like(densities[models[0]].schema_, data)
    likelihoods, distances, seconds = {}, {}, {}
    for name, density in densities.items():
        begun = time.monotonic()
        likelihoods[name] = likelihood_of(density, table, method, trajectories, seed)
        scored = time.monotonic()
        seconds[name] = {"score": scored - begun}
    pairs = paired(likelihoods)
    for name, density in densities.items():
        begun = time.monotonic()
        drawn = rows_of(density, samples or max(len(table), 2), None, seed, name)
        seconds[name]["sample"] = time.monotonic() - begun
        distances[name] = distance(density.schema_, table, drawn)
    _show(screen, table, likelihoods, pairs, distances, seconds)
    if output is not None:
        _write(output, likelihoods, force)
        screen.tell(f"One line a row: {output}")
    screen.json(
        {
            "data": data,
            "rows": len(table),
            "unit": "nats per row",
            "base_measure": likelihoods[models[0]].base_measure,
            "models": {
                name: {
                    **pairs[name]._asdict(),
                    "method": likelihoods[name].method,
                    "meaning": likelihoods[name].meaning,
                    "samples": distances[name]._asdict(),
                    "seconds": seconds[name],
                }
                for name in models
            },
            "seed": seed,
        }
    )


def _show(
    screen: Screen,
    table: "Table",
    likelihoods: "dict[str, Likelihood]",
    pairs: "dict[str, Pair]",
    distances: "dict[str, Distance]",
    seconds: dict[str, dict[str, float]],
) -> None:
    """The table of models, what log p is of each, and the base measure."""
    first = next(iter(pairs))
    head = ["model", "log p", f"minus {first}", "columns", "pairs", "score s", "sample s"]
    lines: list[list[Any]] = []
    for name, pair in pairs.items():
        difference = nats(pair.difference, pair.difference_stderr) if name != first else None
        apart = distances[name]
        times = [f"{seconds[name][what]:.1f}" for what in ("score", "sample")]
        shown = [f"{apart.columns:.3f}", f"{apart.pairs:.3f}", *times]
        lines.append([name, nats(pair.mean, pair.stderr), difference, *shown])
    screen.table(f"{len(table)} rows, nats per row", head, lines)
    if screen.quiet:
        for line in lines:
            screen.result("  ".join(str(cell) for cell in line[:3] if cell is not None))
    for name, found in likelihoods.items():
        how = f", {found.trajectories} trajectories a row" if found.weighted else ""
        screen.tell(f"{name}: {found.meaning}{how}")
    chance = distances[first].chance
    screen.tell(f"Correlations of two samples of one distribution: pairs about {chance:.3f}")
    screen.result(f"Base measure: {likelihoods[first].base_measure}")


def _write(output: str, likelihoods: "dict[str, Likelihood]", force: bool) -> None:
    import polars as pl

    from quasistatic.cli.rows import write_rows

    frame = pl.DataFrame({name: found.lower for name, found in likelihoods.items()})
    write_rows(frame, output, force=force)
