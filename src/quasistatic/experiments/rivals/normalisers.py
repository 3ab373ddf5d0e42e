"""What each method says of log Z of a machine, and how often the exact value lies in it."""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from quasistatic.experiments.markdown import markdown, number
from quasistatic.experiments.rivals.entry import timed
from quasistatic.rivals import annealing, exact, jarzynski, mean_field, monte_carlo
from quasistatic.rivals.belief_propagation import propagate
from quasistatic.rivals.boltzmann import BoltzmannMachine
from quasistatic.rivals.energy import AbstractBinaryEnergy

_ERRORS = 3.0
Interval = tuple[float, float]


class Claim(NamedTuple):
    """What a method says of log Z, nats.

    Args:
        method: name of the method.
        low: mean of the lower ends of its intervals; None where it has no lower end.
        high: mean of the upper ends; None where it has no upper end.
        held: share of the repetitions in which the exact log Z lies in the interval.
        repetitions: number of repetitions.
        seconds: time of one.
        remark: what it says of itself, such as that it did not converge.
    """

    method: str
    low: float | None
    high: float | None
    held: float
    repetitions: int
    seconds: float
    remark: str = ""

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types."""
        return self._asdict()


def table(claims: list[Claim], log_z: float) -> str:
    """The claims as Markdown."""
    head = ["method", "log Z is said to be", f"holds (exact: {log_z:.3f})", "s", "it says"]
    rows = [
        [
            c.method,
            f"{number(c.low, digits=2)} to {number(c.high, digits=2)}",
            f"{c.held:.0%} of {c.repetitions}" if c.repetitions > 1 else _once(c.held),
            number(c.seconds, digits=2),
            c.remark or "-",
        ]
        for c in claims
    ]
    return markdown(head, rows)


def claims(
    energy: AbstractBinaryEnergy, bias: np.ndarray, *, paths: int, steps: int, repetitions: int
) -> list[Claim]:
    """Every method that speaks of log Z.

    Args:
        energy: energy whose Z can be summed.
        bias: log-odds of independent bits at the start of annealing, `[D]` nats.
        paths: number of draws, and of annealing paths in each direction.
        steps: number of steps of annealing; work is measured with a tenth.
        repetitions: number of repetitions of what is random.
    """
    log_z = exact.log_partition(energy)
    found = _deterministic(energy, log_z) if isinstance(energy, BoltzmannMachine) else []
    few = max(steps // 10, 1)
    samples = [exact.sample(energy, paths, key=jax.random.key(n)) for n in range(repetitions)]

    def plain(n: int) -> Interval:
        return _around(monte_carlo.log_partition(energy, bias, paths * steps, seed=n))

    def forward(n: int) -> Interval:
        shares = annealing.schedule(steps)
        logs = annealing.log_weights(energy, bias, shares, n=paths, seed=n)
        return _around(monte_carlo.estimate(logs))

    def both(n: int) -> Interval:
        return annealing.sandwich(energy, bias, samples[n], steps=steps, seed=2 * n).interval

    def work(n: int) -> jarzynski.WorkValues:
        return jarzynski.protocol(energy, bias, samples[n], steps=few, seed=2 * n)

    def bennett(n: int) -> Interval:
        value, stderr = work(n).bennett
        return value - _ERRORS * stderr, value + _ERRORS * stderr

    methods: dict[str, Callable[[int], Interval]] = {
        f"plain Monte Carlo, {paths * steps:,} draws": plain,
        f"annealed importance sampling, {steps} steps, forward": forward,
        f"annealed importance sampling, {steps} steps, both directions": both,
        f"Jarzynski, {few} steps": lambda n: _around(work(n).jarzynski),
        f"second law, {few} steps": lambda n: work(n).second_law,
        f"Bennett's ratio, {few} steps": bennett,
    }
    return found + [_repeated(*item, log_z, repetitions) for item in methods.items()]


def _deterministic(machine: BoltzmannMachine, log_z: float) -> list[Claim]:
    def once(method: str, say: Callable[[], tuple[float | None, float | None, bool]]) -> Claim:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # the remark says it
            (low, high, rested), seconds = timed(say)
        below = low is None or low <= log_z + 1e-3
        held = below and (high is None or high >= log_z - 1e-3)
        return Claim(method, low, high, float(held), 1, seconds, "" if rested else "not converged")

    def naive() -> tuple[float | None, float | None, bool]:
        found = mean_field.naive(machine)
        return found.log_z, None, found.converged

    def tap() -> tuple[float | None, float | None, bool]:
        found = mean_field.tap(machine)
        return found.log_z, found.log_z, found.converged

    def bethe() -> tuple[float | None, float | None, bool]:
        found = propagate(machine)
        return found.log_z, found.log_z, found.converged

    def trees() -> tuple[float | None, float | None, bool]:
        found = propagate(machine, reweighted=True, damping=0.8, steps=5000)
        return None, found.log_z, found.converged

    return [
        once("naive mean field, a lower bound", naive),
        once("mean field of second order (TAP)", tap),
        once("belief propagation (Bethe)", bethe),
        once("tree-reweighted, an upper bound", trees),
    ]


def _repeated(method: str, say: Callable[[int], Interval], log_z: float, repetitions: int) -> Claim:
    found, seconds = timed(lambda: np.array([say(n) for n in range(repetitions)]))
    held = np.mean((found[:, 0] <= log_z) & (log_z <= found[:, 1]))
    low, high = (float(x) for x in found.mean(axis=0))
    return Claim(method, low, high, float(held), repetitions, seconds / repetitions)


def _around(estimate: monte_carlo.Estimate) -> Interval:
    """Three standard errors to both sides, as the method itself would say."""
    error = _ERRORS * estimate.stderr
    return estimate.log_z - error, estimate.log_z + error


def _once(held: float) -> str:
    return "yes" if held else "**no**"
