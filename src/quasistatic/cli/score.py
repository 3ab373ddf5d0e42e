"""`quasistatic score`: how likely each row is under a model."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from quasistatic.cli.options import Data, Force, Json, Model, Quiet, Rows, Seed, Steps, Weights
from quasistatic.cli.screen import Screen, in_bits, nats
from quasistatic.errors import DataError, SettingError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from quasistatic.data.layout import Layout
    from quasistatic.data.table import Table
    from quasistatic.estimator.density import DiffusionDensity
    from quasistatic.estimator.energy import EnergyDensity
    from quasistatic.fitted.likelihood import Likelihood

_Method = Literal["bound", "ais", "smc", "sandwich", "flow"]
_UPPER = {
    "exact-sample": "above log p in expectation",
    "asymptotic": "above log p in the limit of many trajectories",
}


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
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a log-likelihood for each row, in nats, with its standard error.

    OUT has one line for each row of DATA, in the same order: `log_likelihood`, `stderr`, `ess` (the
    effective number of trajectories; not with `bound`) and, with `sandwich`, `upper` and
    `stderr_upper`. A row with missing cells gets the log-likelihood of the cells that are there, by
    particles; it has no upper side, and `sandwich` refuses it. Printed: the mean over the rows and
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

    from quasistatic import DiffusionDensity, load
    from quasistatic.data.disk.pieces import pieces_like

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
    pieces = pieces_like(density.schema_, data)
    if method == "flow" and isinstance(density, DiffusionDensity):
        flow = Flow(density, trajectories, seed)
        write_pieces(flow.frames(pieces), output, force=force)
        values = flow.show(screen)
    else:
        scored = Scored(density, method, trajectories, seed, steps, weights, stderr)
        write_pieces(scored.frames(pieces, screen), output, force=force)
        likelihood = scored.show(screen)
        values = {"rows": scored.rows} | likelihood_values(likelihood)
        if isinstance(density, DiffusionDensity):
            values |= {"rows_with_missing_cells": scored.holes}
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


@dataclass
class Scored:
    """The likelihood of every row of a table that comes a piece at a time.

    Args:
        density: density of any family.
        method: method of a diffusion model.
        trajectories: number of trajectories a row; None is the method's own.
        seed: seed of the trajectories.
        steps: length of the sub-schedule of a diffusion model; None is the whole trajectory.
        weights: name of a column of frequencies; None (default) counts every row once.
        stderr: mean standard error that is wanted, nats: the first piece tells how many
            trajectories it takes; None (default) wants none.
    """

    density: "DiffusionDensity | EnergyDensity"
    method: Any = "bound"
    trajectories: int | None = None
    seed: int = 0
    steps: int | None = None
    weights: str | None = None
    stderr: float | None = None
    rows: int = 0
    holes: int = 0
    _likelihoods: "list[Likelihood]" = field(default_factory=list)
    _weights: "list[np.ndarray]" = field(default_factory=list)

    def frames(self, pieces: "Iterable[Table]", screen: Screen) -> "Iterator[pl.DataFrame]":
        """The columns of the output, a piece at a time."""
        for piece in pieces:
            if self.rows:
                screen.tell(f"{self.rows} rows done")
            yield self.score(piece)

    def score(self, table: "Table") -> "pl.DataFrame":
        """The columns of the output for a piece of the table."""
        import numpy as np

        from quasistatic import DiffusionDensity
        from quasistatic.data.weights import without_weights

        if self.weights is not None:
            table, frequencies = without_weights(table, self.weights)
            self._weights.append(frequencies)
        if isinstance(self.density, DiffusionDensity):
            how = self.method, self.trajectories, self.seed, self.steps, self.stderr
            found = self.density.log_likelihood(table, *how)
            self.trajectories, self.stderr = found.trajectories, None
            self.holes += int(np.count_nonzero(~self.density.fitted_.whole_rows(table)))
        else:
            found = self.density.log_likelihood(table)
        self.rows += len(table)
        self._likelihoods.append(found)
        return frame_of(found)

    def show(self, screen: Screen) -> "Likelihood":
        """The likelihood of the whole table, shown."""
        import numpy as np

        from quasistatic.fitted.likelihood import joined

        weights = np.concatenate(self._weights) if self._weights else None
        likelihood = joined(self._likelihoods).weighted_by(weights)
        if self.holes:
            screen.warn(
                f"{self.holes} of {self.rows} rows have missing cells: theirs is the log-likelihood"
                " of the cells that are there; that the others are missing is no part of it."
            )
        show_likelihood(screen, likelihood, self.density.schema_.layout)
        return likelihood


def frame_of(likelihood: "Likelihood") -> "pl.DataFrame":
    """The columns of the output, a number that is none as an empty cell."""
    import polars as pl

    columns = {"log_likelihood": likelihood.lower, "stderr": likelihood.stderr}
    if likelihood.weighted:
        columns["ess"] = likelihood.ess
    if likelihood.upper is not None and likelihood.stderr_upper is not None:
        columns |= {"upper": likelihood.upper, "stderr_upper": likelihood.stderr_upper}
    return pl.DataFrame(columns).fill_nan(None)


@dataclass
class Flow:
    """The probability flow's density of a table that comes a piece at a time: its own column, its
    own words; a row with a missing cell keeps its place without a number.

    Args:
        density: density of a diffusion model.
        probes: number of probes a row; None is 8.
        seed: seed of the probes.
    """

    density: "DiffusionDensity"
    probes: int | None
    seed: int
    _numbers: "list[np.ndarray]" = field(default_factory=list)
    _exact: bool = True

    def frames(self, pieces: "Iterable[Table]") -> "Iterator[pl.DataFrame]":
        """The columns of the output, a piece at a time.

        Raises:
            DataError: every row has a missing cell.
        """
        import numpy as np
        import polars as pl

        source = ""
        for table in pieces:
            source = source or table.source
            whole = self.density.fitted_.whole_rows(table)
            placed = np.full((2, len(whole)), np.nan)
            if whole.any() or not len(whole):
                probes = 8 if self.probes is None else self.probes
                rows = table.take(np.flatnonzero(whole))
                found = self.density.flow_log_density(rows, probes, self.seed)
                placed[:, whole] = found.log_density, found.stderr
                self._exact = found.exact
            self._numbers.append(placed[0])
            yield pl.DataFrame({"flow_log_density": placed[0], "stderr": placed[1]}).fill_nan(None)
        if np.isnan(np.concatenate(self._numbers)).all():
            raise DataError(
                "every row has a missing cell, and the flow is of whole rows",
                where=source,
                fix="fill the holes, or score with another method",
            )

    def show(self, screen: Screen) -> dict[str, Any]:
        """The mean over the whole table, shown; its values for a JSON result."""
        import numpy as np

        from quasistatic.fitted.likelihood import mean_and_stderr

        numbers = np.concatenate(self._numbers)
        whole = ~np.isnan(numbers)
        if not whole.all():
            screen.warn(
                f"{np.count_nonzero(~whole)} of {len(whole)} rows have missing cells: "
                "they get no flow log-density."
            )
        mean, stderr = mean_and_stderr(numbers[whole])
        measure = self.density.schema_.base_measure()
        screen.result(
            f"Mean flow log-density of {np.count_nonzero(whole)} rows: "
            f"{nats(mean, stderr)} nats per row (the density of a different, "
            "deterministic model with the same network: not a bound, not to be compared with one)"
        )
        screen.result(f"Base measure: {measure}")
        return {
            "rows": len(whole),
            "scored_rows": int(np.count_nonzero(whole)),
            "method": "flow",
            "exact_trace": self._exact,
            "mean": mean,
            "mean_stderr": stderr,
            "unit": "nats per row",
            "base_measure": measure,
        }


def show_likelihood(
    screen: Screen, likelihood: "Likelihood", layout: "Layout | None" = None
) -> None:
    """The mean with its standard error (also in bits, for images and sequences), what it is, the
    upper side, and the base measure.
    """
    how = f", {likelihood.trajectories} trajectories a row" if likelihood.weighted else ""
    how += "" if likelihood.weights is None else f", weighing {likelihood.weights.sum():g} rows"
    screen.result(
        f"Mean log-likelihood of {len(likelihood.lower)} rows: "
        f"{nats(likelihood.mean, likelihood.mean_stderr)} {likelihood.unit} "
        f"({likelihood.meaning}{how})"
    )
    if layout is not None:
        screen.result(f"  = {in_bits(layout, likelihood.mean, likelihood.mean_stderr)}")
    if likelihood.upper is not None and likelihood.upper_kind is not None:
        from quasistatic.fitted.likelihood import mean_and_stderr

        screen.result(
            f"Upper side: {nats(*mean_and_stderr(likelihood.upper, likelihood.weights))}"
            f" {likelihood.unit} "
            f"({likelihood.upper_kind}: {_UPPER[likelihood.upper_kind]}); "
            f"the sides are {nats(*likelihood.gap)} apart"
        )
    screen.result(f"Base measure: {likelihood.base_measure}")


def likelihood_values(likelihood: "Likelihood") -> dict[str, Any]:
    """The likelihood of a table for a JSON result."""
    import numpy as np

    values: dict[str, Any] = {
        "scored_rows": len(likelihood.lower),
        "method": likelihood.method,
        "trajectories": likelihood.trajectories,
        "steps": likelihood.steps,
        "mean": likelihood.mean,
        "mean_stderr": likelihood.mean_stderr,
        "unit": likelihood.unit,
        "base_measure": likelihood.base_measure,
    }
    if likelihood.weighted:
        values |= {"mean_ess": float(np.mean(likelihood.ess))}
    if likelihood.upper is not None:
        gap, gap_stderr = likelihood.gap
        upper = {
            "mean_upper": float(np.average(likelihood.upper, weights=likelihood.weights)),
            "upper_kind": likelihood.upper_kind,
        }
        values |= upper | {"gap": gap, "gap_stderr": gap_stderr}
    return values
