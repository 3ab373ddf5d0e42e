"""Which Z a density is given: the exact one, one from two sides, or none.

Beyond the reach of exact sums, log Z is taken from both directions of annealed importance sampling,
the upper side from Gibbs chains: it holds as far as these have mixed (R-hat is told).
"""

from typing import Any, Literal, NamedTuple

import jax
import numpy as np

from quasistatic.errors import SettingError
from quasistatic.rivals import annealing, exact, monte_carlo
from quasistatic.rivals.energy import AbstractBinaryEnergy

__all__ = ["Normaliser", "NormaliserName", "draw", "normaliser_of"]

NormaliserName = Literal["auto", "exact", "ais", "none"]
_NAMES = ("auto", "exact", "ais", "none")
_PATHS, _STEPS = 200, 1000
_CHAINS, _BURN_IN = 200, 1000


class Normaliser(NamedTuple):
    """log Z, nats.

    Args:
        kind: "exact", "ais" (two sides), or "none".
        lower: log Z, or its estimate from below; 0 for "none".
        upper: log Z, or its estimate from above; 0 for "none".
        stderr_lower: standard error of `lower`.
        stderr_upper: standard error of `upper`.
    """

    kind: str
    lower: float
    upper: float
    stderr_lower: float = 0.0
    stderr_upper: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types."""
        return self._asdict()


def normaliser_of(
    energy: AbstractBinaryEnergy, bias: np.ndarray, kind: str = "auto", seed: int = 0
) -> Normaliser:
    """log Z of an energy.

    Args:
        energy: energy of D bits.
        bias: log-odds of independent bits like those of the data, `[D]` nats.
        kind: "exact", "ais", "none", or "auto" (default): exact within reach, else "ais".
        seed: seed of annealing and chains (default 0).

    Raises:
        SettingError: an unknown kind, or "exact" beyond the reach of exact sums.
    """
    if kind not in _NAMES:
        raise SettingError(f"normaliser = {kind!r} is none of {', '.join(_NAMES)}")
    if kind == "none":
        return Normaliser("none", 0.0, 0.0)
    if kind == "exact" or (kind == "auto" and exact.within_reach(energy)):
        log_z = exact.log_partition(energy)
        return Normaliser("exact", log_z, log_z)
    samples = draw(energy, bias, _PATHS, seed)
    found = annealing.sandwich(energy, bias, samples, steps=_STEPS, seed=seed)
    sides = sorted(found, key=lambda side: side.log_z)
    below, above = sides
    return Normaliser("ais", below.log_z, above.log_z, below.stderr, above.stderr)


def draw(energy: AbstractBinaryEnergy, bias: np.ndarray, n: int, seed: int) -> np.ndarray:
    """n rows of the energy, float32 `[n, D]`: exact within reach, else the ends of Gibbs chains; a
    warning where these disagree.

    Args:
        energy: energy of D bits.
        bias: log-odds of the independent bits at which chains begin, `[D]` nats.
        n: number of rows.
        seed: seed of the rows.
    """
    if exact.within_reach(energy):
        return exact.sample(energy, n, key=jax.random.key(seed))
    rng = np.random.default_rng(seed)
    chains = min(n, _CHAINS)
    start = rng.random((chains, len(bias))) < 1.0 / (1.0 + np.exp(-np.asarray(bias)))
    kept = max(-(-n // chains), 10)
    found = monte_carlo.gibbs(
        energy, start.astype(np.float32), kept=kept, burn_in=_BURN_IN, seed=seed
    )
    return found.rows.swapaxes(0, 1).reshape(-1, len(bias))[-n:]
