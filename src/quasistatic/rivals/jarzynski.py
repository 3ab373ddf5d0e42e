r"""The Jarzynski equality: free energies from the work of processes that are not in equilibrium.

The paths of annealing are a protocol that changes the energy while the bits follow. With the work W
= -log w (kT = 1) and dF = -(log Z_N - log Z_0):

    Jarzynski 1997      E_forward exp(-W) = exp(-dF)
    second law          E_forward W >= dF >= E_reverse W          (W the same function of the path)
    Crooks 1999         R(W) / F(W) = exp(-(W - dF)): the two histograms cross at W = dF
    Bennett 1976        the estimate with the least variance from both directions

`E_forward W - dF` is the work that is dissipated; the slower the protocol, the less. Annealed
importance sampling *is* Jarzynski's equality (Neal 2001); so is the bound of a diffusion model,
whose protocol is the forward process.
"""

from typing import NamedTuple

import numpy as np

from quasistatic.rivals.annealing import log_weights, schedule
from quasistatic.rivals.energy import AbstractBinaryEnergy
from quasistatic.rivals.monte_carlo import Estimate, estimate
from quasistatic.thermodynamics.bennett import bennett
from quasistatic.thermodynamics.crooks import Slope, crooks_slope

__all__ = ["WorkValues", "crossing", "protocol"]


class WorkValues(NamedTuple):
    """Work in both directions, and what follows from it; nats. Free energies are of phi_N itself:
    dF = -log Z_N.

    Args:
        forward: work of forward paths, `[n]`.
        reverse: work, the same function, of paths of the reverse process, `[n]`.
    """

    forward: np.ndarray
    reverse: np.ndarray

    @property
    def jarzynski(self) -> Estimate:
        """log Z by the forward paths alone."""
        return estimate(-self.forward)

    @property
    def bennett(self) -> tuple[float, float]:
        """log Z by both directions, and its standard error."""
        free_energy, stderr = bennett(self.forward, self.reverse)
        return -float(free_energy), float(stderr)

    @property
    def second_law(self) -> tuple[float, float]:
        """Bounds on log Z by the mean works: -E_forward W and -E_reverse W."""
        return -float(np.mean(self.forward)), -float(np.mean(self.reverse))

    @property
    def dissipation(self) -> tuple[float, float]:
        """Work dissipated by the forward and by the reverse process, by Bennett's free energy."""
        log_z = self.bennett[0]
        below, above = self.second_law
        return log_z - below, above - log_z

    @property
    def slope(self) -> Slope:
        """Crooks' slope: 1, up to its error, where the relation is kept."""
        return crooks_slope(self.forward, self.reverse)


def protocol(
    energy: AbstractBinaryEnergy,
    bias: np.ndarray,
    samples: np.ndarray,
    *,
    steps: int = 100,
    seed: int = 0,
) -> WorkValues:
    """Work of the protocol from independent bits to the energy, in both directions.

    Args:
        energy: energy of D bits.
        bias: log-odds of the independent bits at the start, `[D]` nats.
        samples: samples of the energy, `[n, D]`, from which the reverse process starts.
        steps: number of steps (default 100).
        seed: seed of the paths (default 0).
    """
    shares = schedule(steps)
    forward = log_weights(energy, bias, shares, n=len(samples), seed=seed)
    backward = log_weights(energy, bias, shares, samples=samples, seed=seed + 1)
    return WorkValues(-forward, -backward)


def crossing(found: WorkValues) -> float:
    """log Z where the two distributions of work cross, each taken as normal: the crossing next to
    the middle of their means; NaN if they do not cross.

    Args:
        found: work in both directions.
    """
    (m, s), (n, r) = ((np.mean(w), np.std(w, ddof=1)) for w in found)
    # log of the ratio of the two normal densities as a polynomial of W
    squared, linear = 0.5 / r**2 - 0.5 / s**2, m / s**2 - n / r**2
    constant = 0.5 * (n / r) ** 2 - 0.5 * (m / s) ** 2 + np.log(r / s)
    roots = np.roots([squared, linear, constant])
    real = roots[np.isreal(roots)].real
    nearest = real[np.argsort(np.abs(real - 0.5 * (m + n)))]
    return -float(nearest[0]) if len(nearest) else float("nan")
