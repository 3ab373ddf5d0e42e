"""What the model says of one row, better from step to step: its likelihood, its cells, and what its
unknown cells may be.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from quasistatic.data.table import Table
from quasistatic.fitted.columns import Conditionals
from quasistatic.fitted.imputation import refuse_impossible
from quasistatic.fitted.likelihood import METHODS, Likelihood, log_likelihood
from quasistatic.fitted.model import Fitted
from quasistatic.particles import combine, share_out
from quasistatic.posterior.query import numbers_among_equals
from quasistatic.serve.reference import Reference
from quasistatic.serve.values import numbers_of

__all__ = ["RowAnswer", "Unknown", "answers_of_row"]

_WHOLE = ((16, 16), (64, 16), (256, 16), (1024, 64))
"""Trajectories of a whole row and particles of its cells, round by round."""
_HOLED = ((16, 16), (64, 64))
"""Particles of each population of a row with holes, and of its cells."""
_POPULATIONS = 8
"""Independent populations of a row with holes: their spread is the error, where the estimate from
one population is often 0."""
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
    rounds: int = 1


def answers_of_row(reference: Reference, row: Table) -> Iterator[RowAnswer]:
    """Answers about a row, each better than the one before.

    Args:
        reference: model, and what is usual.
        row: table of one row.

    Raises:
        DataError: a row that is impossible under the model.
    """
    fitted = reference.subject.fitted
    names = tuple(n for n in fitted.schema.names if row.frame[n].null_count() == 0)
    whole = bool(fitted.whole_rows(row)[0])
    rounds = _WHOLE if whole else _HOLED
    found = RowAnswer(whole, names, rounds=len(rounds))
    judged = 0
    for number, (effort, particles) in enumerate(rounds):
        found = found._replace(round=number + 1)
        if whole:
            key = fitted.key(_SEED)
            likelihood = log_likelihood(fitted, row, "sandwich", effort, key=key)
            found = found._replace(likelihood=likelihood)
        else:
            likelihood, unknown = _of_holed(fitted, row, effort)
            found = found._replace(likelihood=likelihood if names else None, unknown=unknown)
        yield found
        if names and reference.judges_cells and particles > judged:
            judged = particles
            found = found._replace(cells=reference.conditionals(row, particles))
            yield found


def _of_holed(fitted: Fitted, row: Table, particles: int) -> tuple[Likelihood, dict[str, Unknown]]:
    """The log-likelihood of the cells that are there, and draws of the others; both from several
    populations, which count by their evidence.
    """
    table = row.take(np.zeros(_POPULATIONS, int))
    encoded, key = fitted.encode(table), fitted.key(_SEED)
    model = fitted.walked(None)
    found = fitted.drawn(model, encoded, table, draws=particles, particles=particles, key=key)
    refuse_impossible(np.array([found.impossible.all()]), row.source)
    z = np.exp(found.log_evidence - found.log_evidence.max())
    which = share_out(z, particles * _POPULATIONS // 2, np.random.default_rng(_SEED))
    place = numbers_among_equals(which) % particles
    drawn = fitted.table_of([block[which, place] for block in found.draws], "the drawn cells")
    whole = combine(found.log_evidence[None], found.ess[None], np.square(found.stderr)[None])
    likelihood = Likelihood(
        lower=whole.log_z + encoded.log_volume[:1],
        stderr=whole.stderr,
        ess=whole.ess,
        method="smc",
        trajectories=particles * _POPULATIONS,
        steps=model.trajectory_length,
        base_measure=f"{fitted.schema.base_measure()}; of the known cells alone",
        meaning=METHODS["smc"].meaning,
    )
    missing = [n for n in fitted.schema.names if row.frame[n].null_count()]
    ess = float(whole.ess[0])
    columns = (fitted.schema.column(name) for name in missing)
    return likelihood, {c.name: Unknown(numbers_of(drawn, c), ess) for c in columns}
