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
from quasistatic.fitted.ranks import Ranks
from quasistatic.particles import combine, share_out
from quasistatic.posterior.budget import shortened
from quasistatic.posterior.query import numbers_among_equals
from quasistatic.serve.reference import Reference
from quasistatic.serve.values import numbers_of

__all__ = ["Filled", "RowAnswer", "Unknown", "answers_of_row", "filled_row"]

_WHOLE = ((16, 16), (64, 16), (256, 16), (1024, 64))
"""Trajectories of a whole row and particles of its cells, round by round."""
_HOLED = ((8, 16), (64, 64))
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
        rank: share of the model's rows of which the same cells are less likely; None (default) of a
            whole row, and as long as it is not known.
        round: number of the round, counted from 1.
        rounds: number of rounds in all.
    """

    whole: bool
    names: tuple[str, ...]
    likelihood: Likelihood | None = None
    cells: Conditionals | None = None
    unknown: dict[str, Unknown] | None = None
    rank: Ranks | None = None
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
            filled = filled_row(fitted, row, effort, _POPULATIONS)
            missing = (c for c in fitted.schema.columns if c.name not in names)
            unknown = {c.name: Unknown(numbers_of(filled.drawn, c), filled.ess) for c in missing}
            likelihood = filled.likelihood if names else None
            found = found._replace(likelihood=likelihood, unknown=unknown)
        yield found
        if names and reference.judges_cells and particles > judged:
            judged = particles
            found = found._replace(cells=reference.conditionals(row, particles))
            yield found
        if names and not whole and found.rank is None and reference.table is not None:
            for rank in reference.marginal.of(row, reference.table):
                found = found._replace(rank=rank)
                yield found


class Filled(NamedTuple):
    """What is known of a row with holes.

    Args:
        likelihood: log-likelihood of the cells that are there.
        drawn: whole rows, draws given these cells.
        ess: effective number of particles behind them.
    """

    likelihood: Likelihood
    drawn: Table
    ess: float


def filled_row(
    fitted: Fitted, row: Table, particles: int, populations: int, steps: int | None = None
) -> Filled:
    """The log-likelihood of the cells that are there, and half as many draws of the others as there
    are particles; both from several populations, which count by their evidence.

    Args:
        fitted: model and codec.
        row: table of one row.
        particles: number of particles of a population.
        populations: number of populations: their spread is the error.
        steps: number of steps of the walk, evenly spaced; None (default) walks all.

    Raises:
        DataError: a row that is impossible under the model.
    """
    table = row.take(np.zeros(populations, int))
    encoded, key = fitted.encode(table), fitted.key(_SEED)
    model = fitted.model if steps is None else shortened(fitted.model, steps)
    found = fitted.drawn(model, encoded, table, draws=particles, particles=particles, key=key)
    refuse_impossible(np.array([found.impossible.all()]), row.source)
    z = np.exp(found.log_evidence - found.log_evidence.max())
    which = share_out(z, particles * populations // 2, np.random.default_rng(_SEED))
    place = numbers_among_equals(which) % particles
    drawn = fitted.table_of([block[which, place] for block in found.draws], "the drawn cells")
    whole = combine(found.log_evidence[None], found.ess[None], np.square(found.stderr)[None])
    likelihood = Likelihood(
        lower=whole.log_z + encoded.log_volume[:1],
        stderr=whole.stderr,
        ess=whole.ess,
        method="smc",
        trajectories=particles * populations,
        steps=model.trajectory_length,
        base_measure=f"{fitted.schema.base_measure()}; of the known cells alone",
        meaning=METHODS["smc"].meaning,
    )
    return Filled(likelihood, drawn, float(whole.ess[0]))
