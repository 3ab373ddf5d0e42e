"""The accuracy certificate of a model's likelihoods: the sandwich on rows that the model generated
itself.
"""

from dataclasses import asdict, dataclass
from typing import Any

import jax
import numpy as np

from quasistatic.bound.upper import bidirectional
from quasistatic.config import require_whole
from quasistatic.errors import SettingError
from quasistatic.fitted._generated import GeneratedRows, generate_table
from quasistatic.fitted.likelihood import mean_and_stderr
from quasistatic.fitted.model import Fitted
from quasistatic.thermodynamics.bennett import bennett
from quasistatic.thermodynamics.crooks import matched_slope
from quasistatic.thermodynamics.work import Work, generated_work
from quasistatic.typing import Key

__all__ = ["Certificate", "certify", "work_of_generated"]


@dataclass(frozen=True)
class Certificate:
    """How far apart the two sides of log p are on rows of the model, where both are true bounds.

    Each generated row comes with its own trajectory, an exact draw of the posterior: the upper side
    is a true stochastic upper bound (bidirectional Monte Carlo). The mean gap bounds the error of
    `log_likelihood(method="ais")` with the same number of trajectories on rows like the model's
    own.

    Args:
        rows: number of generated rows that were weighed.
        trajectories: number of forward trajectories per row.
        steps: length of each trajectory.
        lower: mean lower side, nats per row, in the data's own units.
        upper: mean upper side, nats per row, in the data's own units.
        gap: mean of upper - lower, nats per row.
        gap_stderr: standard error of the gap over the rows, nats.
        log_likelihood: mean log p by Bennett's acceptance ratio, from the work in both directions,
            nats per row, in the data's own units.
        log_likelihood_stderr: standard error of `log_likelihood` over the rows, nats.
        ess: mean effective sample size of the forward trajectories.
        crooks_slope: slope of Crooks' relation, 1 where weights, bridges and sampler fit together.
        crooks_stderr: standard error of the slope.
        seed: seed of the rows and the trajectories.
        unit: unit of the bounds.
    """

    rows: int
    trajectories: int
    steps: int
    lower: float
    upper: float
    gap: float
    gap_stderr: float
    log_likelihood: float
    log_likelihood_stderr: float
    ess: float
    crooks_slope: float
    crooks_stderr: float
    seed: int
    unit: str = "nats per row"

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types; a number that is none (NaN, infinite) is None."""
        return {
            k: None if isinstance(v, float) and not np.isfinite(v) else v
            for k, v in asdict(self).items()
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Certificate":
        """Inverse of `to_json`."""
        values: dict[str, Any] = {k: float("nan") if v is None else v for k, v in data.items()}
        return cls(**values)


def certify(
    fitted: Fitted,
    n: int = 500,
    trajectories: int = 64,
    steps: int | None = None,
    *,
    seed: int | None = None,
) -> Certificate:
    """The certificate from rows that the model generates.

    Args:
        fitted: model and codec.
        n: number of generated rows, at least 2 (default 500).
        trajectories: number of forward trajectories per row, at least 2 (default 64).
        steps: length of the best sub-schedule that is walked; None walks all T steps.
        seed: seed of the rows and the trajectories; None (default) takes that of the fit.

    Raises:
        SettingError: n or trajectories below 2, which would leave no error bar, or steps out of
            range.
    """
    seed = fitted.train_config.seed if seed is None else int(seed)
    table, work = _weigh(fitted, int(n), int(trajectories), steps, key=fitted.key(seed))
    bracket = bidirectional(-work.forward, -work.reverse)
    free_energy, _ = bennett(work.forward, work.reverse[:, None])
    slope = matched_slope(work.forward, work.reverse)
    gap, gap_stderr = bracket.gap
    log_likelihood, log_likelihood_stderr = mean_and_stderr(table.log_volume - free_energy)
    return Certificate(
        rows=len(table.log_volume),
        trajectories=int(trajectories),
        steps=fitted.model.trajectory_length if steps is None else int(steps),
        lower=float(np.mean(bracket.lower + table.log_volume)),
        upper=float(np.mean(bracket.upper + table.log_volume)),
        gap=gap,
        gap_stderr=gap_stderr,
        log_likelihood=log_likelihood,
        log_likelihood_stderr=log_likelihood_stderr,
        ess=float(np.mean(bracket.ess)),
        crooks_slope=slope.value,
        crooks_stderr=slope.stderr,
        seed=seed,
    )


def work_of_generated(
    fitted: Fitted, n: int = 500, trajectories: int = 16, steps: int | None = None, *, key: Key
) -> Work:
    """Work values, nats, of forward and reverse trajectories of rows that the model generates.

    Args:
        fitted: model and codec.
        n: number of generated rows, at least 2 (default 500).
        trajectories: number of forward trajectories per row, at least 2 (default 16).
        steps: length of the best sub-schedule that is walked; None walks all T steps.
        key: random key of the rows and of their trajectories.

    Raises:
        SettingError: n or trajectories below 2, or steps out of range.
    """
    return _weigh(fitted, int(n), int(trajectories), steps, key=key)[1]


def _weigh(
    fitted: Fitted, n: int, trajectories: int, steps: int | None, *, key: Key
) -> tuple[GeneratedRows, Work]:
    """Generated rows and their work in both directions, nats."""
    model = fitted.walked(steps)
    for name, value in (("n", n), ("trajectories", trajectories)):
        require_whole(name, value, 2, "with fewer there would be no error bar")
    row_key, walk_key = jax.random.split(key)
    table = generate_table(model, fitted.codec, fitted.ties, n, key=row_key)
    if len(table.log_volume) < 2:
        raise SettingError(f"of {n} generated rows fewer than 2 are left", fix="ask for more rows")
    return table, generated_work(
        model, table.rows, table.generated, trajectories=trajectories, key=walk_key
    )
