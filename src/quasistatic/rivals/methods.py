"""The methods by which an energy of bits is learned from rows, by name.

A further method is a line in `METHODS`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic.errors import SettingError
from quasistatic.rivals import (
    belief_propagation,
    contrastive_divergence,
    exact,
    mean_field,
    probability_flow,
    pseudolikelihood,
    ratio_matching,
)
from quasistatic.rivals.boltzmann import BoltzmannMachine, machine
from quasistatic.rivals.energy import AbstractBinaryEnergy, starting_bias
from quasistatic.rivals.graph import Graph
from quasistatic.rivals.learning import Learned
from quasistatic.rivals.restricted import restricted

__all__ = ["ENERGIES", "METHODS", "EnergyName", "Method", "learn", "starting_energy"]

EnergyName = Literal["boltzmann", "rbm"]
ENERGIES: tuple[str, ...] = get_args(EnergyName)
_PENALTIES = frozenset({"l1", "l2"})
_CHAINS = frozenset({"l2", "k", "updates", "seed"})


class Method(NamedTuple):
    """One way to learn an energy.

    Args:
        fit: function `(start, rows, **settings)` -> `Learned`.
        meaning: what is done, for people.
        settings: names of the settings that it takes.
        energies: names of the energies that it learns.
    """

    fit: Callable[..., Learned]
    meaning: str
    settings: frozenset[str] = _PENALTIES
    energies: tuple[str, ...] = ENERGIES


def _with(**choices: bool) -> Callable[..., Learned]:
    """Contrastive divergence of one form."""
    return lambda start, rows, **settings: contrastive_divergence.fit(
        start, rows, **choices, **settings
    )


def _of_graph(fit: Callable[[Graph, np.ndarray], Learned]) -> Callable[..., Learned]:
    """A closed form, which needs no start."""

    def of_machine(start: BoltzmannMachine, rows: np.ndarray) -> Learned:
        return fit(start.graph, rows)

    return of_machine


def _inversion(fit: Callable[[Graph, np.ndarray], Learned], meaning: str) -> Method:
    return Method(_of_graph(fit), meaning, frozenset(), ("boltzmann",))


METHODS: Mapping[str, Method] = {
    "exact": Method(exact.fit, "maximum likelihood, Z summed exactly"),
    "pseudolikelihood": Method(pseudolikelihood.fit, "pseudolikelihood"),
    "mpf": Method(probability_flow.fit, "minimum probability flow"),
    "mpf-opposite": Method(
        partial(probability_flow.fit, opposite=True),
        "minimum probability flow, to opposite rows too",
    ),
    "ratio": Method(ratio_matching.fit, "ratio matching"),
    "cd": Method(_with(), "contrastive divergence", _CHAINS),
    "pcd": Method(_with(persistent=True), "persistent contrastive divergence", _CHAINS),
    "centred-pcd": Method(
        _with(persistent=True, centred=True),
        "persistent contrastive divergence with centred bits",
        _CHAINS,
    ),
    "mean-field": _inversion(mean_field.fit_naive, "naive mean field inversion"),
    "tap": _inversion(mean_field.fit_tap, "mean field inversion of second order (TAP)"),
    "bethe": _inversion(belief_propagation.fit, "Bethe inversion (belief propagation)"),
}


def learn(
    energy: str, method: str, start: AbstractBinaryEnergy, rows: np.ndarray, **settings: Any
) -> Learned:
    """The energy that a method learns.

    Args:
        energy: name of the energy.
        method: name of a line of `METHODS`.
        start: energy to begin with.
        rows: bits, `[N, D]`.
        settings: settings of the method; those that are None are left at their defaults.

    Raises:
        SettingError: an unknown method, one that does not learn this energy, or a setting that it
            does not take.
    """
    if method not in METHODS:
        raise SettingError(f"method = {method!r} is none of {', '.join(METHODS)}")
    chosen = METHODS[method]
    if energy not in chosen.energies:
        able = [name for name, other in METHODS.items() if energy in other.energies]
        raise SettingError(
            f"the method {method!r} does not learn an energy {energy!r}",
            fix=f"choose one of {', '.join(able)}",
        )
    given = {name: value for name, value in settings.items() if value is not None}
    if unknown := sorted(set(given) - chosen.settings):
        raise SettingError(
            f"{unknown[0]} = {given[unknown[0]]!r} has no meaning for the method {method!r}",
            fix="leave it out",
        )
    return chosen.fit(start, rows, **given)


def starting_energy(
    energy: str, rows: np.ndarray, graph: Graph, hidden: int, seed: int
) -> AbstractBinaryEnergy:
    """An energy whose bits are independent, with the rows' frequencies.

    Args:
        energy: name of the energy.
        rows: bits, `[N, D]`.
        graph: graph of a Boltzmann machine.
        hidden: number of hidden bits of a restricted one.
        seed: seed of the small couplings that hidden bits begin with.

    Raises:
        SettingError: an unknown energy.
    """
    bias = starting_bias(jnp.asarray(rows, jnp.float32).mean(axis=0), len(rows))
    if energy == "boltzmann":
        return machine(graph, bias)
    if energy == "rbm":
        return restricted(bias, hidden, key=jax.random.key(seed))
    raise SettingError(f"energy = {energy!r} is none of {', '.join(ENERGIES)}")
