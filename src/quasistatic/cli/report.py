"""`quasistatic report`: a model, and what it makes of a table, as one HTML file."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quasistatic.cli.options import Force, Json, Model, Quiet, Seed
from quasistatic.cli.screen import Screen
from quasistatic.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from quasistatic.data.table import Table
    from quasistatic.estimator.energy import EnergyDensity
    from quasistatic.report.findings import Findings

_MOST_ROWS = 2**16
"""Rows of a table beyond memory that the report is of."""


def report(
    model: Model,
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            show_default=False,
            help="Rows to hold against the model, best such as it was not fitted on. "
            "Without them: what the model alone can say.",
        ),
    ] = None,
    train: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="The table that the model was fitted on, DATA being a hold-out: asks whether "
            "sampled rows are somebody's data.",
        ),
    ] = None,
    learning: Annotated[
        bool,
        typer.Option(
            "--learning-curve",
            help="Would more rows help? Fits again on a quarter and a half of the rows of --train, "
            "DATA being held out: each takes up to as long as the fit did. Without --train a fifth "
            "of DATA is held out, and there are three such fits.",
        ),
    ] = False,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="OUT", help="The HTML file to write.")
    ] = "report.html",
    trajectories: Annotated[
        int,
        typer.Option(
            metavar="N", min=3, help="Trajectories a row: more bring the two sides together."
        ),
    ] = 32,
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write one HTML file that shows a model: what it learned, how likely the data are, and how far
    the numbers can be trusted.

    OUT needs no network and no script. It has columns and pairs of columns (of images: pictures),
    real against sampled; both sides of the likelihood; the most and the least likely rows; the
    certificate, the work in both directions and the ledger.

    Needs two more libraries: `pip install "quasistatic[report]"`.

    **Examples**

    `quasistatic report model table.csv`

    `quasistatic report model held-out.csv --train train.csv`

    `quasistatic report model -o model.html`
    """
    from quasistatic.cli.rows import layout_of
    from quasistatic.data.images.folder import require_pillow
    from quasistatic.data.layout import are_images
    from quasistatic.report.output import check_page, require_libraries, write_page

    screen = Screen(as_json=as_json, quiet=quiet)
    if train is not None and data is None:
        raise SettingError(
            "there is no hold-out to measure it by",
            where="--train",
            fix="give DATA: rows of the same source that the model was not fitted on",
        )
    if learning and data is None:
        raise SettingError("there are no rows to fit on", where="--learning-curve", fix="give DATA")
    layout = layout_of(model)
    require_libraries()
    if are_images(layout):
        require_pillow()
    check_page(output, force)

    from quasistatic import DiffusionDensity
    from quasistatic.data.arranged import read_like
    from quasistatic.data.disk.drawn import drawn_rows
    from quasistatic.data.disk.pieces import pieces_like
    from quasistatic.estimator.loading import load
    from quasistatic.report.compute import find
    from quasistatic.report.headline import headline, notices
    from quasistatic.report.page import render

    density = load(model)
    table = total = None
    if data is not None:
        table, total = drawn_rows(pieces_like(density.schema_, data), _MOST_ROWS, seed)
    if not isinstance(density, DiffusionDensity):
        if train is not None or learning:
            raise SettingError(
                "an energy is neither searched nor fitted again",
                where=model,
                fix="leave out --train and --learning-curve",
            )
        shown = table, total, Path(data or "").name
        values = _of_energy(screen, density, *shown, model, output, seed, force=force)
        screen.json({"model": model, "data": data, "output": output, **values, "seed": seed})
        return
    config = json.loads((Path(model) / "config.json").read_text(encoding="utf-8"))
    found = find(
        density,
        table,
        learning=learning,
        train=None if train is None else read_like(density.schema_, train),
        name=Path(model).resolve().name,
        data_name="" if data is None else Path(data).name,
        n_rows=total,
        settings=config["model"] | config["train"],
        trajectories=trajectories,
        seed=seed,
        tell=screen.tell,
    )
    write_page(render(found), output, force)
    first = headline(found)
    for notice in notices(found) if data is not None else []:
        screen.warn(notice)
    for side in first.sides:
        screen.result(f"{first.what}: {side.number} {side.meaning}")
    if found.learning is not None:
        screen.result(f"Would more rows help? {found.learning.answer}")
    screen.result(first.measure)
    screen.result(f"Report: {output}")
    screen.json(
        {"model": model, "data": data, "output": output, **report_values(found), "seed": seed}
    )


def _of_energy(
    screen: Screen,
    density: "EnergyDensity",
    table: "Table | None",
    total: int | None,
    data_name: str,
    model: str,
    output: str,
    seed: int,
    *,
    force: bool,
) -> dict[str, Any]:
    """Write the report of an energy, and give its numbers for a JSON result."""
    from quasistatic.cli.likelihood import likelihood_values
    from quasistatic.report.energy import find_energy, mean_sides, render_energy
    from quasistatic.report.output import write_page

    what = {"name": Path(model).resolve().name, "data_name": data_name, "n_rows": total}
    found = find_energy(density, table, **what, seed=seed)
    write_page(render_energy(found), output, force)
    likelihood, seen = found.likelihood, found.data
    for side in [] if likelihood is None else mean_sides(likelihood):
        screen.result(f"Mean log-likelihood of the data: {side.number} {side.meaning}")
    screen.result(f"Base measure: {found.generated.base_measure}")
    screen.result(f"Report: {output}")
    return {
        "rows": None if seen is None else seen.total,
        "rows_with_missing_cells": None if seen is None else seen.holes,
        "fitted_on_these_rows": None if seen is None else seen.seen,
        "score": None if likelihood is None else likelihood_values(likelihood),
        "normaliser": density.manifest_["normaliser"],
        "told": density.manifest_["told"],
        "marginals": marginal_values(found.marginals),
        "base_measure": found.generated.base_measure,
    }


def marginal_values(found: "Iterable[Any]") -> dict[str, dict[str, float]]:
    """How far real and sampled columns are apart, for a JSON result."""
    return {m.column.name: {"distance": m.distance, "chance": m.chance} for m in found}


def report_values(found: "Findings") -> dict[str, Any]:
    """The numbers of the page for a JSON result."""
    from quasistatic.cli.likelihood import likelihood_values

    data, steps = found.data, found.ledger.steps
    return {
        "rows": None if data is None else data.total,
        "rows_looked_at": None if data is None else data.rows,
        "rows_with_missing_cells": None if data is None else data.holes,
        "fitted_on_these_rows": None if data is None else data.seen,
        "score": None if found.scored is None else likelihood_values(found.scored.likelihood),
        "validation_bound": found.density.manifest_["validation_bound_nats"],
        "certificate": found.certificate.to_json() | {"stored": found.certificate_stored},
        "crooks_slope": found.slope.value,
        "crooks_stderr": found.slope.stderr,
        "ledger": {
            "rows": steps.n_rows,
            "k": found.ledger.k_nats,
            "dissipation": steps.dissipation.total,
            "dissipation_stderr": steps.dissipation.total_stderr,
            "limit": found.ledger.verdict.limit,
            "verdict": found.ledger.verdict.words,
        },
        "marginals": marginal_values(found.marginals),
        "privacy": found.privacy and found.privacy.to_json(),
        "learning_curve": found.learning and found.learning.to_json(),
        "trajectories": found.trajectories,
        "base_measure": found.density.schema_.base_measure(),
    }
