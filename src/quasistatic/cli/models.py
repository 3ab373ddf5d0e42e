"""What `score`, `sample` and `compare` ask of a model of any family."""

from typing import TYPE_CHECKING, Any

from quasistatic.errors import SettingError

if TYPE_CHECKING:
    from quasistatic.data.table import Table
    from quasistatic.fitted.likelihood import Likelihood, MethodName


def likelihood_of(
    density: Any, table: "Table", method: "MethodName", trajectories: int | None, seed: int
) -> "Likelihood":
    """The log-likelihood of every row; method and trajectories are those of a diffusion model, and
    others have one way.

    Args:
        density: density that `load` gave.
        table: rows with the columns of the model.
        method: method of a diffusion model.
        trajectories: number of trajectories a row of a diffusion model; None is the method's own.
        seed: seed of the trajectories.
    """
    from quasistatic import DiffusionDensity

    if isinstance(density, DiffusionDensity):
        return density.log_likelihood(table, method, trajectories, seed)
    return density.log_likelihood(table)


def rows_of(
    density: Any, number: int, steps: int | None, seed: int, model: str, *, first: int = 0
) -> "Table":
    """New rows.

    Args:
        density: density that `load` gave.
        number: number of rows.
        steps: length of the sub-schedule of a diffusion model; None is the whole trajectory.
        seed: seed of the rows.
        model: path of the model folder, for the message.
        first: number of the first row (default 0); 0 of an energy, which draws all rows at once.

    Raises:
        SettingError: a sub-schedule of a model without a trajectory.
    """
    from quasistatic import DiffusionDensity
    from quasistatic.fitted import energy, sampling

    if isinstance(density, DiffusionDensity):
        key = density.fitted_.key(seed)
        return sampling.sample(density.fitted_, number, steps, key=key, first=first)
    if steps is not None:
        raise SettingError("an energy has no trajectory", where=model, fix="leave out --steps")
    return energy.sample(density.fitted_, number, seed=seed)


def holed(density: Any, table: "Table", seed: int, model: str, *, first: int = 0) -> "Table":
    """Rows with holes like those of the fitted table.

    Args:
        density: density that `load` gave.
        table: rows of the density.
        seed: seed of the patterns.
        model: path of the model folder, for the message.
        first: number of the first row (default 0).

    Raises:
        SettingError: a model of whole rows, or of an earlier version.
    """
    from quasistatic import DiffusionDensity
    from quasistatic.fitted.holes import with_holes

    if not isinstance(density, DiffusionDensity):
        fix = "leave out --missing"
        raise SettingError("an energy is of whole rows", where=model, fix=fix)
    return with_holes(density.fitted_, table, key=density.fitted_.key(seed), first=first)
