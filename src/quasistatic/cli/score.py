"""`quasistatic score`: how likely each row is under a model."""

from functools import partial
from typing import Annotated, Literal

import typer

from quasistatic.cli.dealing import answered, dealing
from quasistatic.cli.options import (
    Data,
    Force,
    Json,
    Model,
    Processes,
    Quiet,
    Rows,
    Seed,
    Steps,
    Weights,
)
from quasistatic.cli.scoring import Flow, Scored
from quasistatic.cli.screen import Screen
from quasistatic.errors import SettingError

_Method = Literal["bound", "ais", "smc", "sandwich", "flow"]


def score(
    model: Model,
    data: Data,
    output: Rows,
    method: Annotated[
        _Method,
        typer.Option(
            help="`bound`: the variational bound, fast. `ais`: tighter, "
            "with an effective sample size. `smc`: with resampling. `sandwich`: both sides. "
            "`flow`: the density of another, deterministic model."
        ),
    ] = "bound",
    trajectories: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Trajectories a row: more are tighter. [default: 16; 2 with bound, "
            "64 with sandwich, 8 probes with flow]",
        ),
    ] = None,
    stderr: Annotated[
        float | None,
        typer.Option(
            metavar="NATS",
            help="Mean standard error that is wanted, in place of --trajectories: as many are "
            "taken as a few of the rows need.",
        ),
    ] = None,
    weights: Weights = None,
    steps: Steps = None,
    processes: Processes = None,
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a log-likelihood for each row, in nats, with its standard error.

    OUT has one line for each row of DATA, in the same order: `log_likelihood`, `stderr`, `ess` (the
    effective number of trajectories; not with `bound`) and, with `sandwich`, `upper` and
    `stderr_upper`. A row with missing cells gets the log-likelihood of the cells that are there, by
    particles (which cells are missing is no part of it); it has no upper side, and `sandwich`
    refuses it. Printed: the mean over the rows and
    its standard error, the units and the base measure; for images also bits per pixel, for
    sequences bits per sequence. `--method flow` writes `flow_log_density` instead: the density of a
    different model, not to be compared with the others; there a row with missing cells has no
    numbers.

    **Examples**

    `quasistatic score model table.csv -o scores.csv`

    `quasistatic score model table.csv -o scores.csv --method ais --trajectories 64`

    `quasistatic score model table.csv -o scores.csv --method sandwich`
    """
    from quasistatic.cli.rows import STDOUT, check_rows_output, write_pieces

    screen = Screen(as_json=as_json, rows_on_stdout=output == STDOUT, quiet=quiet)
    check_rows_output(output, force=force, as_json=as_json)

    with dealing([output], processes) as is_first:
        from quasistatic import DiffusionDensity, load
        from quasistatic.data.disk.pieces import unread_pieces

        density = load(model)
        layout = density.schema_.layout
        if not isinstance(density, DiffusionDensity):
            if method != "bound" or any(x is not None for x in (trajectories, stderr, steps)):
                raise SettingError(
                    "an energy has a single way to be scored, and no trajectory",
                    where=model,
                    fix="leave out --method, --trajectories, --stderr and --steps",
                )
        elif method == "flow":
            if steps is not None:
                raise SettingError("the flow has no sub-schedule", fix="leave out --steps")
            if weights is not None:
                raise SettingError("the flow has no weights", fix="leave out --weights")
            if stderr is not None:
                raise SettingError("the flow has no standard error", fix="leave out --stderr")
        if stderr is not None and trajectories is not None:
            raise SettingError(
                "--stderr chooses the number of trajectories, and --trajectories gives it",
                fix="leave out one of them",
            )
        scored = (
            Flow(density, trajectories, seed)
            if method == "flow" and isinstance(density, DiffusionDensity)
            else Scored(density, method, trajectories, seed, steps, weights, stderr)
        )
        jobs = (partial(scored.answer, read) for read in unread_pieces(density.schema_, data))
        write_pieces(scored.frames(answered(jobs, [output]), screen), output, force=force)
        if not is_first:
            return
        values = scored.show(screen)
        if output != STDOUT:
            screen.tell(f"One line a row: {output}")
        if layout is not None:
            values |= {"mean_bits": layout.bits(values["mean"]), "bits_unit": layout.bits_unit}
        screen.json(
            {
                "model": model,
                "data": data,
                "output": output,
                **values,
                "seed": seed,
            }
        )
