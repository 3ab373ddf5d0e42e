"""The models that `fit --model` knows: which options each understands, and how it is fitted.

A further model is a line in `FAMILIES` and a name in `ModelName`.
"""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from quasistatic.cli.fitting import Job, fit_and_save
from quasistatic.cli.screen import Screen, describe, duration, nats
from quasistatic.errors import SettingError

if TYPE_CHECKING:
    from quasistatic.estimator.energy import EnergyDensity

ModelName = Literal["diffusion", "mixture", "boltzmann", "rbm"]
_ANY = ("data", "output", "schema", "missing", "weights", "kind", "model", "seed")
_EVERY = frozenset({*_ANY, "force", "as_json", "quiet"})
_DIFFUSION = (
    "preset", "max_steps", "max_minutes", "batch_size", "learning_rate", "resume",
    "trajectory_length", "components", "discrete_kernel", "schedule", "column_transform", "width",
    "depth", "dropout", "frequencies", "members", "where", "unique", "processes",
)  # fmt: skip
_OF_COMMAND = ("resume", "where", "unique", "processes")
"""Options that are no settings of the density."""
_MIXTURE = ("components", "discrete_kernel", "column_transform", "where", "unique")
_ENERGY = ("method", "l1", "l2", "updates")


class Family(NamedTuple):
    """A model of `fit --model`.

    Args:
        options: names of the options of `fit` that it understands, beside those of every model.
        fit: function `(screen, job, settings)` that fits, saves, says what was reached and returns
            the values of the JSON result.
    """

    options: tuple[str, ...]
    fit: Callable[[Screen, Job, Mapping[str, Any]], dict[str, Any]]


def _fit_density(screen: Screen, job: Job, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The better one of diffusion and mixture, where `settings` have no model."""
    from quasistatic import DiffusionDensity

    given = {name: value for name, value in settings.items() if name not in _OF_COMMAND}
    return fit_and_save(screen, DiffusionDensity(**given), job)


def _fit_diffusion(screen: Screen, job: Job, settings: Mapping[str, Any]) -> dict[str, Any]:
    return _fit_density(screen, job, {"model": "diffusion", **settings})


def _fit_mixture(screen: Screen, job: Job, settings: Mapping[str, Any]) -> dict[str, Any]:
    return _fit_density(screen, job, {"model": "mixture", **settings})


def _fit_boltzmann(screen: Screen, job: Job, settings: Mapping[str, Any]) -> dict[str, Any]:
    return _fit_energy(screen, job, {"energy": "boltzmann", **settings})


def _fit_rbm(screen: Screen, job: Job, settings: Mapping[str, Any]) -> dict[str, Any]:
    return _fit_energy(screen, job, {"energy": "rbm", "method": "centred-pcd", **settings})


FAMILIES: dict[str | None, Family] = {
    None: Family(_DIFFUSION, _fit_density),
    "diffusion": Family(_DIFFUSION, _fit_diffusion),
    "mixture": Family(_MIXTURE, _fit_mixture),
    "boltzmann": Family((*_ENERGY, "graph"), _fit_boltzmann),
    "rbm": Family((*_ENERGY, "hidden"), _fit_rbm),
}


def settings_of(model: str | None, values: Mapping[str, Any], given: set[str]) -> dict[str, Any]:
    """The values of the options that a model understands and that were given, and the seed.

    Args:
        model: name of a line of `FAMILIES`; None for the better one of diffusion and mixture.
        values: values of all options by name.
        given: names of the options that the user gave.

    Raises:
        SettingError: an option that has no meaning for the model was given.
    """
    family = FAMILIES[model]
    for name in sorted(given - _EVERY - set(family.options)):
        able = [other for other, line in FAMILIES.items() if other and name in line.options]
        raise SettingError(
            f"--{name.replace('_', '-')} has no meaning for --model {model or 'diffusion'}",
            fix=f"leave it out, or fit with --model {' or '.join(able)}",
        )
    chosen = {name: values[name] for name in family.options if name in given}
    return chosen | {"random_state": values["seed"]}


def _fit_energy(screen: Screen, job: Job, settings: dict[str, Any]) -> dict[str, Any]:
    from quasistatic.estimator.energy import EnergyDensity

    begun = time.monotonic()
    density = EnergyDensity(**settings).fit(job.table, schema=job.schemas.first)
    seconds = time.monotonic() - begun
    density.save(job.output, force=job.force)
    return _told(screen, density, job, seconds)


def _told(screen: Screen, density: "EnergyDensity", job: Job, seconds: float) -> dict[str, Any]:
    """The values of the JSON result, said as well."""
    from quasistatic.rivals.methods import METHODS

    found = density.log_likelihood(job.table)
    told = density.manifest_["told"]
    screen.result(
        f"{METHODS[density.method].meaning}: "
        + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in told.items())
    )
    screen.result(
        f"Training rows: {nats(found.mean, found.mean_stderr)} nats per row ({found.meaning})"
    )
    screen.result(f"Base measure: {found.base_measure}")
    screen.result(f"Model saved: {job.output} ({duration(seconds)})")
    return {
        "model": job.output,
        "data": job.data,
        "rows": len(job.table),
        **describe(density.schema_),
        "training_mean": found.mean,
        "normaliser": density.manifest_["normaliser"],
        "told": told,
        "unit": found.unit,
        "seconds": seconds,
        "seed": density.random_state,
    }
