"""What `quasistatic score` finds of a table that comes a piece at a time."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from quasistatic.cli.dealing import Answer
from quasistatic.cli.likelihood import likelihood_values, show_likelihood
from quasistatic.cli.screen import Screen, nats
from quasistatic.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from quasistatic.data.table import Table
    from quasistatic.estimator.density import DiffusionDensity
    from quasistatic.estimator.energy import EnergyDensity
    from quasistatic.fitted.likelihood import Likelihood

_HOLES, _TRAJECTORIES = "holes", "trajectories"


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

    def frames(
        self, answers: "Iterable[Answer]", screen: Screen
    ) -> "Iterator[pl.DataFrame | Table | bytes]":
        """The columns of the output, a piece at a time."""
        from quasistatic.fitted.likelihood import Likelihood

        for (rows,), values in answers:
            if self.rows:
                screen.tell(f"{self.rows} rows done")
            found = dict(values)
            self.holes += found.pop(_HOLES)
            self._likelihoods.append(Likelihood(**found))
            self.rows += len(found["lower"])
            yield rows

    def answer(self, read: "Callable[[], Table]") -> Answer:
        """The columns of the output for a piece of the table, and its likelihood."""
        import numpy as np

        from quasistatic import DiffusionDensity, workers
        from quasistatic.data.weights import without_weights

        table, frequencies, holes = read(), None, 0
        if self.weights is not None:
            table, frequencies = without_weights(table, self.weights)
        if isinstance(self.density, DiffusionDensity):
            if self.stderr is not None and not workers.is_first():
                self.trajectories, self.stderr = int(workers.hear(_TRAJECTORIES)), None
            how = self.method, self.trajectories, self.seed, self.steps, self.stderr
            found = self.density.log_likelihood(table, *how)
            if self.stderr is not None:
                workers.tell(_TRAJECTORIES, str(found.trajectories))
            self.trajectories, self.stderr = found.trajectories, None
            holes = int(np.count_nonzero(~self.density.fitted_.whole_rows(table)))
        else:
            found = self.density.log_likelihood(table)
        found = replace(found, weights=frequencies)
        names = (item.name for item in fields(found) if item.name != "terms")
        values = {name: getattr(found, name) for name in names}
        return Answer([frame_of(found)], values | {_HOLES: holes})

    def show(self, screen: Screen) -> dict[str, Any]:
        """The likelihood of the whole table, shown; its values for a JSON result."""
        from quasistatic import DiffusionDensity
        from quasistatic.fitted.likelihood import joined

        likelihood = joined(self._likelihoods)
        likelihood = likelihood.weighted_by(likelihood.weights)  # which of a piece may be all 0
        if self.holes:
            screen.warn(
                f"{self.holes} of {self.rows} rows have missing cells: theirs is the log-likelihood"
                " of the cells that are there; that the others are missing is no part of it."
            )
        show_likelihood(screen, likelihood, self.density.schema_.layout)
        values = {"rows": self.rows} | likelihood_values(likelihood)
        if isinstance(self.density, DiffusionDensity):
            values |= {"rows_with_missing_cells": self.holes}
        return values


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

    def frames(
        self, answers: "Iterable[Answer]", screen: Screen
    ) -> "Iterator[pl.DataFrame | Table | bytes]":
        """The columns of the output, a piece at a time.

        Raises:
            DataError: every row has a missing cell.
        """
        import numpy as np

        source = ""
        for (rows,), values in answers:
            if self._numbers:
                screen.tell(f"{sum(map(len, self._numbers))} rows done")
            source = source or values["source"]
            self._exact = values["exact"] and self._exact
            self._numbers.append(values["numbers"])
            yield rows
        if self._numbers and np.isnan(np.concatenate(self._numbers)).all():
            raise DataError(
                "every row has a missing cell, and the flow is of whole rows",
                where=source,
                fix="fill the holes, or score with another method",
            )

    def answer(self, read: "Callable[[], Table]") -> Answer:
        """The columns of the output for a piece of the table, and its numbers."""
        import numpy as np
        import polars as pl

        table, exact = read(), True
        whole = self.density.fitted_.whole_rows(table)
        placed = np.full((2, len(whole)), np.nan)
        if whole.any() or not len(whole):
            probes = 8 if self.probes is None else self.probes
            rows = table.take(np.flatnonzero(whole))
            found = self.density.flow_log_density(rows, probes, self.seed)
            placed[:, whole] = found.log_density, found.stderr
            exact = found.exact
        frame = pl.DataFrame({"flow_log_density": placed[0], "stderr": placed[1]}).fill_nan(None)
        return Answer([frame], {"numbers": placed[0], "exact": exact, "source": table.source})

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
