"""The questions of the service and their answers: what requests are held against, and what the
document of the service is made of.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

from quasistatic.records import Within
from quasistatic.serve.document import OfModel
from quasistatic.serve.limits import MOST_ROWS

__all__ = [
    "AboutModel",
    "Condition",
    "Conditioned",
    "Explain",
    "Explained",
    "Impute",
    "Imputed",
    "Nothing",
    "Sample",
    "Sampled",
    "Score",
    "Scored",
]

_Cell = str | float | bool | None
_Row = Annotated[dict[str, _Cell], OfModel("Row")]
_Rows = Annotated[list[_Row], Within(1, MOST_ROWS)]
_Given = Annotated[list[Annotated[str, Within(1, 1000)]], Within(0, 32)]
_Seed = Annotated[int, Within(0, 2**32 - 1)]
_Particles = Annotated[int, Within(16, 256)]


@dataclass(frozen=True)
class Nothing:
    """A question without a parameter."""


@dataclass(frozen=True)
class Score:
    """How likely are these rows?

    Args:
        rows: rows by column; a column that is not named, or null, is unknown.
        method: bound (K), ais (importance-weighted), smc, or sandwich (with an upper side; whole
            rows only).
        trajectories: draws of a row, rounded up to a power of two; null takes the method's own.
        seed: seed of the noise.
    """

    rows: _Rows
    method: Literal["bound", "ais", "smc", "sandwich"] = "ais"
    trajectories: Annotated[int | None, Within(3, 1024)] = None
    seed: _Seed = 0


class Scored(TypedDict):
    """Log-likelihoods, one a row.

    Args:
        log_p: lower side of log p, nats.
        stderr: Monte Carlo standard error of log_p.
        upper: upper side, nats; null for methods without.
        stderr_upper: Monte Carlo standard error of upper.
        ess: effective sample size; null where nothing is weighted.
        mean: mean of log_p.
        unit: unit of the numbers.
        base_measure: what the density refers to.
        meaning: what log_p is.
        notices: what to know of the answer.
    """

    log_p: list[float]
    stderr: list[float | None]
    upper: list[float] | None
    stderr_upper: list[float | None] | None
    ess: list[float | None]
    mean: float
    unit: str
    base_measure: str
    meaning: str
    notices: list[str]


@dataclass(frozen=True)
class Sample:
    """New rows of the model.

    Args:
        n: number of rows.
        seed: seed of the rows.
    """

    n: Annotated[int, Within(1, MOST_ROWS)] = 10
    seed: _Seed = 0


class Sampled(TypedDict):
    """Rows of the model.

    Args:
        rows: rows by column.
        notices: what to know of the answer.
    """

    rows: list[_Row]
    notices: list[str]


@dataclass(frozen=True)
class Impute:
    """Fill the unknown cells of rows, given the others.

    Args:
        rows: rows by column; a column that is not named, or null, is filled.
        draws: how often each row is filled.
        point: one filling by medians and most frequent categories, in place of draws.
        particles: particles of a row, rounded up to a power of two.
        seed: seed of the draws.
    """

    rows: _Rows
    draws: Annotated[int, Within(1, 20)] = 5
    point: bool = False
    particles: _Particles = 64
    seed: _Seed = 0


class Imputed(TypedDict):
    """Rows without a hole.

    Args:
        tables: the rows, filled, once for each draw.
        log_evidence: log-probability (density) of the known cells of each row, nats; null without
            a hole.
        stderr: Monte Carlo standard error of log_evidence.
        ess: effective number of particles.
        notices: what to know of the answer.
    """

    tables: list[list[_Row]]
    log_evidence: list[float | None]
    stderr: list[float | None]
    ess: list[float | None]
    notices: list[str]


@dataclass(frozen=True)
class Condition:
    """How probable is a condition, and what do rows look like that meet it?

    Args:
        given: conditions such as "sex=female", "4000 <= body_mass_g < 5000", "species=A|B".
        n: number of rows to draw.
        particles: particles of a population, rounded up to a power of two.
        seed: seed of the draws.
    """

    given: Annotated[_Given, Within(1, 32)]
    n: Annotated[int, Within(1, MOST_ROWS)] = 10
    particles: _Particles = 64
    seed: _Seed = 0


class Conditioned(TypedDict):
    """The evidence of a condition, and rows that meet it.

    Args:
        log_evidence: log of the probability (density) of the condition, nats.
        stderr: Monte Carlo standard error of log_evidence.
        ess: effective number of particles behind the rows.
        base_measure: what log_evidence is a probability or a density of.
        rows: rows that meet the condition.
        notices: what to know of the answer.
    """

    log_evidence: float
    stderr: float | None
    ess: float | None
    base_measure: str
    rows: list[_Row]
    notices: list[str]


@dataclass(frozen=True)
class Explain:
    """Which cell of a row is odd, given the others?

    Args:
        rows: rows by column.
        particles: particles of each evidence, rounded up to a power of two.
    """

    rows: Annotated[list[_Row], Within(1, 64)]
    particles: _Particles = 16


class _Cells(TypedDict):
    """One row, cell by cell.

    Args:
        blame: column with the largest surprise; null of an empty row.
        log_p: log-probability (density) of each cell given the others, nats.
        stderr: Monte Carlo standard error of each log_p.
        surprise: how unusual that is for the column: minus the log of the share of the model's own
            cells that are as improbable, nats.
    """

    blame: str | None
    log_p: dict[str, float | None]
    stderr: dict[str, float | None]
    surprise: dict[str, float | None]


class Explained(TypedDict):
    """Rows, cell by cell.

    Args:
        rows: one for each row of the question.
        unit: unit of the numbers.
        notices: what to know of the answer.
    """

    rows: list[_Cells]
    unit: str
    notices: list[str]


class AboutModel(TypedDict):
    """The model.

    Args:
        model: name of the model.
        columns: columns with name, kind, and what is known of their values.
        steps: length of the trajectory.
        rows: rows that the model was fitted on.
        validation_bound_nats: mean bound on held-out rows, nats per row.
        base_measure: what its densities refer to.
        constraints: what holds in every row.
    """

    model: str
    columns: list[dict[str, Any]]
    steps: int
    rows: int
    validation_bound_nats: float | None
    base_measure: str
    constraints: list[str]
