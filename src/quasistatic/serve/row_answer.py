"""What the model says of one row, better from step to step: its likelihood, its cells, and what its
unknown cells may be.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from quasistatic.data.table import Table
from quasistatic.fitted.columns import Conditionals
from quasistatic.fitted.likelihood import Likelihood, log_likelihood
from quasistatic.posterior.budget import STEPS
from quasistatic.serve.reference import Reference
from quasistatic.serve.values import numbers_of

__all__ = ["RowAnswer", "Unknown", "answers_of_row", "likelihoods"]

_ROUNDS = ((16, 16), (64, 16), (256, 16), (1024, 64))
"""Trajectories of the likelihood and particles of the cells, round by round."""
_DRAWS = (64, 256)
_SEED = 0


class Unknown(NamedTuple):
    """What an unknown cell may be, given the others.

    Args:
        value: draws `[n]`, codes of states or coordinates.
        ess: effective number of particles behind them.
    """

    value: np.ndarray
    ess: float


class RowAnswer(NamedTuple):
    """As much as is known by now.

    Args:
        whole: whether the row has all its cells.
        names: columns whose cells are there.
        likelihood: log-likelihood of the cells that are there; None (default) of an empty row.
        cells: log p of every cell given the others; None (default) as long as it is not known.
        unknown: what the unknown cells may be, by column; None (default) as long as it is not
            known.
        round: number of the round, counted from 1.
        rounds: number of rounds in all.
    """

    whole: bool
    names: tuple[str, ...]
    likelihood: Likelihood | None = None
    cells: Conditionals | None = None
    unknown: dict[str, Unknown] | None = None
    round: int = 1
    rounds: int = len(_ROUNDS)


def likelihoods(reference: Reference, row: Table, trajectories: int) -> Likelihood:
    """The log-likelihood of a row: both sides of a whole one, the lower side of one with holes.

    Args:
        reference: model, and what is usual.
        row: table of one row.
        trajectories: number of trajectories, or of particles.
    """
    fitted = reference.subject.fitted
    method = "sandwich" if fitted.whole_rows(row)[0] else "ais"
    return log_likelihood(fitted, row, method, trajectories, key=fitted.key(_SEED))


def answers_of_row(reference: Reference, row: Table) -> Iterator[RowAnswer]:
    """Answers about a row, each better than the one before.

    Args:
        reference: model, and what is usual.
        row: table of one row.
    """
    subject = reference.subject
    names = [n for n in subject.schema.names if row.frame[n].null_count() == 0]
    missing = [n for n in subject.schema.names if n not in names]
    found = RowAnswer(not missing, tuple(names))
    for number, (trajectories, particles) in enumerate(_ROUNDS):
        found = found._replace(round=number + 1)
        if names:
            n = trajectories if found.whole else min(trajectories, 256)
            found = found._replace(likelihood=likelihoods(reference, row, n))
            yield found
        if missing and number < len(_DRAWS):
            found = found._replace(unknown=_drawn(reference, row, missing, _DRAWS[number]))
            yield found
        is_new = number == 0 or particles != _ROUNDS[number - 1][1]
        if names and reference.judges_cells and is_new:
            found = found._replace(cells=reference.conditionals(row, particles))
            yield found


def _drawn(reference: Reference, row: Table, missing: list[str], draws: int) -> dict[str, Unknown]:
    """Draws of the unknown cells."""
    fitted = reference.subject.fitted
    encoded = fitted.encode(row)
    walked = fitted.among_particles(None, STEPS)
    key = fitted.key(_SEED)
    found = fitted.drawn(walked, encoded, row, draws=draws, particles=draws, key=key)
    table = fitted.table_of([block[0] for block in found.draws], "the drawn cells")
    ess = float(found.ess[0])
    return {name: Unknown(numbers_of(table, fitted.schema.column(name)), ess) for name in missing}
