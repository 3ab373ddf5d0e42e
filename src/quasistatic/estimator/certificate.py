"""The accuracy certificate of a model's likelihoods: the sandwich on rows that the model generated
itself.
"""

from dataclasses import asdict, dataclass
from typing import Any

import jax
import numpy as np

from quasistatic.bound.upper import bidirectional
from quasistatic.data.codec import Codec
from quasistatic.errors import SettingError
from quasistatic.estimator.likelihood import mean_and_stderr
from quasistatic.fitted.generated import GeneratedRows, generate_table
from quasistatic.model import DiffusionModel
from quasistatic.thermodynamics.bennett import bennett
from quasistatic.thermodynamics.crooks import matched_slope
from quasistatic.thermodynamics.work import Work, generated_work
from quasistatic.typing import Key


@dataclass(frozen=True)
class Certificate:
    """How far apart the two sides of log p are on rows of the model, where both are true bounds.

    Each generated row comes with its own trajectory, an exact draw of the posterior: the upper side
    is a true stochastic upper bound (bidirectional Monte Carlo). The mean gap bounds the error of
    `log_likelihood(method="ais")` with the same number of trajectories on rows like the model's
    own.

    Args:
        rows: generated rows that were weighed.
        trajectories: forward trajectories a row.
        steps: of each trajectory.
        lower: mean lower side, nats per row, the data's own units.
        upper: mean upper side.
        gap: mean of upper - lower.
        gap_stderr: its standard error over the rows.
        log_likelihood: mean log p by Bennett's acceptance ratio, from the work in both directions.
        log_likelihood_stderr: its standard error over the rows.
        ess: mean effective sample size of the forward trajectories.
        crooks_slope: of Crooks' relation, 1 where weights, bridges and sampler fit together.
        crooks_stderr: its standard error.
        seed: of the rows and the trajectories.
        unit: of the bounds.
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
    model: DiffusionModel, codec: Codec, n_rows: int, trajectories: int, *, key: Key, seed: int
) -> Certificate:
    """The certificate from `n_rows` generated rows.

    Raises:
        SettingError: fewer than 2 rows or 2 trajectories, which would leave no error bar.
    """
    table, work = work_of_generated(model, codec, n_rows, trajectories, key=key)
    bracket = bidirectional(-work.forward, -work.reverse)
    free_energy, _ = bennett(work.forward, work.reverse[:, None])
    slope = matched_slope(work.forward, work.reverse)
    gap, gap_stderr = bracket.gap
    log_likelihood, log_likelihood_stderr = mean_and_stderr(table.log_volume - free_energy)
    return Certificate(
        rows=len(table.log_volume),
        trajectories=trajectories,
        steps=model.trajectory_length,
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
    model: DiffusionModel, codec: Codec, n_rows: int, trajectories: int, *, key: Key
) -> tuple[GeneratedRows, Work]:
    """Generated rows and their work in both directions, nats.

    Raises:
        SettingError: fewer than 2 rows or 2 trajectories.
    """
    for name, value in (("n", n_rows), ("trajectories", trajectories)):
        if value < 2:
            raise SettingError(
                f"{name} = {value} must be at least 2", fix="with fewer there would be no error bar"
            )
    row_key, walk_key = jax.random.split(key)
    table = generate_table(model, codec, n_rows, key=row_key)
    if len(table.log_volume) < 2:
        raise SettingError(
            f"of {n_rows} generated rows fewer than 2 are left", fix="ask for more rows"
        )
    return table, generated_work(
        model, table.rows, table.generated, trajectories=trajectories, key=walk_key
    )
